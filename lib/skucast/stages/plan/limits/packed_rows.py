"""Rows of a plan, many to a part, packed into binary columns: they stay on the executors while limits are shared.

The driver sees sums over them, one number per limit and tried price, and a few hundred rows at a time.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

import numpy as np
import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from skucast.inventory.allocation.allocation import Allocation, allocate
from skucast.inventory.allocation.exact_choice import SUPPLIER_ROWS
from skucast.inventory.allocation.limits import KINDS, Limits, LocalOptions, joined, lowest_rows
from skucast.inventory.allocation.row_choice_kernel import OrderOptions
from skucast.numerics.arrays import FloatArray, IntArray
from skucast.spark.series import SERIES

_NUMBERS = {
    name: np.float64 if name in ("quantity", "gain", "weight", "tie") else np.int64 for name in OrderOptions._fields
}
_PACKED = ", ".join(["names binary", *(f"{name} binary" for name in OrderOptions._fields)])


def packed(rows: DataFrame, counts: dict[str | None, int], n_parts: int) -> DataFrame:
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
    curves = OrderOptions(
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


def _packed_row(names: bytes, curves: OrderOptions) -> pa.RecordBatch:
    columns = [
        pa.array([part], pa.binary()) for part in (names, *(np.ascontiguousarray(part).tobytes() for part in curves))
    ]
    return pa.RecordBatch.from_arrays(columns, names=["names", *OrderOptions._fields])


def unpacked(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[bytes, OrderOptions]]:
    """The rows of each part, and their names as an Arrow stream."""
    for batch in batches:
        for row in range(batch.num_rows):
            flat: dict[str, Any] = {
                name: np.frombuffer(batch[name][row].as_buffer(), kind) for name, kind in _NUMBERS.items()
            }
            flat |= {"weight": flat["weight"].reshape(-1, 2), "member": flat["member"].reshape(-1, len(KINDS))}
            yield batch["names"][row].as_py(), OrderOptions(**flat)


@dataclass(frozen=True)
class DistributedOptions:
    """Rows on the executors, as ``Rows``."""

    packed: DataFrame

    @classmethod
    def of(cls, packed: DataFrame) -> Self:
        """The rows, kept on disk until nobody refers to them."""
        return cls(packed.localCheckpoint(eager=False, storageLevel=StorageLevel.DISK_ONLY))

    def total(self, measure: Callable[[OrderOptions], IntArray]) -> IntArray:
        """Sum of a measure of some rows over all rows; plain functions of modules, here as below."""
        total: IntArray = np.sum(self._each(measure, np.sum), axis=0)
        return total

    def highest(self, measure: Callable[[OrderOptions], FloatArray]) -> FloatArray:
        """Maximum of a measure of some rows over all rows."""
        highest: FloatArray = np.max(self._each(measure, np.max), axis=0)
        return highest

    def lowest(self, measure: Callable[[OrderOptions], FloatArray], count: int) -> OrderOptions:
        """The rows of lowest measure."""
        kept = self.packed.mapInArrow(partial(_lowest, measure=measure, count=count), _PACKED).toArrow()
        parts = joined([curves for _, curves in unpacked(iter(kept.to_batches()))])
        return lowest_rows(parts, measure(parts), count)

    def changed(self, change: Callable[[OrderOptions], OrderOptions]) -> Self:
        """Rows after a change that keeps their number and order."""
        return self.of(self.packed.mapInArrow(partial(_changed, change=change), _PACKED))

    def settled_at_once(self, limits: Limits) -> Allocation:
        """Outcome of sharing where all rows are in one part: in one task, which chooses for every row."""
        found = self.packed.mapInArrow(partial(_settled, limits=limits), "outcome binary").collect()
        outcome: Allocation = pickle.loads(found[0]["outcome"])
        return outcome

    def _each(self, measure: Callable[[OrderOptions], Any], merge: Callable[..., Any]) -> list[Any]:
        """The measure of each task's rows."""
        types = "shape array<int>, kind string, value binary"
        found = self.packed.mapInArrow(partial(_measured, measure=measure, merge=merge), types).collect()
        return [np.frombuffer(row["value"], row["kind"]).reshape(row["shape"]) for row in found]


def _measured(
    batches: Iterator[pa.RecordBatch], measure: Callable[[OrderOptions], Any], merge: Callable[..., Any]
) -> Iterator[pa.RecordBatch]:
    parts = [measure(curves) for _, curves in unpacked(batches)]
    if parts:
        value = np.ascontiguousarray(merge(np.stack(parts), axis=0))
        columns = [
            pa.array([list(value.shape)], pa.list_(pa.int32())),
            pa.array([str(value.dtype)]),
            pa.array([value.tobytes()]),
        ]
        yield pa.RecordBatch.from_arrays(columns, names=["shape", "kind", "value"])


def _settled(batches: Iterator[pa.RecordBatch], limits: Limits) -> Iterator[pa.RecordBatch]:
    for _, curves in unpacked(batches):
        rows, found = allocate(LocalOptions(curves), limits)
        order = np.argsort(curves.key, kind="stable")
        outcome = replace(found, core=curves.key[order], core_choice=found.choice(rows.curves)[order])
        yield pa.RecordBatch.from_arrays([pa.array([pickle.dumps(outcome)], pa.binary())], names=["outcome"])


def _lowest(
    batches: Iterator[pa.RecordBatch], measure: Callable[[OrderOptions], FloatArray], count: int
) -> Iterator[pa.RecordBatch]:
    parts = [lowest_rows(curves, measure(curves), count) for _, curves in unpacked(batches)]
    if parts:
        rows = joined(parts)
        yield _packed_row(b"", lowest_rows(rows, measure(rows), count))


def _changed(
    batches: Iterator[pa.RecordBatch], change: Callable[[OrderOptions], OrderOptions]
) -> Iterator[pa.RecordBatch]:
    for names, curves in unpacked(batches):
        yield _packed_row(names, change(curves))
