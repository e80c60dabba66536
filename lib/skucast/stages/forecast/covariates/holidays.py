"""Public holidays by country and region, from the `holidays` package, as rows of table ``event``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from skucast.calendars import Region
from skucast.tables.inputs.masters import EVENT


def with_holidays(
    event: DataFrame,
    locations: DataFrame,
    *,
    everywhere: Region | None,
    regions: Mapping[str, Region],
    first: date,
    last: date,
) -> DataFrame:
    """Rows of ``event`` and the holidays of every location, always known; one that stands there already stays double.

    Args:
        event: rows of table ``event``.
        locations: one row per ``location_id``.
        everywhere: region of the locations that have none of their own; None: they keep no holidays.
        regions: location → region.
        first: first day of the span.
        last: last day of the span.
    """
    own = list(regions.items())
    asked: list[tuple[str | None, Region]] = [*own, *([(None, everywhere)] if everywhere else [])]
    rows = [
        {"location_id": place or "", "event_date": day, "name": name, "kind": "holiday", "provenance": "default"}
        for place, region in asked
        for day, name in region.days(first, last)
    ]
    if not rows:
        return event
    days = EVENT.frame(event.sparkSession, rows)
    kept = locations.withColumn("_place", F.when(F.col("location_id").isin([*regions]), F.col("location_id")))
    kept = kept.select(F.coalesce("_place", F.lit("")).alias("_place"), "location_id").distinct()
    named = F.broadcast(days.withColumnRenamed("location_id", "_place")).join(kept, "_place")
    return event.unionByName(named.select(*event.columns))
