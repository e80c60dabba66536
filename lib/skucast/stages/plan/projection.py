"""Rows with a forecast, a stock and deliveries → the same rows with what lies ahead of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_type

from skucast.inventory.projection.net_requirement import (
    Outlook,
    ProjectionInputs,
    ServiceTarget,
    UnsureReceipts,
    outlook,
)
from skucast.numerics.arrays import FloatArray, IntArray
from skucast.spark.arrow_columns import floats_of, places

INPUTS = (
    "levels", "steps", "opening", "delivery_laws", "delivery_quantities", "lead_time_law", "review_period",
    "cycle_service_level", "fill_rate_asked", "demand_per_order",
)  # fmt: skip
"""Columns that the outlook is made from: see ``projection_inputs.sql``."""
_PASSING = ("levels", "steps", "delivery_laws", "delivery_quantities")
_NEVER = 1e-9
LISTS = ("need", "shortage", "ran_out")
FIELDS = (*(name for name in Outlook._fields if name not in ("stock", "lost")), "stock_out_step")
ARROW_TYPE = pa.struct([(name, pa.list_(pa.float64()) if name in LISTS else pa.float64()) for name in FIELDS])


def with_outlook(rows: DataFrame, *, is_lost: bool) -> DataFrame:
    """Add the column ``outlook``, a struct with the fields of ``Outlook``; null without stock or forecast.

    Of what is told by step only ``ran_out`` is kept. Beside it stands ``stock_out_step``, the first step in which stock
    has more likely run out than not, 0 without one. What only served to follow the stock is left out.

    It is worked out here, once: Spark would copy the call into every expression that reads its answer, and call it
    again for each, or fail where that is a lambda.

    Args:
        rows: as ``projection_inputs.sql`` makes them; with the columns of ``INPUTS``.
        is_lost: demand that finds no stock is lost; else it waits.
    """
    follow = F.arrow_udf(_follow(is_lost=is_lost), from_arrow_type(ARROW_TYPE))  # type: ignore[attr-defined]
    followed = rows.withColumn("outlook", follow(*INPUTS)).drop(*_PASSING)
    return followed.localCheckpoint(storageLevel=StorageLevel.DISK_ONLY)


def _follow(*, is_lost: bool) -> Callable[..., pa.Array]:
    def follow(
        levels: pa.Array,
        steps: pa.Array,
        opening: pa.Array,
        delivery_laws: pa.Array,
        delivery_quantities: pa.Array,
        law: pa.Array,
        review: pa.Array,
        level: pa.Array,
        fill_rate: pa.Array,
        demand_per_order: pa.Array,
    ) -> pa.Array:
        columns = [
            levels, steps, opening, delivery_laws, delivery_quantities, law, review, level, fill_rate, demand_per_order,
        ]  # fmt: skip
        batch = pa.RecordBatch.from_arrays(columns, names=list(INPUTS))
        parts = [(rows, _as_structs(batch.take(pa.array(rows)), is_lost=is_lost)) for rows in _alike(batch)]
        return _in_place(parts, batch.num_rows)

    return follow


def _alike(batch: pa.RecordBatch) -> list[IntArray]:
    """Rows of which enough is known, apart by quantile levels; forecasts of one run have the same ones."""
    has_steps = batch["steps"].value_lengths().fill_null(0).to_numpy(zero_copy_only=False) > 0
    known = np.flatnonzero(has_steps & batch["opening"].is_valid().to_numpy(zero_copy_only=False))
    levels = batch["levels"].take(pa.array(known))
    sizes = levels.value_lengths().to_numpy()
    if known.size and (sizes == sizes[0]).all():
        table = levels.flatten().to_numpy().reshape(-1, sizes[0])
        if (table == table[0]).all():
            return [known]
    rows: dict[tuple[float, ...], list[int]] = {}
    for row, of in zip(known, levels.to_pylist(), strict=True):
        rows.setdefault(tuple(of), []).append(int(row))
    return [np.array(each) for each in rows.values()]


def _as_structs(batch: pa.RecordBatch, *, is_lost: bool) -> pa.Array:
    """The outlook of rows with the same levels, a struct each; lists as long as the row's steps."""
    aim = ServiceTarget(
        *(floats_of(batch[name]) for name in ("cycle_service_level", "fill_rate_asked", "demand_per_order"))
    )
    found, n_steps = outlook(_ahead(batch), aim, is_lost=is_lost), batch["steps"].value_lengths().to_numpy()
    likely = found.ran_out >= 0.5
    told = found._asdict() | {"stock_out_step": np.where(likely.any(axis=1), likely.argmax(axis=1) + 1.0, 0.0)}
    columns = [_column(name, told[name], n_steps) for name in FIELDS]
    return pa.StructArray.from_arrays(columns, names=list(FIELDS))


