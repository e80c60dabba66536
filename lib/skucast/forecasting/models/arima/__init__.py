"""Seasonal ARIMA in batches: exact likelihood, search of orders."""
