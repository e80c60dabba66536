"""Errors of the backtest, pooled over series by distributed aggregation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from skucast.forecasting.error_law import Errors, Pool, group_keys, pooled
from skucast.forecasting.panel import FloatArray, IntArray
from skucast.transforms.fitting import Layout
from skucast.transforms.panel import SERIES

RESOLUTION = 1000
"""Errors are counted by this part of a series' scale."""

LARGEST = 2.0**62
"""In units of the resolution; a larger error counts as that."""

MOST_SERIES = 20_000
"""Series whose errors are pooled; of more a sample is drawn by their key."""

_CELL = {"candidate": pa.int32(), "step": pa.int32()}
_COUNTS_SCHEMA = pa.schema(
    (
        _CELL
        | {"error_group": pa.int32(), "origin": pa.int32(), "is_sum": pa.bool_()}
        | {"errors": pa.list_(pa.int64()), "counts": pa.list_(pa.int64())}
    ).items()
)
_NUMBERS = pa.list_(pa.float64())
_POOL_SCHEMA = pa.schema(
    (
        _CELL
        | {"pool": pa.string(), "n": pa.int64()}
        | {"step_quantiles": _NUMBERS, "sum_quantiles": _NUMBERS, "sum_moment": pa.float64()}
        | {"sum_grid": _NUMBERS, "sum_quantiles_without": _NUMBERS}
    ).items()
)
Batches = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def pooled_errors(fits: DataFrame, layout: Layout, levels: Sequence[float], n_series: int) -> DataFrame:
    """Pool every candidate's scaled errors over series, the same whatever the partitioning.

    Errors are counted by thousandths of a series' scale where the series lie, in the group that the origin saw the
    series in, and the counts brought together by candidate and step. The class of today would not do: a series is lumpy
    today because of the bursts that an origin is judged by. Of more than ``MOST_SERIES`` a sample is pooled. All tried
    candidates are pooled and not only champions, so that no error is small because it was chosen for being small.

    Returns:
        One row per pool (of ``group_keys``), candidate (its place in the layout) and step: the fields of ``Pool``.
    """
    counted = sampled(fits, n_series).mapInArrow(_counts(layout), from_arrow_schema(_COUNTS_SCHEMA))
    return counted.repartition(*_CELL).mapInArrow(
        _pools(np.array(levels), layout.origins), from_arrow_schema(_POOL_SCHEMA)
    )


def sampled(fits: DataFrame, n_series: int) -> DataFrame:
    """All of ``n_series``, or about ``MOST_SERIES`` of them, drawn by their keys."""
    share = min(1.0, MOST_SERIES / max(n_series, 1))
    return fits.where(F.pmod(F.xxhash64(*SERIES, F.lit("pooled")), F.lit(10_000)) < F.lit(round(10_000 * share)))


def pools(rows: DataFrame, names: Sequence[str]) -> Mapping[tuple[str, str, int], Pool]:
    """The rows of ``pooled_errors`` on the driver: as many as pools × candidates × steps."""
    return {
        (row["pool"], names[row["candidate"]], row["step"]): Pool(
            n=row["n"],
            step_quantiles=np.array(row["step_quantiles"]),
            sum_quantiles=np.array(row["sum_quantiles"]),
            sum_moment=row["sum_moment"],
            sum_grid=np.array(row["sum_grid"]),
            sum_quantiles_without=np.array(row["sum_quantiles_without"]).reshape(-1, len(row["sum_quantiles"])),
        )
        for row in rows.collect()
    }


def _counts(layout: Layout) -> Batches:
    """Fits → how often each error occurred, one row per group, origin, candidate, step and kind of error."""

    def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            trials = layout.contest(batch).trials
            sums = trials.scaled_sums()
            steps = np.where(np.isnan(sums), np.nan, trials.scaled_steps())
            for origin, groups in enumerate(trials.group.T):
                for group in np.unique(groups[groups >= 0]).tolist():
                    own = groups == group
                    for is_sum, errors in ((True, sums[own, origin]), (False, steps[own, origin])):
                        yield _counted(errors, group, origin, is_sum=is_sum)

    return count


def _counted(errors: FloatArray, group: int, origin: int, *, is_sum: bool) -> pa.RecordBatch:
    """Distinct errors and their counts, one row per candidate and step; errors of shape (n, k, h)."""
    horizon, known = errors.shape[2], np.nonzero(np.isfinite(errors))
    rounded = np.rint(np.clip(errors[known] * RESOLUTION, -LARGEST, LARGEST)).astype(np.int64)
    cell: IntArray = known[1] * horizon + known[2]
    order = np.lexsort((rounded, cell))
    cell, rounded = cell[order], rounded[order]
    first = np.flatnonzero(np.append(True, (np.diff(cell) != 0) | (np.diff(rounded) != 0))[: cell.size])
    counts = np.diff(np.append(first, cell.size))
    cells, begins = np.unique(cell[first], return_index=True)
    offsets = pa.array(np.append(begins, first.size).astype(np.int32))
    columns = [
        pa.array((cells // horizon).astype(np.int32)),
        pa.array((cells % horizon + 1).astype(np.int32)),
        pa.repeat(pa.scalar(group, pa.int32()), cells.size),
        pa.repeat(pa.scalar(origin, pa.int32()), cells.size),
        pa.repeat(pa.scalar(is_sum), cells.size),
        pa.ListArray.from_arrays(offsets, pa.array(rounded[first])),
        pa.ListArray.from_arrays(offsets, pa.array(counts)),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_COUNTS_SCHEMA)


def _pools(levels: FloatArray, n_origins: int) -> Batches:
    """Counts of all groups of whole candidates and steps → pools."""

    def pool(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        found: defaultdict[tuple[int, int, str], dict[bool, list[Errors]]] = defaultdict(lambda: {True: [], False: []})
        for batch in batches:
            names = (*_CELL, "error_group", "origin", "is_sum")
            keys = zip(*(batch.column(name).to_pylist() for name in names), strict=True)
            errors, counts = batch.column("errors"), batch.column("counts")
            for row, (candidate, step, group, origin, is_sum) in enumerate(keys):
                values = errors[row].values.to_numpy() / RESOLUTION
                own = Errors(values, counts[row].values.to_numpy(), np.full(values.size, origin))
                for name in group_keys(group):
                    found[candidate, step, name][is_sum].append(own)
        rows = [
            _row(cell, pooled(_joined(own[False]), _joined(own[True]), levels, n_origins))
            for cell, own in found.items()
        ]
        if rows:
            yield pa.RecordBatch.from_pylist(rows, schema=_POOL_SCHEMA)

    return pool


def _joined(parts: Sequence[Errors]) -> Errors:
    return Errors(*(np.concatenate([getattr(each, name) for each in parts]) for name in ("value", "count", "origin")))


def _row(cell: tuple[int, int, str], pool: Pool) -> dict[str, object]:
    return {
        **dict(zip((*_CELL, "pool"), cell, strict=True)),
        "n": pool.n,
        "step_quantiles": pool.step_quantiles.tolist(),
        "sum_quantiles": pool.sum_quantiles.tolist(),
        "sum_moment": pool.sum_moment,
        "sum_grid": pool.sum_grid.tolist(),
        "sum_quantiles_without": pool.sum_quantiles_without.ravel().tolist(),
    }
