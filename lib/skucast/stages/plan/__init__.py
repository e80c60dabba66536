"""Forecast, stock and supply → policy, order plan, alerts and health."""
