"""A million orders that share a budget, suppliers' budgets and minima, and room: seconds, and how far from the best.

    python -m benchmarks.plan.shared_limits [--rows 1000000] [--suppliers 500] [--locations 20]
    python -m benchmarks.plan.shared_limits --exact 200

The best choice gains at most what the prices allow: the gain of every row at the prices less what it pays, and what all
limits together are worth at them (Lagrangian bound). The gap is what the found choice falls short of that.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from skucast.stages.plan.limits.shared_limits import shared_limits
from tests.unit.inventory.allocation.cases import beside_exact

STEPS = 20


def main() -> None:
    """One run."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name, default in (("rows", 1_000_000), ("suppliers", 500), ("locations", 20)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--exact", type=int, default=0, help="small cases beside an exact solver, instead")
    asked = parser.parse_args()
    if asked.exact:
        found, best, worst, feasible = beside_exact(range(asked.exact))
        print(f"{asked.exact} cases, {feasible} feasible: {found / best:.6f} of the highest gain, worst {worst:.4f}")
        return
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    spark = (
        SparkSession.builder.master("local[2]").config("spark.driver.memory", "4g")
        .config("spark.ui.showConsoleProgress", "false").config("spark.sql.shuffle.partitions", "8").getOrCreate()
    )  # fmt: skip
    spark.sparkContext.setLogLevel("ERROR")
    rows = orders(spark, asked.rows, asked.suppliers, asked.locations).persist()
    supplier, location, budget = limits(rows)
    begun = time.perf_counter()
    found = shared_limits(rows, supplier, location, budget=budget)
    chosen = found.rows.persist()
    n_changed = chosen.where("quantity != quantity_before").count()
    print(f"{asked.rows} rows, {n_changed} changed: {time.perf_counter() - begun:.1f} s")
    report(rows, chosen, found.limits)


def orders(spark: SparkSession, n_rows: int, n_suppliers: int, n_locations: int) -> DataFrame:
    """Concave gains of lognormal size over a minimum and packs, as SQL."""
    u = {name: F.rand(seed) for seed, name in enumerate(("a", "b", "c", "d", "e"))}
    base = spark.range(n_rows).repartition(8).select("id", *(value.alias(name) for name, value in u.items()))
    return base.selectExpr(
        "concat('i', id) AS item_id", f"concat('L', pmod(xxhash64(id, 1), {n_locations})) AS location_id",
        f"concat('S', pmod(xxhash64(id, 2), {n_suppliers})) AS supplier_id",
        "round(exp(4 * a - 1), 2) AS unit_cost", "round(exp(3 * b - 6), 4) AS unit_volume", "0D AS stored_quantity",
        "array(1D, 2D, 6D, 12D)[CAST(4 * c AS INT)] AS pack", "exp(2 * d) AS margin", "e",
    ).selectExpr(
        "*", f"transform(sequence(1, {STEPS}), k -> pack * (IF(e < 0.3, 3, 0) + k)) AS step_quantities"
    ).selectExpr(
        "*", f"transform(step_quantities, q -> unit_cost * margin * ({STEPS} * 0.7 * q - q * q / pack / 2) / 10)"
        " AS step_gains", "array_position(step_gains, array_max(step_gains)) AS best",
    ).selectExpr(
        "item_id", "location_id", "supplier_id", "unit_cost", "unit_volume", "stored_quantity", "step_quantities",
        "step_gains",
        "IF(array_max(step_gains) > 0, step_quantities[CAST(best AS INT) - 1], 0D) AS final_quantity",
    )  # fmt: skip


def limits(rows: DataFrame) -> tuple[DataFrame, DataFrame, float]:
    """A third of the suppliers has a budget, a third a minimum; room and the whole budget are scarce."""
    money, volume = F.expr("sum(final_quantity * unit_cost)"), F.expr("sum(final_quantity * unit_volume)")
    by_supplier = rows.groupBy("supplier_id").agg(money.alias("money")).toPandas()
    number = by_supplier["supplier_id"].str[1:].astype(int)
    by_supplier["budget"] = by_supplier["money"].mul(0.7).where(number % 3 == 0)
    by_supplier["min_order_value"] = by_supplier["money"].mul(1.02).where(number % 3 == 1)
    by_supplier = by_supplier.assign(min_order_volume=np.nan, container_volume=np.nan).drop(columns="money")
    by_location = rows.groupBy("location_id").agg(volume.alias("storage_volume")).toPandas()
    by_location = by_location.assign(storage_volume=by_location["storage_volume"] * 0.8, budget=np.nan)
    total = rows.agg(money.alias("m")).toPandas()["m"].iloc[0]
    return _frame(rows, by_supplier), _frame(rows, by_location), float(total * 0.75)


def _frame(rows: DataFrame, table: pd.DataFrame) -> DataFrame:
    types = ", ".join(f"{name} {'string' if name.endswith('_id') else 'double'}" for name in table.columns)
    values = [tuple(None if value != value else value for value in row) for row in table.itertuples(index=False)]
    return rows.sparkSession.createDataFrame(values, types)


def report(rows: DataFrame, chosen: DataFrame, found: DataFrame) -> None:
    """Feasibility and the gap to the Lagrangian bound."""
    table = found.toPandas()
    over = (table["used"] > table["upper"] * (1 + 1e-9)).sum()
    under = ((table["used"] > 0) & (table["used"] < table["lower"] * (1 - 1e-9))).sum()
    print(f"limits: {len(table)}, exceeded: {over}, unmet: {under}, closed: {table['is_closed'].sum()}")
    print(table.groupby("kind")["shadow_price"].describe()[["count", "min", "50%", "max"]].to_string())
    sign = np.where(table["wanted"] < table["lower"], -1.0, 1.0)
    table["price"] = table["shadow_price"].fillna(0.0) * sign
    worth = np.where(
        table["price"] < 0, table["price"] * table["lower"], table["price"] * table["upper"].fillna(0.0)
    ).sum()
    priced = rows
    for kind, by, amount in (("budget", None, "unit_cost"), ("supplier_money", "supplier_id", "unit_cost"),
                             ("location_volume", "location_id", "unit_volume")):  # fmt: skip
        own = table[table["kind"] == kind]
        if by is None:
            priced = priced.withColumn(f"pay_{kind}", F.lit(float(own["price"].iloc[0])) * F.col(amount))
            continue
        known = list(zip(own["group_id"], own["price"], strict=True))
        prices = F.broadcast(rows.sparkSession.createDataFrame(known, f"{by} string, p double"))
        paid = F.coalesce("p", F.lit(0.0)) * F.col(amount)
        priced = priced.join(prices, by, "left").withColumn(f"pay_{kind}", paid).drop("p")
    pay = "pay_budget + pay_supplier_money + pay_location_volume"
    best = f"greatest(0D, array_max(zip_with(step_gains, step_quantities, (g, q) -> g - ({pay}) * q)))"
    bound = float(priced.agg(F.sum(F.expr(best)).alias("b")).toPandas()["b"].iloc[0] + worth)
    wanted = float(rows.agg(F.sum(F.expr("greatest(0D, array_max(step_gains))")).alias("g")).toPandas()["g"].iloc[0])
    lost = float(chosen.agg(F.sum("gain_lost").alias("l")).toPandas()["l"].iloc[0])
    own = wanted - lost
    print(f"gain: {wanted:.6g} without limits, {own:.6g} within, {bound:.6g} at most: {1 - own / bound:.4%} gap")


if __name__ == "__main__":
    main()
