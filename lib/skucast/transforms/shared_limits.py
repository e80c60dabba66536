"""Proposed orders of all items and locations → the same within budgets, room and suppliers' minima.

Rows are packed into binary columns once and stay on the executors; the driver sees sums over them, one number per limit
and tried price, and a few hundred rows at a time that are settled exactly. A plan that fits into one part is settled in
one task.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from skucast.inventory.allocation import Allocation, allocate
from skucast.inventory.allocation_kernel import RESOURCE, Curves, FloatArray, IntArray
from skucast.inventory.exact_choice import SUPPLIER_ROWS
from skucast.inventory.limits import KINDS, Limits, RowsHere, joined, lowest_rows
from skucast.transforms.panel import SERIES

ROWS_PER_PART = 50_000
"""Rows that a task holds in memory at once, about."""

_NUMBERS = {name: np.float64 if name in ("quantity", "gain", "weight", "tie") else np.int64 for name in Curves._fields}
_PACKED = ", ".join(["names binary", *(f"{name} binary" for name in Curves._fields)])
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
    there = _RowsThere.of(_packed(numbered, counts, n_parts))
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


def _packed(rows: DataFrame, counts: dict[str | None, int], n_parts: int) -> DataFrame:
    """One row per part; all rows of a small supplier in one."""
    large = [name for name, count in counts.items() if name is None or count > SUPPLIER_ROWS]
    is_spread = F.col("supplier_id").isNull() | F.col("supplier_id").isin([name for name in large if name is not None])
    key = F.xxhash64(*SERIES)
    part = F.when(is_spread, key).otherwise(F.xxhash64("supplier_id"))
    is_fixed = "coalesce(unlimited, '') IN ('cost_unknown', 'gain_unknown')"
    columns = rows.select(
        *SERIES,
        "unlimited",
        F.expr("coalesce(final_quantity, 0D)").alias("quantity_before"),
        F.expr(f"IF({is_fixed}, array(coalesce(final_quantity, 0D)), concat(array(0D), step_quantities))").alias(
            "quantity"
        ),
        F.expr(f"IF({is_fixed}, array(0D), concat(array(0D), step_gains))").alias("gain"),
        F.expr(f"IF({is_fixed}, 0L, wanted)").alias("wanted"),
        F.expr("coalesce(unit_cost, 0D)").alias("cost"),
        F.expr("coalesce(unit_volume, 0D)").alias("volume"),
        *(f"limit_{kind}" for kind in range(len(KINDS))),
        key.alias("key"),
        part.alias("part"),
    )
    return columns.repartition(n_parts, "part").drop("part").mapInArrow(_pack, _PACKED)


def _pack(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """All rows of a part as one."""
    given = [batch for batch in batches if batch.num_rows]
    if not given:
        return
    rows = pa.Table.from_batches(given).combine_chunks()
    key = _array(rows["key"])
    quantity = rows["quantity"].combine_chunks()
    curves = Curves(
        start=quantity.offsets.to_numpy().astype(np.int64), quantity=_array(quantity.values),
        gain=_array(rows["gain"].combine_chunks().values), wanted=_array(rows["wanted"]),
        weight=np.stack([_array(rows["cost"]), _array(rows["volume"])], axis=1),
        member=np.stack([_array(rows[f"limit_{kind}"]) for kind in range(len(KINDS))], axis=1),
        tie=(key.view(np.uint64) >> np.uint64(11)) * 2.0**-53, key=key, chosen=np.full(key.size, -1, dtype=np.int64),
    )  # fmt: skip
    sink = pa.BufferOutputStream()
    names = rows.select([*SERIES, "quantity_before", "unlimited"])
    with pa.ipc.new_stream(sink, names.schema) as writer:
        writer.write_table(names)
    yield _packed_row(sink.getvalue().to_pybytes(), curves)


def _array(column: pa.Array | pa.ChunkedArray) -> Any:
    return column.to_numpy()


def _packed_row(names: bytes, curves: Curves) -> pa.RecordBatch:
    columns = [
        pa.array([part], pa.binary()) for part in (names, *(np.ascontiguousarray(part).tobytes() for part in curves))
    ]
    return pa.RecordBatch.from_arrays(columns, names=["names", *Curves._fields])


def _unpacked(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[bytes, Curves]]:
    for batch in batches:
        for row in range(batch.num_rows):
            flat: dict[str, Any] = {
                name: np.frombuffer(batch[name][row].as_buffer(), kind) for name, kind in _NUMBERS.items()
            }
            flat |= {"weight": flat["weight"].reshape(-1, 2), "member": flat["member"].reshape(-1, len(KINDS))}
            yield batch["names"][row].as_py(), Curves(**flat)


@dataclass(frozen=True)
class _RowsThere:
    """Rows on the executors, as ``Rows``."""

    packed: DataFrame

    @classmethod
    def of(cls, packed: DataFrame) -> Self:
        """The rows, kept on disk until nobody refers to them."""
        return cls(packed.localCheckpoint(eager=False, storageLevel=StorageLevel.DISK_ONLY))

    def total(self, measure: Callable[[Curves], IntArray]) -> IntArray:
        """Sum of a measure of some rows over all rows."""
        total: IntArray = np.sum(self._each(measure, np.sum), axis=0)
        return total

    def highest(self, measure: Callable[[Curves], FloatArray]) -> FloatArray:
        """Maximum of a measure of some rows over all rows."""
        highest: FloatArray = np.max(self._each(measure, np.max), axis=0)
        return highest

    def lowest(self, measure: Callable[[Curves], FloatArray], count: int) -> Curves:
        """The rows of lowest measure."""
        kept = self.packed.mapInArrow(partial(_lowest, measure=measure, count=count), _PACKED).toArrow()
        parts = joined([curves for _, curves in _unpacked(iter(kept.to_batches()))])
        return lowest_rows(parts, measure(parts), count)

    def changed(self, change: Callable[[Curves], Curves]) -> Self:
        """Rows after a change that keeps their number and order."""
        return self.of(self.packed.mapInArrow(partial(_changed, change=change), _PACKED))

    def settled_at_once(self, limits: Limits) -> Allocation:
        """Outcome of sharing where all rows are in one part: in one task, which chooses for every row."""
        found = self.packed.mapInArrow(partial(_settled, limits=limits), "outcome binary").collect()
        outcome: Allocation = pickle.loads(found[0]["outcome"])
        return outcome

    def _each(self, measure: Callable[[Curves], Any], merge: Callable[..., Any]) -> list[Any]:
        """The measure of each task's rows."""
        types = "shape array<int>, kind string, value binary"
        found = self.packed.mapInArrow(partial(_measured, measure=measure, merge=merge), types).collect()
        return [np.frombuffer(row["value"], row["kind"]).reshape(row["shape"]) for row in found]


