"""Seasons and events that many series share, shrunk into each series: multiplicative factors of every period."""
