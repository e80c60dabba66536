"""Items that sell alike: correlations and clusters."""
