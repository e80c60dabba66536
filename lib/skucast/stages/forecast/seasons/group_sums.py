"""Seasons of groups of series: which groups there are, and sums over a sample of series in one distributed pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from skucast.forecasting.panel.panel import FloatArray, IntArray, Panel
from skucast.forecasting.seasons.calendar import calendar_of
from skucast.forecasting.seasons.curves import Ratios
from skucast.forecasting.seasons.shared import ALL, GroupSums, SharedSeasons, group_curves, group_sums
from skucast.spark.series import SERIES
from skucast.stages.forecast.covariates.drivers import NOTHING, Catalogue
from skucast.stages.forecast.panel.buckets import Bucket, as_bucket
from skucast.stages.forecast.span import Span

MOST_SERIES = 20_000
"""Series whose demand tells the seasons; of more a sample is drawn by their keys."""

MOST_GROUPS = 100
"""Locations, categories, and pairs of both that have seasons of their own: those with most series."""

_PARTS = 1_000_000
_FIELDS = ("n_series", "signals", "weights", "week_demand", "week_usual", "day_demand", "day_usual")
_SCHEMA = pa.schema(({"origin": pa.int32()} | {name: pa.list_(pa.float64()) for name in _FIELDS}).items())
Batches = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


@dataclass(frozen=True)
class SeasonGroups:
    """Groups of series that share seasons, each after its parents.

    Attributes:
        places: group name -> its row.
        parents: of each group.
    """

    places: Mapping[str, int]
    parents: tuple[tuple[int, ...], ...]

    def rows_of(self, bucket: Bucket) -> IntArray:
        """Narrowest group of each series of a bucket, shape (n,)."""
        names = zip(bucket.locations, bucket.categories, strict=True)
        found = [next(self.places[name] for name in group_names(*each) if name in self.places) for each in names]
        return np.array(found, dtype=np.int64)

    def membership(self, bucket: Bucket) -> FloatArray:
        """1 where a series belongs to a group, shape (n_groups, n)."""
        found = np.zeros((len(self.parents), len(bucket.items)))
        for row, (location, category) in enumerate(zip(bucket.locations, bucket.categories, strict=True)):
            own = [self.places[name] for name in group_names(location, category) if name in self.places]
            found[own, row] = 1.0
        return found


def group_names(location: str, category: str | None) -> tuple[str, ...]:
    """Groups that a series may belong to, the narrowest first."""
    of_category = (f"both {location}\n{category}", f"category {category}") if category else ()
    return (*of_category, f"location {location}", ALL)


def season_groups(series: DataFrame) -> SeasonGroups:
    """All series together, and the locations, categories and pairs with most series.

    Args:
        series: one row per series: ``location_id`` and ``category`` ("" for none).
    """
    pairs = series.groupBy("location_id", "category").count()
    places: dict[str, int] = {ALL: 0}
    parents: list[tuple[int, ...]] = [()]
    largest = {
        "location": _largest(pairs, "location_id"),
        "category": _largest(pairs.where("category <> ''"), "category"),
        "both": _largest(pairs.where("category <> ''"), "location_id", "category"),
    }
    for kind in ("location", "category"):
        for (name,) in largest[kind] if len(largest[kind]) > 1 else ():
            places[f"{kind} {name}"] = len(parents)
            parents.append((0,))
    for location, category in largest["both"] if min(len(largest[k]) for k in ("location", "category")) > 1 else ():
        wider = (places.get(f"location {location}"), places.get(f"category {category}"))
        places[f"both {location}\n{category}"] = len(parents)
        parents.append((0, *(each for each in wider if each is not None)))
    return SeasonGroups(places, tuple(parents))


def _largest(pairs: DataFrame, *keys: str) -> list[tuple[str, ...]]:
    counted = pairs.groupBy(*keys).agg(F.sum("count").alias("n")).orderBy(F.desc("n"), *keys).limit(MOST_GROUPS)
    return [tuple(row[key] for key in keys) for row in counted.collect()]


def is_sampled(n_series: int) -> Column:
    """Whether a series is among about ``MOST_SERIES`` of ``n_series`` drawn by their keys."""
    share = min(1.0, MOST_SERIES / max(n_series, 1))
    return F.pmod(F.xxhash64(*SERIES, F.lit("seasons")), F.lit(_PARTS)) < F.lit(max(1, round(_PARTS * share)))


def shared_seasons(
    sample: DataFrame, groups: SeasonGroups, origins: Sequence[int], span: Span, catalogue: Catalogue = NOTHING
) -> SharedSeasons:
    """Curves of the groups as each origin knew them, the same whatever the partitioning.

    Args:
        sample: rows of ``long_panel`` of the series that tell.
        groups: of all series.
        origins: periods known at each.
        span: the shared calendar.
        catalogue: names of what drives demand.
    """
    rows = sample.mapInArrow(_sums(groups, tuple(origins), span, catalogue), from_arrow_schema(_SCHEMA)).collect()
    curves = {}
    for origin in origins:
        own = [{name: np.array(row[name]) for name in _FIELDS} for row in rows if row["origin"] == origin]
        if own:
            total = {name: np.sum([each[name] for each in own], axis=0) for name in _FIELDS}
            sums = _as_sums(total, len(groups.parents))
            known = Panel(
                np.zeros((0, origin)), np.zeros((0, origin + span.horizon), dtype=bool), np.zeros(0, dtype=np.int64),
                span.first, span.frequency.days, span.frequency.season_length, span.horizon, {},
            )  # fmt: skip
            curves[origin] = group_curves(sums, groups.parents, calendar_of(known))
    return SharedSeasons(groups.places, curves)


def _sums(groups: SeasonGroups, origins: tuple[int, ...], span: Span, catalogue: Catalogue) -> Batches:
    def add(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = list(batches)
        if not rows:
            return
        bucket = as_bucket(pa.Table.from_batches(rows), span, catalogue)
        membership = groups.membership(bucket)
        found = [_row(origin, group_sums(bucket.panel.until(origin), membership)) for origin in origins]
        yield pa.RecordBatch.from_pylist(found, schema=_SCHEMA)

    return add


def _row(origin: int, sums: GroupSums) -> dict[str, object]:
    ratios = (sums.weeks.demand, sums.weeks.usual, sums.days.demand, sums.days.usual)
    arrays = (sums.n_series, sums.signals, sums.weights, *ratios)
    flat = {name: each.astype(np.float64).ravel().tolist() for name, each in zip(_FIELDS, arrays, strict=True)}
    return {"origin": origin, **flat}


def _as_sums(total: Mapping[str, FloatArray], n_groups: int) -> GroupSums:
    weeks, days = (
        Ratios(*(total[f"{kind}_{name}"].reshape(n_groups, -1) for name in ("demand", "usual")))
        for kind in ("week", "day")
    )
    signals, weights = (total[name].reshape(n_groups, -1) for name in ("signals", "weights"))
    return GroupSums(total["n_series"].astype(np.int64), signals, weights, weeks, days)


def grouped(bucket: Bucket, seasons: SharedSeasons | None) -> Panel:
    """The panel of a bucket whose series know their groups."""
    if seasons is None or not seasons.places:
        return bucket.panel
    groups = SeasonGroups(seasons.places, ())
    return replace(bucket.panel, group=groups.rows_of(bucket))
