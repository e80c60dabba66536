"""Proposed orders of all items and locations → the same within budgets, room and suppliers' minima.

A few hundred rows at a time are settled exactly; a plan that fits into one part is settled in one task.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from skucast.inventory.allocation.allocation import Allocation, allocate
from skucast.inventory.allocation.limits import KINDS, Limits
from skucast.inventory.allocation.row_choice_kernel import RESOURCE
from skucast.numerics.arrays import FloatArray
from skucast.stages.plan.limits.packed_rows import DistributedOptions, packed, unpacked

ROWS_PER_PART = 200_000
"""Rows that a task holds in memory at once, about."""

_LIMIT_ROWS = (
    "kind string, group_id string, lower double, upper double, container double, wanted double, used double, "
    "reachable double, shadow_price double, is_closed boolean"
)
_UNCHANGED = (
    "item_id", "location_id", "final_quantity AS quantity_before", "final_quantity AS quantity",
    "CAST(NULL AS STRING) AS limit", "CAST(NULL AS DOUBLE) AS shadow_price", "0D AS gain_lost", "unlimited",
)  # fmt: skip
_ROW_TYPES = (
    "item_id string, location_id string, quantity_before double, quantity double, limit string, shadow_price double, "
    "gain_lost double, unlimited string"
)


@dataclass(frozen=True)
class Shared:
    """Outcome of sharing.

    Attributes:
        rows: one row per given row: item_id, location_id, ``quantity_before``, ``quantity``, the ``limit`` that changed
            it (``budget``, ``supplier_budget``, ``location_budget``, ``storage``, ``supplier_minimum``, ``container``;
            null: none), its ``shadow_price`` (money gained per unit of money or volume by which it is relaxed),
            ``gain_lost`` (money) and ``unlimited``, why limits could not count the row (``cost_unknown``,
            ``volume_unknown``, ``gain_unknown``; null: they could).
        limits: one row per limit: ``kind``, ``group_id``, ``lower``, ``upper``, ``container``; what the orders
            ``wanted`` of it, what is ``used``, what topping up every row could have made ``reachable``;
            ``shadow_price``; ``is_closed``: nothing is ordered, for the minimum is out of reach or not worth it. A
            minimum that is out of reach would have to fall to ``reachable``; at ``wanted`` it would change nothing.
    """

    rows: DataFrame
    limits: DataFrame


def shared_limits(
    rows: DataFrame, supplier: DataFrame, location: DataFrame, *, budget: float | None, n_parts: int | None = None
) -> Shared:
    """Share budgets, room and suppliers' minima among proposed orders.

    Args:
        rows: one row per item and location that orders or could: its key, ``supplier_id``, ``unit_cost``,
            ``unit_volume``, ``stored_quantity`` (on hand and on order, units), ``final_quantity``, the order without
            shared limits; ``step_quantities``, ascending quantities > 0 that can be ordered, ``final_quantity`` among
            them unless it is 0, and ``step_gains``, money that each gains compared with ordering nothing, highest at
            ``final_quantity``. Read three times: persist it.
        supplier: ``supplier_id``, ``min_order_value``, ``budget``, ``min_order_volume``, ``container_volume``; one row
            per supplier.
        location: ``location_id``, ``storage_volume``, ``budget``; one row per location.
        budget: most money of the whole plan; None: any.
        n_parts: parts that the rows are held in; None: by their number.

    Returns:
        The orders and the limits. A row whose cost, gain or order among its steps is unknown keeps its order and is
        counted as far as it can be; one whose volume is unknown takes no room. The same whatever the partitioning.
    """
    ids, limits = _limits(rows, supplier, location, budget)
    numbered = _numbered(rows, ids, limits)
    counts = {row["supplier_id"]: row["count"] for row in rows.groupBy("supplier_id").count().collect()}
    if not counts:
        return Shared(numbered.selectExpr(*_UNCHANGED), rows.sparkSession.createDataFrame([], _LIMIT_ROWS))
    n_parts = n_parts or -(-sum(counts.values()) // ROWS_PER_PART)
    there = DistributedOptions.of(packed(numbered, counts, n_parts))
    there, found = (there, there.settled_at_once(limits)) if n_parts == 1 else allocate(there, limits)
    schema = rows.sparkSession.createDataFrame
    return Shared(
        there.packed.mapInArrow(partial(_decided, found=found, limits=limits), _ROW_TYPES),
        schema(_limit_rows(ids, limits, found), _LIMIT_ROWS),
    )


class _Given(NamedTuple):
    """A kind of limits: whose they are, and what they are."""

    ids: list[str]
    lower: FloatArray
    upper: FloatArray
    container: FloatArray


def _limits(
    rows: DataFrame, supplier: DataFrame, location: DataFrame, budget: float | None
) -> tuple[list[list[str]], Limits]:
    """Whose limits there are, kind by kind, and the limits."""
    stored = rows.where("unit_volume IS NOT NULL").groupBy("location_id").agg(
        F.sum(F.expr(_ROOM_TAKEN)).cast("double").alias("stored")
    )  # fmt: skip
    places = location.join(stored, "location_id", "left").withColumn(
        "room", F.expr("greatest(storage_volume - coalesce(stored, 0D), 0D)")
    )
    suppliers, locations = supplier.toPandas(), places.toPandas()
    whole = pd.DataFrame(
        {"id": ["all"] if budget is not None else [], "budget": [budget] if budget is not None else []}
    )
    kinds = (
        _given(whole, "id", upper="budget"),
        _given(suppliers, "supplier_id", lower="min_order_value", upper="budget"),
        _given(suppliers, "supplier_id", lower="min_order_volume", container="container_volume"),
        _given(locations, "location_id", upper="budget"),
        _given(locations, "location_id", upper="room"),
    )
    first = np.concatenate([[0], np.cumsum([len(kind.ids) for kind in kinds])]).astype(np.int64)
    lower, upper, container = (
        np.concatenate(part)
        for part in ([k.lower for k in kinds], [k.upper for k in kinds], [k.container for k in kinds])
    )
    return [kind.ids for kind in kinds], Limits.of(first, lower, upper, container)


def _given(
    table: pd.DataFrame, name: str, *, lower: str | None = None, upper: str | None = None, container: str | None = None
) -> _Given:
    """The rows that state any of the limits, in order of their names."""
    columns = {
        "lower": (lower, 0.0), "upper": (upper, np.inf), "container": (container, np.nan),
    }  # fmt: skip
    values = {
        key: table[column].astype("float64") if column else pd.Series(np.nan, table.index)
        for key, (column, _) in columns.items()
    }
    found = pd.DataFrame({"id": table[name], **values}).dropna(subset=list(columns), how="all").sort_values("id")
    filled = (found[key].fillna(otherwise).to_numpy(np.float64) for key, (_, otherwise) in columns.items())
    return _Given(found["id"].tolist(), *filled)


def _numbered(rows: DataFrame, ids: list[list[str]], limits: Limits) -> DataFrame:
    """Rows with their options and the number of the limit of each kind, -1 for none."""
    spark = rows.sparkSession
    for kind, (own, by) in enumerate(zip(ids, _GROUPS, strict=True)):
        if by is None or not own:
            whole = 0 if own else -1
            rows = rows.withColumn(f"limit_{kind}", F.lit(whole).cast("bigint"))
            continue
        numbers = [(name, int(limits.first[kind]) + place) for place, name in enumerate(own)]
        known = F.broadcast(spark.createDataFrame(numbers, f"{by} string, limit_{kind} bigint"))
        rows = rows.join(known, by, "left").fillna(-1, [f"limit_{kind}"])
    is_counted_volume = " OR ".join(f"limit_{kind} >= 0" for kind in np.flatnonzero(RESOURCE == 1))
    return rows.withColumn("wanted", F.expr(_WANTED)).withColumn(
        "unlimited", F.expr(_UNLIMITED.format(is_counted_volume))
    )


_ROOM_TAKEN = "CAST(unit_volume * greatest(stored_quantity, 0D) AS DECIMAL(38, 9))"
_GROUPS = (None, "supplier_id", "supplier_id", "location_id", "location_id")
_WANTED = "IF(final_quantity > 0, array_position(step_quantities, final_quantity), 0)"
_UNLIMITED = """CASE WHEN unit_cost IS NULL THEN 'cost_unknown'
    WHEN step_gains IS NULL OR size(step_gains) = 0 OR wanted IS NULL OR (wanted = 0 AND final_quantity > 0)
        THEN 'gain_unknown'
    WHEN unit_volume IS NULL AND ({}) THEN 'volume_unknown' END"""


def _decided(batches: Iterator[pa.RecordBatch], found: Allocation, limits: Limits) -> Iterator[pa.RecordBatch]:
    """Rows of the outcome."""
    limit_names = pa.array(limits.names(found.priced), pa.string())
    for names, curves in unpacked(batches):
        with pa.ipc.open_stream(names) as reader:
            known = reader.read_all().combine_chunks()
        place = found.choice(curves)
        own, before = curves.start[:-1] + place, curves.start[:-1] + curves.wanted
        limit = found.bound(curves, limits, place)
        is_bound = limit >= 0
        price = np.where(is_bound & ~found.priced.is_closed[limit], np.abs(found.priced.price[limit]), np.nan)
        columns = {
            "item_id": known["item_id"], "location_id": known["location_id"],
            "quantity_before": known["quantity_before"], "quantity": pa.array(curves.quantity[own]),
            "limit": limit_names.take(pa.array(limit, mask=~is_bound)),
            "shadow_price": pa.array(price, mask=np.isnan(price)),
            "gain_lost": pa.array(curves.gain[before] - curves.gain[own]), "unlimited": known["unlimited"],
        }  # fmt: skip
        yield from pa.table(columns).combine_chunks().to_batches()


def _limit_rows(ids: list[list[str]], limits: Limits, found: Allocation) -> Sequence[tuple[Any, ...]]:
    rows = []
    names = [name for own in ids for name in own]
    for limit, (kind, name) in enumerate(zip(limits.kind_of().tolist(), names, strict=True)):
        values = (limits.lower, limits.upper, limits.container, found.wanted, found.used, found.reachable)
        numbers = [float(value[limit]) if np.isfinite(value[limit]) else None for value in values]
        closed = bool(found.priced.is_closed[limit])
        price = None if closed else float(abs(found.priced.price[limit]))
        rows.append((KINDS[kind], name, *numbers, price, closed))
    return rows
