"""Limits that orders share, settled over all rows."""
