"""Compiled loops and the array types that the mathematics shares."""
