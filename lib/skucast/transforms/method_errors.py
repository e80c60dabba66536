"""Errors of the methods in each class of series, summed by a distributed aggregation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema

from skucast.forecasting.combination import WEIGHTED, errors_of_classes
from skucast.forecasting.weights import CLASSES, ClassErrors
from skucast.transforms.fitting import Layout
from skucast.transforms.spread import sampled

_SCHEMA = pa.schema({"log": pa.list_(pa.int64()), "count": pa.list_(pa.int64())}.items())


def method_errors(fits: DataFrame, layout: Layout, n_series: int) -> ClassErrors | None:
    """Sums over the series whose errors are pooled, the same whatever the partitioning; None if none are weighed."""
    if WEIGHTED not in layout.names:
        return None
    rows = sampled(fits, n_series).mapInArrow(_sums(layout), from_arrow_schema(_SCHEMA)).collect()
    shape = (len(CLASSES), layout.origins + 1, len(layout.names))
    nothing = np.zeros(shape, dtype=np.int64)
    log, count = (
        reduce(np.add, (np.array(row[name], dtype=np.int64).reshape(shape) for row in rows), nothing)
        for name in _SCHEMA.names
    )
    return ClassErrors(log, count)


def _sums(layout: Layout) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def add(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            found = errors_of_classes(layout.as_fitted(batch))
            row = {"log": found.log.ravel().tolist(), "count": found.count.ravel().tolist()}
            yield pa.RecordBatch.from_pylist([row], schema=_SCHEMA)

    return add
