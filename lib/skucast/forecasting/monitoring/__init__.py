"""Past forecasts beside the demand that came after them: scores, drift, recalibration."""
