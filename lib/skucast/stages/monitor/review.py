"""Past forecasts → what is found of every class and every series, by distributed sums of classes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

from skucast.forecasting.monitoring.class_review import ClassFinding, ClassSums, added, review_class
from skucast.forecasting.monitoring.realised import Measures
from skucast.forecasting.monitoring.recalibration import FACTORS
from skucast.forecasting.monitoring.series_review import Findings, review_series
from skucast.forecasting.monitoring.verdict import ACTIONS, Rules
from skucast.forecasting.panel.panel import FloatArray
from skucast.spark.arrow_columns import lists, numbers, table
from skucast.spark.series import SERIES
from skucast.stages.monitor.past_forecasts import Cutoffs, past_of
from skucast.tables.review import FORECAST_REVIEW, FORECAST_REVIEW_CLASS

Class = tuple[str, str]
"""Demand class and method."""

_COUNTS, _NUMBERS = pa.list_(pa.int64()), pa.list_(pa.float64())
_SUMS_SCHEMA = pa.schema(
    {
        "demand_class": pa.string(), "method": pa.string(), "n_series": pa.int64(),
        "measures": pa.map_(pa.string(), _NUMBERS), "below": _COUNTS, "not_above": _COUNTS, "scores": _COUNTS,
        "n_scores": _COUNTS, "n_halves": _COUNTS,
    }.items()
)  # fmt: skip


@dataclass(frozen=True)
class Review:
    """How past forecasts are reviewed.

    Attributes:
        cutoffs: which.
        rules: when something is found.
        stamp: ``decision_date`` and ``run_id`` of every row.
    """

    cutoffs: Cutoffs
    rules: Rules
    stamp: Mapping[str, object]

    def classes(self, past: DataFrame) -> dict[Class, ClassFinding]:
        """What is found of each class: sums over its series, the same whatever the partitioning, on the driver."""
        parts: defaultdict[Class, list[ClassSums]] = defaultdict(list)
        shape = (2, len(self.cutoffs.levels), FACTORS.size)
        for row in past.mapInArrow(_summed(self.cutoffs), from_arrow_schema(_SUMS_SCHEMA)).collect():
            measures = {name: np.array(values) for name, values in row["measures"].items()}
            below, not_above = (np.array(row[name]).reshape(shape) for name in ("below", "not_above"))
            counts = (np.array(row[name], dtype=np.int64) for name in ("n_halves", "scores", "n_scores"))
            sums = ClassSums(row["n_series"], measures, below, not_above, *counts)
            parts[row["demand_class"], row["method"]].append(sums)
        levels = np.array(self.cutoffs.levels)
        return {key: review_class(added(each), levels, self.rules) for key, each in sorted(parts.items())}

    def class_rows(self, spark: SparkSession, found: Mapping[Class, ClassFinding]) -> DataFrame:
        """Rows of ``forecast_review_class``."""
        levels = list(self.cutoffs.levels)
        rows = [dict(self.stamp) | _class_row(key, each) | {"quantile_levels": levels} for key, each in found.items()]
        return FORECAST_REVIEW_CLASS.frame(spark, rows)

    def series_rows(self, past: DataFrame, found: Mapping[Class, ClassFinding]) -> DataFrame:
        """Rows of ``forecast_review``. No shuffle."""
        factors = {key: each.spread_factor for key, each in found.items()}
        schema = FORECAST_REVIEW.schema
        return past.mapInArrow(_reviewed(self, factors, to_arrow_schema(schema)), schema)


def _keys(batch: pa.RecordBatch) -> list[Class]:
    return list(zip(batch.column("demand_class").to_pylist(), batch.column("method").to_pylist(), strict=True))


def _summed(cutoffs: Cutoffs) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def add(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            past, keys = past_of(batch, cutoffs), _keys(batch)
            rows = []
            for key in sorted(set(keys)):
                sums = ClassSums.of(past, np.array([each == key for each in keys], dtype=bool))
                rows.append(_sums_row(key, sums))
            yield pa.RecordBatch.from_pylist(rows, schema=_SUMS_SCHEMA)

    return add


def _sums_row(key: Class, sums: ClassSums) -> dict[str, object]:
    flat = {name: getattr(sums, name).ravel().tolist() for name in _COUNTED}
    measures = [(name, np.atleast_1d(values).tolist()) for name, values in sums.measures.items()]
    return {"demand_class": key[0], "method": key[1], "n_series": sums.n_series, "measures": measures, **flat}


def _class_row(key: Class, found: ClassFinding) -> dict[str, object]:
    return {
        "demand_class": key[0],
        "method": key[1],
        "n_series": found.sums.n_series,
        **_plain(found.sums.measures),
        "n_cutoffs": found.n_cutoffs,
        "mean_score": found.mean_score,
        "student_t": found.student_t if np.isfinite(found.student_t) else None,
        "fitted_factor": found.fitted_factor,
        "spread_factor": found.spread_factor,
        "verdict": str(found.verdict),
        "action": found.action,
        "explanation": found.explanation,
    }


def _plain(measures: Measures) -> dict[str, object]:
    """Measures of one class as the table takes them."""
    values = {name: each.tolist() for name, each in measures.items()}
    return {name: each if name in _LISTS else _number(name, each) for name, each in values.items()}


_COUNTED = ("below", "not_above", "n_halves", "scores", "n_scores")
_LISTS = ("not_above", "below")


def _number(name: str, value: float | Sequence[float]) -> float | int:
    single = value if isinstance(value, float) else value[0]
    return int(single) if name.startswith("n_") else float(single)


def _reviewed(
    review: Review, factors: Mapping[Class, float], schema: pa.Schema
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def write(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            of_class: FloatArray = np.array([factors[key] for key in _keys(batch)])
            found = review_series(past_of(batch, review.cutoffs), of_class, review.rules)
            levels = np.tile(review.cutoffs.levels, (batch.num_rows, 1))
            columns = _columns(found) | {"quantile_levels": lists(levels)} | dict(review.stamp)
            columns |= {name: batch.column(name) for name in (*SERIES, "demand_class", "method")}
            yield from table(columns, schema, batch.num_rows).to_batches()

    return write


def _columns(found: Findings) -> dict[str, pa.Array]:
    measures = {
        name: lists(values) if name in _LISTS else pa.array(values.astype(np.int32) if name[:2] == "n_" else values)
        for name, values in found.measures.items()
    }
    return {
        **measures,
        "n_scores": pa.array(found.n_scores.astype(np.int32)),
        "mean_score": pa.array(found.mean_score),
        "cusum_above": pa.array(found.cusum_above),
        "cusum_below": pa.array(found.cusum_below),
        "tracking_signal": numbers(found.tracking_signal),
        "spread_factor": pa.array(found.spread_factor),
        "verdict": pa.array([str(each) for each in found.verdict]),
        "action": pa.array([ACTIONS[each] for each in found.verdict]),
        "explanation": pa.array(found.explanation),
    }
