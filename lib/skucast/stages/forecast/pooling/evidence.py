"""Evidence of the backtest for the distributions, summed over series by a distributed pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema

from skucast.forecasting.uncertainty.evidence import Evidence, evidence_of
from skucast.forecasting.uncertainty.pooled_dispersion import UsualDispersion
from skucast.stages.forecast.fitting import CandidateArrays
from skucast.stages.forecast.pooling.method_errors import sampled

PARTS = 8
"""Partitions that the evidence of many is gathered in before it reaches the driver."""

_SCHEMA = pa.schema({"kind": pa.int32(), "place": pa.list_(pa.int64()), "value": pa.list_(pa.int64())}.items())
_FIELDS = ("below", "loss", "n_losses")


def evidence(fits: DataFrame, layout: CandidateArrays, usual: UsualDispersion, n_series: int) -> Evidence:
    """Evidence of all candidates, the same whatever the partitioning.

    The group is that which an origin saw the series in. The class of today would not do: a series is lumpy today
    because of the bursts that an origin is judged by. Of more than ``MOST_SERIES`` series a sample is pooled.

    Args:
        fits: rows of ``FITS_SCHEMA``.
        layout: shapes of their arrays.
        usual: dispersion that is usual in each class.
        n_series: rows of ``fits``.
    """
    gathered = sampled(fits, n_series).coalesce(PARTS)
    rows = gathered.mapInArrow(_gather(layout, usual), from_arrow_schema(_SCHEMA)).collect()
    total = Evidence.none(len(layout.names), layout.horizon)
    for row in rows:
        values = getattr(total, _FIELDS[row["kind"]])
        np.add.at(values.reshape(-1), np.array(row["place"], dtype=np.int64), np.array(row["value"], dtype=np.int64))
    return total


def _gather(
    layout: CandidateArrays, usual: UsualDispersion
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def gather(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        total = Evidence.none(len(layout.names), layout.horizon)
        for batch in batches:
            total += evidence_of(layout.contest(batch), usual)
        rows = []
        for kind, name in enumerate(_FIELDS):
            values = getattr(total, name).reshape(-1)
            place = np.flatnonzero(values)
            rows.append({"kind": kind, "place": place.tolist(), "value": values[place].tolist()})
        yield pa.RecordBatch.from_pylist(rows, schema=_SCHEMA)

    return gather
