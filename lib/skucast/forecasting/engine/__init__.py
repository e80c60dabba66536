"""A panel of series through all candidates to forecasts, one row of status for each series."""
