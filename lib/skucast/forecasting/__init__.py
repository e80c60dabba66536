"""Forecasting on pure arrays: models, backtest, selection, quantiles, scores. No Spark, no files."""
