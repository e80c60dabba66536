"""What classes of series say of each series: errors of the methods and usual spread, summed by one distributed pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from skucast.forecasting.selection.combination import WEIGHTED, errors_of_classes
from skucast.forecasting.selection.weights import CLASSES, ClassErrors
from skucast.forecasting.uncertainty.losses import class_of
from skucast.forecasting.uncertainty.pooled_dispersion import DispersionSums
from skucast.spark.series import SERIES
from skucast.stages.forecast.fitting import CandidateArrays

MOST_SERIES = 20_000
"""Series whose errors are pooled; of more a sample is drawn by their key."""

_COUNTS = pa.list_(pa.int64())
_SCHEMA = pa.schema(
    ({"log": _COUNTS, "count": _COUNTS} | {each.name: _COUNTS for each in fields(DispersionSums)}).items()
)


@dataclass(frozen=True)
class ClassSums:
    """Sums over series by class; None of errors where nothing is weighed."""

    errors: ClassErrors | None
    dispersion: DispersionSums


def sampled(fits: DataFrame, n_series: int) -> DataFrame:
    """All of ``n_series``, or about ``MOST_SERIES`` of them, drawn by their keys."""
    share = min(1.0, MOST_SERIES / max(n_series, 1))
    return fits.where(F.pmod(F.xxhash64(*SERIES, F.lit("pooled")), F.lit(10_000)) < F.lit(round(10_000 * share)))


def class_sums(fits: DataFrame, layout: CandidateArrays, n_series: int) -> ClassSums:
    """Sums over the series that are pooled, the same whatever the partitioning."""
    rows = sampled(fits, n_series).mapInArrow(_sums(layout), from_arrow_schema(_SCHEMA)).collect()
    shape = (len(CLASSES), layout.origins + 1, len(layout.names))
    total = {name: np.sum([np.array(row[name]) for row in rows], axis=0, dtype=np.int64) for name in _SCHEMA.names}
    sums = [np.broadcast_to(total[each.name], len(CLASSES)) for each in fields(DispersionSums)]
    log, count = (np.broadcast_to(total[name], int(np.prod(shape))).reshape(shape) for name in ("log", "count"))
    errors = ClassErrors(log, count)
    return ClassSums(errors if WEIGHTED in layout.names else None, DispersionSums(*sums))


def _sums(layout: CandidateArrays) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def add(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            contest = layout.as_fitted(batch)
            found, spread = errors_of_classes(contest), DispersionSums.of(contest.dispersion, class_of(contest.group))
            row = {"log": found.log.ravel(), "count": found.count.ravel()}
            row |= {each.name: getattr(spread, each.name) for each in fields(DispersionSums)}
            yield pa.RecordBatch.from_pylist([{name: each.tolist() for name, each in row.items()}], schema=_SCHEMA)

    return add
