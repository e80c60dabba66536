"""Arrays as Arrow columns, without a Python object per value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray


def names_at(names: Sequence[str], index: IntArray) -> pa.Array:
    """The name at each index."""
    return pa.array(names, pa.string()).take(pa.array(index))


def days(first: Sequence[date]) -> pa.Array:
    """Dates."""
    return pa.array(np.array(first, dtype="datetime64[D]"))


def lists(values: NDArray[np.float64] | BoolArray, is_given: BoolArray | None = None) -> pa.Array:
    """One list per row of a matrix.

    Args:
        values: shape (n_rows, width); NaN becomes null.
        is_given: rows that have a list, shape (n_rows,); the others are null. None: all.
    """
    n_rows, width = values.shape
    given = np.ones(n_rows, dtype=bool) if is_given is None else is_given
    flat = np.ascontiguousarray(values[given]).ravel()
    offsets = np.concatenate([[0], np.cumsum(np.where(given, width, 0))]).astype(np.int32)
    missing = np.isnan(flat) if flat.dtype == np.float64 else np.zeros(flat.size, dtype=bool)
    items = pa.array(flat, mask=missing)
    return pa.ListArray.from_arrays(pa.array(offsets), items, mask=pa.array(~given))


def dense(values: FloatArray | IntArray) -> pa.Array:
    """One list per row of a matrix, NaN kept: for arrays that stay between our own functions."""
    n_rows, width = values.shape
    offsets = np.arange(n_rows + 1, dtype=np.int32) * width
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.ascontiguousarray(values).ravel()))


def numbers(values: FloatArray) -> pa.Array:
    """Numbers; NaN becomes null."""
    return pa.array(values, mask=np.isnan(values))


def maps(offsets: IntArray, names: pa.Array, values: pa.Array) -> pa.Array:
    """One map per row from entries in order of rows, row i's being those from ``offsets[i]`` to ``offsets[i + 1]``."""
    return pa.MapArray.from_arrays(pa.array(offsets.astype(np.int32)), names, values)


def entries_of(column: pa.MapArray) -> IntArray:
    """Row of every entry of a column of maps, in the order of ``column.keys`` and ``column.items``."""
    return np.repeat(np.arange(len(column)), np.diff(column.offsets.to_numpy()))


def table(columns: Mapping[str, pa.Array | pa.Scalar], schema: pa.Schema, n_rows: int) -> pa.Table:
    """A table of the schema; a column that is not given is null, a single value is repeated."""
    arrays = [
        pa.nulls(n_rows, field.type) if field.name not in columns else _column(columns[field.name], field.type, n_rows)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _column(values: pa.Array | pa.Scalar | str | date, kind: pa.DataType, n_rows: int) -> pa.Array:
    if isinstance(values, pa.Array):
        return values.cast(kind) if values.type != kind else values
    return pa.repeat(pa.scalar(values, kind), n_rows)


def floats_of(column: pa.Array) -> FloatArray:
    """Numbers of any kind, NaN where null; compiled functions may write where they are."""
    return np.require(column.cast(pa.float64()).to_numpy(zero_copy_only=False), requirements="W")


def places(lengths: IntArray) -> tuple[IntArray, IntArray]:
    """Row and place within it of each value of lists that follow each other."""
    row = np.repeat(np.arange(lengths.size), lengths)
    return row, np.arange(row.size) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def entries_of_lists(column: pa.ListArray) -> IntArray:
    """Row of every entry of a column of lists, in the order of ``column.flatten()``."""
    return np.repeat(np.arange(len(column)), np.diff(column.offsets.to_numpy()))
