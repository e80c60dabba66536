"""The one predictive distribution of each series: its mean from the methods, its spread its own, shrunk to its class."""
