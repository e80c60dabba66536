"""The predictive distribution of each series: a mean from the methods, a spread of its own."""
