"""Effects of events in groups of series, summed over the sample that tells the seasons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema

from skucast.forecasting.panel import FloatArray, Panel
from skucast.forecasting.seasons.adjustment import effects_shown
from skucast.forecasting.seasons.events import effect_sums, group_effects
from skucast.forecasting.seasons.shared import SharedSeasons
from skucast.transforms.drivers import Catalogue
from skucast.transforms.panel import Span, as_bucket
from skucast.transforms.season_groups import SeasonGroups, grouped

_SCHEMA = pa.schema({"origin": pa.int32(), "sums": pa.list_(pa.float64())}.items())


def with_effects(
    seasons: SharedSeasons, sample: DataFrame, groups: SeasonGroups, span: Span, catalogue: Catalogue
) -> SharedSeasons:
    """The seasons with the effects of events in each group, as each origin knew them; unchanged without events.

    Args:
        seasons: of the groups.
        sample: rows of ``long_panel`` of the series that tell.
        groups: of all series.
        span: the shared calendar.
        catalogue: names of what drives demand.
    """
    if not catalogue.events or not seasons.curves:
        return seasons

    names, shape = tuple(sorted(catalogue.events)), (len(groups.parents), 5, len(catalogue.events))

    def add(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = list(batches)
        if not rows:
            return
        bucket = as_bucket(pa.Table.from_batches(rows), span, catalogue)
        panel, membership = grouped(bucket, seasons), groups.membership(bucket)
        for origin, curves in seasons.curves.items():
            known = panel.until(origin)
            shown = np.full((known.n_series, len(names)), np.nan)
            shown[:, [names.index(name) for name in sorted(known.events)]] = effects_shown(known, curves)
            sums = effect_sums(shown, _votes(known), membership)
            yield pa.RecordBatch.from_pylist([{"origin": origin, "sums": sums.ravel().tolist()}], schema=_SCHEMA)

    parts = sample.mapInArrow(add, from_arrow_schema(_SCHEMA)).collect()
    curves = {}
    for origin, of_origin in seasons.curves.items():
        total = np.sum([row["sums"] for row in parts if row["origin"] == origin], axis=0)
        effects = group_effects(np.reshape(total, shape), groups.parents)
        curves[origin] = replace(of_origin, effects=dict(zip(names, effects.T, strict=True)))
    return replace(seasons, curves=curves)


def _votes(panel: Panel) -> FloatArray:
    """Weight of each series in its groups, between a vote a unit and a vote a series, shape (n,)."""
    known = np.isfinite(panel.demand)
    mean = np.where(known, panel.demand, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.sqrt(mean)