def _column(name: str, values: FloatArray, n_steps: IntArray) -> pa.Array:
    if name not in LISTS:
        return pa.array(values)
    lengths = n_steps if name == "ran_out" else np.full(len(values), values.shape[1])
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values[np.arange(values.shape[1]) < lengths[:, None]]))


def _in_place(parts: list[tuple[IntArray, pa.Array]], n: int) -> pa.Array:
    """All structs in the order of the rows; null where nothing is known."""
    if not parts:
        return pa.nulls(n, ARROW_TYPE)
    index = np.full(n, -1)
    index[np.concatenate([rows for rows, _ in parts])] = np.arange(sum(rows.size for rows, _ in parts))
    return pa.concat_arrays([structs for _, structs in parts]).take(pa.array(index, mask=index < 0))


def _ahead(batch: pa.RecordBatch) -> ProjectionInputs:
    n_steps = batch["steps"].value_lengths().to_numpy().astype(np.int64)
    row, step = places(n_steps)
    steps, levels = batch["steps"].flatten(), batch["levels"].flatten().to_numpy().reshape(batch.num_rows, -1)[0]
    shape = (batch.num_rows, int(n_steps.max()))
    quantiles, sums = (
        _table(steps.field(name).flatten().to_numpy().reshape(-1, levels.size), row, step, (*shape, levels.size))
        for name in ("quantiles", "cumulative_quantiles")
    )
    receipts, unsure = _receipts(batch, n_steps, shape)
    law = batch["lead_time_law"]
    longest = law.value_lengths().to_numpy().astype(np.int64)
    laws = _table(law.flatten().to_numpy(), *places(longest), (batch.num_rows, int(longest.max())))
    opening, review = (batch[name].to_numpy() for name in ("opening", "review_period"))
    # One seed for all: items that are alike in everything get the same order, tonight and tomorrow.
    seeds = np.zeros(batch.num_rows, dtype=np.int64)
    return ProjectionInputs(
        levels, quantiles, sums, n_steps, opening, receipts, laws, review.astype(np.int64), seeds, unsure
    )


def _receipts(batch: pa.RecordBatch, n_steps: IntArray, shape: tuple[int, ...]) -> tuple[FloatArray, UnsureReceipts]:
    """Goods that help from each step on for certain, and the others; what comes after the last step helps none."""
    per_item = batch["delivery_laws"].value_lengths().fill_null(0).to_numpy().astype(np.int64)
    quantity, per_law = floats_of(batch["delivery_quantities"].flatten()), batch["delivery_laws"].flatten()
    row, _ = places(per_item)
    at, step = places(per_law.value_lengths().to_numpy().astype(np.int64))
    probability, is_in_time = floats_of(per_law.flatten()), step < n_steps[row[at]]
    laws = _table(probability[is_in_time], at[is_in_time], step[is_in_time], (row.size, shape[1]))
    is_unsure = np.zeros(row.size, dtype=bool)
    is_unsure[at[(probability > _NEVER) & (probability < 1 - _NEVER)]] = True
    certain: FloatArray = np.zeros(shape)
    np.add.at(certain, row[~is_unsure], laws[~is_unsure] * quantity[~is_unsure, None])
    starts = np.concatenate([[0], np.cumsum(np.bincount(row[is_unsure], minlength=shape[0]))])
    return certain, UnsureReceipts(quantity[is_unsure], laws[is_unsure], starts)


def _table(values: FloatArray, row: IntArray, place: IntArray, shape: tuple[int, ...]) -> FloatArray:
    found: FloatArray = np.zeros(shape)
    found[row, place] = values
    return found
