"""Croston's method and its relatives for rare demand."""
