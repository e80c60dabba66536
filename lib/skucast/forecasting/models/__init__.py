"""Forecasting methods, one family per group of files: pure functions over a panel."""
