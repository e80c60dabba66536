"""Rows of the plan → what each could order and what that would gain: what shared limits choose from."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_type

from skucast.inventory.ordering.order_gains import OrderEconomics, order_gains, order_steps
from skucast.spark.arrow_columns import floats_of

NUMBERS = (
    "shortfall", "raw_quantity", "shortage_cost", "holding_cost", "review_period", "smallest_lot", "fixed_cost",
    "mean_per_period", "overage_periods", "final_quantity", "smallest_order", "pack_size", "room",
)  # fmt: skip
MARGIN_SCALE = (
    "coalesce(IF(target_kind <> 'cost' AND unit_price > unit_cost, "
    "try_divide(unit_price - unit_cost, shortage_cost), NULL), 1D)"
)
"""What items compete with is margin, where it is known: the cost that a service level implies grows with the unit cost
alone. Each item's gains keep their shape, so that none wants another order than before."""
_CURVE = pa.struct([("step_quantities", pa.list_(pa.float64())), ("step_gains", pa.list_(pa.float64()))])


def with_order_curves(rows: DataFrame) -> DataFrame:
    """Add ``curve``, a struct of ``step_quantities`` and ``step_gains``.

    Args:
        rows: as ``quantities.sql`` makes them, those whose stock is followed.
    """
    curves = F.arrow_udf(_curves, from_arrow_type(_CURVE))  # type: ignore[attr-defined]
    return rows.withColumn("curve", curves("outlook.need", "outlook.shortage", *NUMBERS, F.expr(MARGIN_SCALE)))


def _curves(
    need: pa.Array, shortage: pa.Array, shortfall: pa.Array, raw: pa.Array, shortage_cost: pa.Array, holding: pa.Array,
    review: pa.Array, smallest_lot: pa.Array, fixed: pa.Array, mean: pa.Array, overage: pa.Array, final: pa.Array,
    smallest: pa.Array, pack: pa.Array, room: pa.Array, scale: pa.Array,
) -> pa.Array:  # fmt: skip
    needs, shortages = (each.flatten().to_numpy().reshape(len(need), -1) for each in (need, shortage))
    numbers = [floats_of(each) for each in (shortfall, raw, shortage_cost, holding, review, smallest_lot)]
    worth = OrderEconomics._make(
        [needs, shortages, *numbers, np.nan_to_num(floats_of(fixed)), floats_of(mean), floats_of(overage)]
    )
    steps = order_steps(*(floats_of(each) for each in (final, smallest, pack, room)))
    gains = order_gains(np.nan_to_num(steps), worth) * floats_of(scale)[:, None]
    is_step = np.isfinite(steps)
    offsets = pa.array(np.concatenate([[0], np.cumsum(is_step.sum(axis=1))]).astype(np.int32))
    columns = [
        pa.ListArray.from_arrays(offsets, pa.array(of, from_pandas=True)) for of in (steps[is_step], gains[is_step])
    ]
    return pa.StructArray.from_arrays(columns, names=["step_quantities", "step_gains"])
