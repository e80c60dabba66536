"""Rows of many series → arrays in buckets, and back."""
