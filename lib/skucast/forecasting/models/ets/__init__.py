"""Exponential smoothing in state-space form: fit, choice of form, variance."""
