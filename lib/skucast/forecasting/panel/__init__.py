"""Histories of many series as arrays, their profile, and what is cleaned before methods see them."""
