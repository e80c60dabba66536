"""What names a series, and the demand that is forecast."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

SERIES = ("item_id", "location_id")
"""Columns that name a series."""


def base_demand(demand: DataFrame) -> DataFrame:
    """Rows of table ``demand`` without what is exceptional: the demand that is forecast."""
    left_out = F.coalesce("exceptional", F.lit(0.0))
    return demand.withColumns(
        {name: F.col(name) - left_out for name in ("demand", "sales")} | {"exceptional": F.lit(0.0)}
    )
