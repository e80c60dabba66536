"""Linear regressions on covariates and lags."""
