"""Accepted order lines → demand of every item, location and period on a complete calendar."""
