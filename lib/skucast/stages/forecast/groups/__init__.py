"""Forecasts of categories, locations and of all, and their reconciliation with those of the series."""