def _measured(
    batches: Iterator[pa.RecordBatch], measure: Callable[[Curves], Any], merge: Callable[..., Any]
) -> Iterator[pa.RecordBatch]:
    parts = [measure(curves) for _, curves in _unpacked(batches)]
    if parts:
        value = np.ascontiguousarray(merge(np.stack(parts), axis=0))
        columns = [
            pa.array([list(value.shape)], pa.list_(pa.int32())),
            pa.array([str(value.dtype)]),
            pa.array([value.tobytes()]),
        ]
        yield pa.RecordBatch.from_arrays(columns, names=["shape", "kind", "value"])


def _settled(batches: Iterator[pa.RecordBatch], limits: Limits) -> Iterator[pa.RecordBatch]:
    for _, curves in _unpacked(batches):
        rows, found = allocate(RowsHere(curves), limits)
        order = np.argsort(curves.key, kind="stable")
        outcome = replace(found, core=curves.key[order], core_choice=found.choice(rows.curves)[order])
        yield pa.RecordBatch.from_arrays([pa.array([pickle.dumps(outcome)], pa.binary())], names=["outcome"])


def _lowest(
    batches: Iterator[pa.RecordBatch], measure: Callable[[Curves], FloatArray], count: int
) -> Iterator[pa.RecordBatch]:
    parts = [lowest_rows(curves, measure(curves), count) for _, curves in _unpacked(batches)]
    if parts:
        rows = joined(parts)
        yield _packed_row(b"", lowest_rows(rows, measure(rows), count))


def _changed(batches: Iterator[pa.RecordBatch], change: Callable[[Curves], Curves]) -> Iterator[pa.RecordBatch]:
    for names, curves in _unpacked(batches):
        yield _packed_row(names, change(curves))


def _decided(batches: Iterator[pa.RecordBatch], found: Allocation, limits: Limits) -> Iterator[pa.RecordBatch]:
    """Rows of the outcome."""
    limit_names = pa.array(limits.names(found.priced), pa.string())
    for names, curves in _unpacked(batches):
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
