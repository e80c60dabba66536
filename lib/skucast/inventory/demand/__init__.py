"""Demand over the protection period as quantiles and paths of whole units."""
