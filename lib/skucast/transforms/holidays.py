"""Public holidays by country and region, from the `holidays` package, as rows of table ``event``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from skucast.tables.masters import EVENT


@dataclass(frozen=True, order=True)
class Region:
    """Where holidays are kept: a country (ISO 3166-1 alpha-2) and, if wanted, a part of it by the package's code."""

    country: str
    subdivision: str | None = None

    def problem(self) -> str | None:
        """What is wrong with it, and what there is instead; None if nothing is."""
        import holidays as package

        known = package.list_supported_countries(include_aliases=False)
        if self.country not in known:
            return f"country {self.country!r} has no holidays here; there are {', '.join(sorted(known))}"
        parts = known[self.country]
        if self.subdivision is not None and self.subdivision not in parts:
            there_are = f"there are {', '.join(sorted(parts))}" if parts else "it has none"
            return f"subdivision {self.subdivision!r} of country {self.country} is unknown; {there_are}"
        return None

    def days(self, first: date, last: date) -> list[tuple[date, str]]:
        """Every holiday between two days, both within; several names of a day one by one."""
        import holidays as package

        years = range(first.year - 1, last.year + 2)  # one that is kept on another day may belong to the year beside
        found = package.country_holidays(self.country, subdiv=self.subdivision, years=years)
        n_days = (last - first).days + 1
        days = (first + timedelta(days=n) for n in range(n_days))
        return [(day, name) for day in days if day in found for name in dict.fromkeys(found.get_list(day))]


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
