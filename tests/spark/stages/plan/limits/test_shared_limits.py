"""Shared limits over Spark rows: the same as in memory, whatever the partitioning, and rows that cannot be counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from skucast.stages.plan.limits.order_curves import MARGIN_SCALE
from skucast.stages.plan.limits.shared_limits import Shared, shared_limits
from tests.unit.inventory.allocation.cases import Case, limited, random_curves

pytestmark = pytest.mark.spark

ROW_TYPES = (
    "item_id string, location_id string, supplier_id string, unit_cost double, unit_volume double, "
    "stored_quantity double, final_quantity double, step_quantities array<double>, step_gains array<double>"
)
SUPPLIER_TYPES = (
    "supplier_id string, min_order_value double, budget double, min_order_volume double, container_volume double"
)
LOCATION_TYPES = "location_id string, storage_volume double, budget double"


def case() -> tuple[Case, np.ndarray]:
    """Forty rows of three suppliers at three locations under a budget, minima and room."""
    rng = np.random.default_rng(5)
    curves, groups = random_curves(rng, 40, n_suppliers=3, n_locations=3)
    return limited(rng, curves, groups, ("budget", "min_value", "storage"), 3, 3, 0.7), groups


def rows_of(given: Case, groups: np.ndarray) -> list[tuple[Any, ...]]:
    curves, rows = given.curves, []
    for row, (supplier, location) in enumerate(groups):
        own = slice(curves.start[row] + 1, curves.start[row + 1])
        wanted = float(curves.quantity[curves.start[row] + curves.wanted[row]])
        cost, volume = curves.weight[row].tolist()
        rows.append((f"i{row}", f"L{location}", f"S{supplier}", cost, volume, 10.0, wanted,
                     curves.quantity[own].tolist(), curves.gain[own].tolist()))  # fmt: skip
    return rows


def test_items_compete_with_their_margin_where_price_and_cost_are_known(spark: SparkSession):
    """The shortage cost that a service level implies is 2; who gave a cost of its own keeps it."""
    rows = [("known", "fill_rate", 9.0, 4.0), ("a cost given", "cost", 9.0, 4.0), ("no price", "fill_rate", None, 4.0),
            ("no cost", "fill_rate", 9.0, None), ("sold at a loss", "cycle_service_level", 3.0, 4.0)]  # fmt: skip
    given = spark.createDataFrame(rows, "item string, target_kind string, unit_price double, unit_cost double")
    scales = given.withColumn("shortage_cost", F.lit(2.0)).selectExpr("item", f"{MARGIN_SCALE} AS scale")
    found = {row["item"]: row["scale"] for row in scales.collect()}
    assert found == {item: 2.5 if item == "known" else 1.0 for item, *_ in rows}


def shared_of(spark: SparkSession, rows: list[tuple[Any, ...]], given: Case, n_parts: int) -> Shared:
    limits, table = given.limits, pd.DataFrame(rows)
    stored = (table[4].fillna(0.0) * table[5]).groupby(table[1]).sum()
    suppliers = [(f"S{n}", float(limits.lower[1 + n]), None, None, None) for n in range(3)]
    locations = [(f"L{n}", float(limits.upper[4 + n] + stored[f"L{n}"]), None) for n in range(3)]
    return shared_limits(
        spark.createDataFrame(rows, ROW_TYPES).repartition(n_parts), spark.createDataFrame(suppliers, SUPPLIER_TYPES),
        spark.createDataFrame(locations, LOCATION_TYPES), budget=float(limits.upper[0]), n_parts=n_parts,
    )  # fmt: skip


def test_as_in_memory_whatever_the_partitioning(spark: SparkSession):
    given, groups = case()
    rows = rows_of(given, groups)
    one, three = (
        shared_of(spark, order, given, n).rows.toPandas().sort_values("item_id", ignore_index=True)
        for order, n in ((rows, 1), (rows[::-1], 3))
    )
    pd.testing.assert_frame_equal(one, three)
    quantity = one.set_index("item_id")["quantity"].loc[[row[0] for row in rows]].to_numpy()
    curves = given.curves
    places = np.array([np.searchsorted(curves.quantity[curves.start[n] : curves.start[n + 1]], quantity[n])
                       for n in range(40)])  # fmt: skip
    assert given.is_feasible(places)
    assert given.gain(places) == pytest.approx(given.gain(given.solved()), rel=1e-4)
    lost = given.gain(curves.wanted) - given.gain(places)
    assert one["gain_lost"].sum() == pytest.approx(lost)
    is_changed = one["quantity"] != one["quantity_before"]
    assert one.loc[is_changed, "limit"].notna().all()
    assert one.loc[~is_changed, "limit"].isna().all()


def test_rows_that_cannot_be_counted_stay_as_they_are_and_say_why(spark: SparkSession):
    given, groups = case()
    rows = rows_of(given, groups)
    rows[0] = (*rows[0][:3], None, *rows[0][4:])
    rows[1] = (*rows[1][:7], None, None)
    rows[2] = (*rows[2][:4], None, *rows[2][5:])
    found = shared_of(spark, rows, given, 1)
    table = found.rows.toPandas().set_index("item_id")
    assert table.loc[["i0", "i1", "i2"], "unlimited"].tolist() == ["cost_unknown", "gain_unknown", "volume_unknown"]
    assert table["unlimited"].notna().sum() == 3
    kept = table.loc[["i0", "i1"]]
    assert kept["quantity"].tolist() == kept["quantity_before"].tolist()
    limits = found.limits.toPandas()
    assert len(table) == 40
    assert (limits["used"] <= limits["upper"].fillna(np.inf) * (1 + 1e-9)).all()
    assert limits["group_id"].tolist() == ["all", "S0", "S1", "S2", "L0", "L1", "L2"]


def test_nothing_to_order(spark: SparkSession):
    given, _ = case()
    nothing = spark.createDataFrame([], ROW_TYPES)
    found = shared_limits(nothing, spark.createDataFrame([], SUPPLIER_TYPES),
                          spark.createDataFrame([], LOCATION_TYPES), budget=float(given.limits.upper[0]))  # fmt: skip
    assert found.rows.count() == 0
