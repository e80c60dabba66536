"""Demand → forecasts, their backtest and the status of every series."""
