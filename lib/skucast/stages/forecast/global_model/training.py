"""Training of the model over all series: a sample of series, one task per cutoff, models as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from skucast.forecasting.engine.engine import ForecastSettings
from skucast.forecasting.global_model.features import Known
from skucast.forecasting.global_model.training import Learner, LearnerSettings, Model, train
from skucast.forecasting.global_model.trees import Trees
from skucast.forecasting.panel.panel import Panel
from skucast.forecasting.seasons.shared import SharedSeasons
from skucast.spark.series import SERIES
from skucast.stages.forecast.covariates.drivers import NOTHING, Catalogue
from skucast.stages.forecast.panel.buckets import as_bucket
from skucast.stages.forecast.seasons.group_sums import grouped
from skucast.stages.forecast.span import Span

_PARTS = 1_000_000
_TREES: dict[str, tuple[Any, pa.DataType]] = {
    "roots": (np.int32, pa.int32()), "feature": (np.int32, pa.int32()), "threshold": (np.float64, pa.float64()),
    "left": (np.int32, pa.int32()), "right": (np.int32, pa.int32()), "unknown_left": (np.bool_, pa.bool_()),
    "value": (np.float64, pa.float64()),
}  # fmt: skip
_MODEL_SCHEMA = pa.schema(
    {
        "cutoff": pa.int32(), "n_rows": pa.int64(), "n_series": pa.int64(), "events": pa.list_(pa.string()),
        "drivers": pa.list_(pa.string()), "start": pa.float64(),
        **{name: pa.list_(kind) for name, (_, kind) in _TREES.items()},
    }.items()
)  # fmt: skip
Batches = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def is_sampled(n_series: int, most: int) -> Column:
    """Whether a series is among about ``most`` of ``n_series`` drawn by their keys."""
    share = min(1.0, most / max(n_series, 1))
    return F.pmod(F.xxhash64(*SERIES, F.lit("learner")), F.lit(_PARTS)) < F.lit(max(1, round(_PARTS * share)))


def trained(
    sample: DataFrame,
    span: Span,
    cutoffs: Sequence[int],
    settings: LearnerSettings,
    plan: ForecastSettings,
    catalogue: Catalogue = NOTHING,
) -> DataFrame:
    """Train a model per cutoff, each in a task of its own, on the same series in the order of their keys.

    Args:
        sample: rows of ``long_panel`` of not too many series.
        span: the shared calendar.
        cutoffs: periods that each model may know.
        settings: size of sample and trees.
        plan: what is done to demand before methods see it.
        catalogue: names of what drives demand.

    Returns:
        One row per cutoff whose rows were enough.
    """
    places = F.explode(F.array(*(F.lit(place) for place in range(len(cutoffs))))).alias("place")
    placed = sample.drop("bucket").select(places, "*").repartitionById(len(cutoffs), F.col("place"))
    train_one = partial(train, settings=settings, treatment=plan.shown)
    task = _train(span, tuple(cutoffs), train_one, catalogue, plan.seasons)
    return placed.mapInArrow(task, from_arrow_schema(_MODEL_SCHEMA))


def learner_of(rows: DataFrame) -> Learner:
    """The models on the driver: some hundred kilobytes each."""
    models = [_as_model(row) for row in rows.collect()]
    return Learner({model.cutoff: model for model in sorted(models, key=lambda each: each.cutoff)})


def _train(
    span: Span,
    cutoffs: tuple[int, ...],
    train_one: Callable[[Panel, int], Model | None],
    catalogue: Catalogue,
    seasons: SharedSeasons | None,
) -> Batches:
    def task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = list(batches)
        if not rows:
            return
        table = pa.Table.from_batches(rows)
        panel = grouped(as_bucket(table, span, catalogue), seasons)
        model = train_one(panel, cutoffs[table["place"][0].as_py()])
        if model:
            yield pa.RecordBatch.from_pylist([_as_row(model)], schema=_MODEL_SCHEMA)

    return task


def _as_row(model: Model) -> dict[str, object]:
    return {
        "cutoff": model.cutoff,
        "n_rows": model.n_rows,
        "n_series": model.n_series,
        "events": list(model.known.events),
        "drivers": list(model.known.drivers),
        "start": model.trees.start,
        **{name: getattr(model.trees, name).tolist() for name in _TREES},
    }


def _as_model(row: Row) -> Model:
    arrays = {name: np.array(row[name], dtype=kind) for name, (kind, _) in _TREES.items()}
    known = Known(tuple(row["events"]), tuple(row["drivers"]))
    return Model(row["cutoff"], known, Trees(start=row["start"], **arrays), row["n_rows"], row["n_series"])
