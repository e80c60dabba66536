"""Models of other packages, one series at a time: statsmodels' ARIMA and Prophet."""
