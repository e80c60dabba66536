"""Effects of events in groups of series, summed over the sample that tells the seasons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema

from skucast.forecasting.seasons.adjustment import effects_shown
from skucast.forecasting.seasons.group_events import SUMS, effect_sums, group_effects, votes
from skucast.forecasting.seasons.shared import SharedSeasons
from skucast.stages.forecast.covariates.drivers import Catalogue
from skucast.stages.forecast.panel.buckets import as_bucket
from skucast.stages.forecast.seasons.group_sums import SeasonGroups, grouped
from skucast.stages.forecast.span import Span

_SCHEMA = pa.schema({"origin": pa.int32(), "sums": pa.list_(pa.float64())}.items())


def with_effects(
    seasons: SharedSeasons, sample: DataFrame, groups: SeasonGroups, span: Span, catalogue: Catalogue
) -> SharedSeasons:
    """The seasons with the effects of events in each group, as each origin knew them.

    Args:
        seasons: of the groups.
        sample: rows of ``long_panel`` of the series that tell.
        groups: of all series.
        span: the shared calendar.
        catalogue: names of what drives demand, with events.
    """
    names, shape = tuple(sorted(catalogue.events)), (len(groups.parents), len(SUMS), len(catalogue.events))

    def add(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = list(batches)
        if not rows:
            return
        bucket = as_bucket(pa.Table.from_batches(rows), span, catalogue)
        panel, membership = grouped(bucket, seasons), groups.membership(bucket)
        for origin, curves in seasons.curves.items():
            known = panel.until(origin)
            places = [names.index(name) for name in sorted(known.events)]
            own, error = (np.full((known.n_series, len(names)), np.nan) for _ in range(2))
            own[:, places], error[:, places] = effects_shown(known, curves)
            sums = effect_sums(own, error, votes(known), membership)
            yield pa.RecordBatch.from_pylist([{"origin": origin, "sums": sums.ravel().tolist()}], schema=_SCHEMA)

    parts = sample.mapInArrow(add, from_arrow_schema(_SCHEMA)).collect()
    curves = {}
    for origin, of_origin in seasons.curves.items():
        total = np.sum([row["sums"] for row in parts if row["origin"] == origin], axis=0)
        effects = group_effects(np.reshape(total, shape), groups.parents)
        by_name = {name: effects[:, :, place] for place, name in enumerate(names)}
        curves[origin] = replace(of_origin, effects=by_name)
    return replace(seasons, curves=curves)
