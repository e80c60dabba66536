"""Forecasts at the dates of past reviews, for the replay of a policy."""
