"""skucast: order history in, explained replenishment decisions out, on Spark and Delta Lake."""

__version__ = "0.1.0"
