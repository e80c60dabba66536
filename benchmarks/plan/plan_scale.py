"""The plan stage on a synthetic catalogue, from ``forecast`` to ``order_plan`` and ``alert``: ``make bench-plan``.

    python -m benchmarks.plan.plan_scale [--items 1000000] [--weeks 52] [--free] [--keep FOLDER]

Forecasts, a year of demand, stock, open orders, receipts and master data are drawn inside Spark and written as the
tables that ``skucast forecast`` leaves; then the stage itself runs in local[2], as ``skucast plan`` would run it. Some
suppliers have a minimum and the whole plan a budget, unless ``--free``.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from scipy.special import gammaincinv

from skucast.cli.commands import COMMANDS
from skucast.config import Config, load_config
from skucast.runtime.context import Context
from skucast.store.runs import RunRecord
from skucast.store.session import open_session
from skucast.store.warehouse import Warehouse
from skucast.tables import (
    ALERT,
    DEMAND,
    FORECAST,
    ITEM,
    ITEM_LOCATION,
    OPEN_ORDER,
    ORDER_LIMIT,
    ORDER_PLAN,
    RECEIPT,
    RUN,
    SALES_LINE,
    STOCK,
    SUPPLIER,
    Table,
)  # fmt: skip

CONFIG = Path(__file__).parents[2] / "conf" / "base.yaml"
D = date(2025, 1, 6)
BLOCK, HORIZON, N_SUPPLIERS, PERIOD = 1_000, 5, 1_000, 7


def main() -> None:
    """Make the catalogue, plan, print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--items", type=int, default=1_000_000, help="a multiple of 1,000")
    parser.add_argument("--weeks", type=int, default=52)
    parser.add_argument("--free", action="store_true", help="without limits that items share")
    parser.add_argument("--keep", help="folder in which the catalogue stays, to be used again")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as passing:
        place = Path(asked.keep or passing).absolute() / f"{asked.items}x{asked.weeks}"
        context = opened(place, asked.items, asked.weeks, is_free=asked.free)
        COMMANDS["plan"](context)
        report(context)
        context.spark.stop()


def report(context: Context) -> None:
    """Seconds, rows and what was bound."""
    row = context.warehouse.read(RUN).where("stage = 'plan'").orderBy(F.desc("started_at")).first()
    counts = {table.name: context.warehouse.read(table).count() for table in (ORDER_PLAN, ALERT, ORDER_LIMIT)}
    print(f"plan: {row['seconds']:.1f} s, {row['rows']}, {counts}" if row else "the plan left no record")


def opened(folder: Path, n_items: int, n_weeks: int, *, is_free: bool) -> Context:
    """A warehouse that holds the catalogue, as after ``skucast forecast``."""
    settings = [
        f"warehouse={folder}", "frequency=W", "timezone=UTC", "currency=EUR", "spark.spark.driver.memory=6g",
        "spark.spark.master=local[2]", "inventory.defaults.fixed_cost=5",
    ]  # fmt: skip
    config = load_config(CONFIG, [*settings, *([] if is_free else [f"inventory.budget={40 * n_items}"])])
    spark = open_session(config.spark_settings, warehouse=config.warehouse, timezone="UTC", app="skucast plan scale")
    context = _context(spark, config)
    if not context.warehouse.exists(SALES_LINE):
        publish(context, n_items, n_weeks)
    suppliers = spark.range(N_SUPPLIERS).selectExpr(
        "concat('S', id) AS supplier_id", "IF(pmod(id, 3) = 0, '1,4', NULL) AS ordering_days",
        f"IF(pmod(id, 4) = 0 AND NOT {is_free}, {40 * n_items // N_SUPPLIERS}D, NULL) AS min_order_value",
        "DATE '1900-01-01' AS valid_from",
    )  # fmt: skip
    context.warehouse.overwrite(SUPPLIER, filled(SUPPLIER, suppliers))
    return context


def _context(spark: SparkSession, config: Config) -> Context:
    warehouse = Warehouse(spark, config.warehouse, config.database)
    record = RunRecord(warehouse, "plan", "bench", config.hash, print)
    return Context(spark, config, warehouse, record, D, datetime.now(UTC))


def filled(table: Table, rows: DataFrame) -> DataFrame:
    """Rows with all columns of the table, null where nothing is drawn."""
    absent = {name: F.lit(None) for name in table.names if name not in rows.columns}
    return table.select(rows.withColumns(absent))


def publish(context: Context, n_items: int, n_weeks: int) -> None:
    """Draw everything inside Spark and write it; the last table says that it is complete."""
    spark, write = context.spark, context.warehouse.overwrite
    blocks = spark.range(0, n_items // BLOCK, 1, numPartitions=max(2, n_items // BLOCK // 20))
    forecast = "item_id string, step int, quantile_levels array<double>, mean double, quantiles array<double>, " \
        "cumulative_mean double, cumulative_sd double, cumulative_quantiles array<double>"  # fmt: skip
    levels = np.array(context.config.forecast.quantile_levels)
    drawn = blocks.mapInArrow(partial(forecast_rows, levels=levels), forecast).withColumns(
        {
            "location_id": F.lit("L"), "cutoff": F.lit(D - timedelta(days=PERIOD)), "spread_rung": F.lit("own"),
            "method": F.lit("ses"), "run_id": F.lit("bench"),
            "period_start": F.expr(f"date_add(DATE '{D}', {PERIOD} * (step - 1))"),
        }
    )  # fmt: skip
    write(FORECAST, filled(FORECAST, drawn))
    demand = blocks.mapInArrow(partial(demand_rows, n_weeks=n_weeks), "item_id string, period_start date, sales double")
    flags = {name: F.lit(False) for name in ("is_censored", "is_closed", "is_outlier", "promotion")}
    own = {"location_id": F.lit("L"), "demand": F.col("sales"), "returns": F.lit(0.0), **flags}
    write(DEMAND, filled(DEMAND, demand.withColumns(own)))
    with context.record.stage("demand") as stage:
        stage.decision_date, stage.rows["published"] = D, n_items
    for table, rows in masters(spark, n_items).items():
        write(table, filled(table, rows))


def means(number: int) -> np.ndarray:
    """Units a week of the items of a block: half of them sell less than two."""
    drawn: np.ndarray = np.exp(np.random.default_rng([7, number]).normal(0.5, 1.6, BLOCK))
    return drawn


def _items(number: int) -> list[str]:
    return [f"I{number:05d}-{each:03d}" for each in range(BLOCK)]


def forecast_rows(batches: Iterator[pa.RecordBatch], levels: np.ndarray) -> Iterator[pa.RecordBatch]:
    """Forecasts of the blocks: gamma demand with a variance of three times the mean, steps independent."""
    for number in (number for batch in batches for number in batch.column("id").to_pylist()):
        mean = np.repeat(means(number), HORIZON)
        step = np.tile(np.arange(1, HORIZON + 1), BLOCK)
        quantiles, sums = (3 * gammaincinv((mean * n / 3)[:, None], levels) for n in (1, step))
        yield pa.RecordBatch.from_pydict(
            {
                "item_id": pa.array(np.repeat(_items(number), HORIZON)),
                "step": pa.array(step, pa.int32()),
                "quantile_levels": _lists(np.tile(levels, (mean.size, 1))),
                "mean": mean,
                "quantiles": _lists(quantiles),
                "cumulative_mean": mean * step,
                "cumulative_sd": np.sqrt(3 * mean * step),
                "cumulative_quantiles": _lists(sums),
            }
        )


def _lists(table: np.ndarray) -> pa.Array:
    offsets = np.arange(len(table) + 1, dtype=np.int32) * table.shape[1]
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(table.ravel()))


def demand_rows(batches: Iterator[pa.RecordBatch], n_weeks: int) -> Iterator[pa.RecordBatch]:
    """Demand of the blocks, up to the week before D."""
    weeks = np.datetime64(D, "D") - PERIOD * np.arange(n_weeks, 0, -1)
    for number in (number for batch in batches for number in batch.column("id").to_pylist()):
        drawn = np.random.default_rng([8, number]).poisson(means(number)[:, None], (BLOCK, n_weeks))
        yield pa.RecordBatch.from_pydict(
            {
                "item_id": pa.array(np.repeat(_items(number), n_weeks)),
                "period_start": pa.array(np.tile(weeks, BLOCK)),
                "sales": drawn.ravel().astype(np.float64),
            }
        )


def masters(spark: SparkSession, n_items: int) -> dict[Table, DataFrame]:
    """Items, terms, stock of up to six weeks, an open order for every third item, three receipts for each."""
    base = spark.range(0, n_items, 1, 8).selectExpr(
        "id", f"concat('I', lpad(id DIV {BLOCK}, 5, '0'), '-', lpad(pmod(id, {BLOCK}), 3, '0')) AS item_id",
        "'L' AS location_id", "DATE '1900-01-01' AS valid_from", "pmod(xxhash64(id), 1000) / 1000D AS u",
        f"concat('S', pmod(xxhash64(id, 2), {N_SUPPLIERS})) AS supplier_id", "'1' AS line_id",
    )  # fmt: skip
    day = f"DATE '{D}'"
    orders = base.withColumn("k", F.explode(F.expr("sequence(1, 3)")))
    return {
        ITEM: base.selectExpr("*", "1 + 20 * u AS unit_cost", "2 + 40 * u AS unit_price",
                              "concat('C', pmod(id, 50)) AS category"),
        ITEM_LOCATION: base.selectExpr(
            "*", "IF(u < 0.5, 7D, 14D) AS lead_time_days", "IF(u < 0.3, 6D, 1D) AS pack_size",
            "7D AS review_period_days",
        ),
        STOCK: base.selectExpr("*", f"{day} AS as_of",
                               "floor(pmod(xxhash64(id, 3), 1000) / 1000 * 40 * u) * 1D AS on_hand"),
        OPEN_ORDER: base.where("pmod(id, 3) = 0").selectExpr(
            "*", "concat('O', id) AS order_id", f"date_sub({day}, 5) AS ordered_on", f"date_add({day}, 4) AS due_date",
            "1 + ceil(10 * u) * 1D AS quantity",
        ),
        RECEIPT: orders.selectExpr(
            "*", "concat('R', id, '-', k) AS order_id", f"date_sub({day}, 40 * k) AS ordered_on",
            f"date_sub({day}, 40 * k - IF(u < 0.5, 7, 14) - CAST(pmod(xxhash64(id, k), 4) AS INT)) AS received_on",
            "5D AS quantity",
        ),
        SALES_LINE: base.selectExpr(
            "*", "concat('L', id) AS order_id",
            "1D AS quantity", "2 + 40 * u AS unit_price", "'bench' AS source_file", "'bench' AS batch_id",
        ).withColumn("ordered_at", F.expr(f"TIMESTAMP '{D}' - make_dt_interval(3)")),
    }  # fmt: skip


if __name__ == "__main__":
    main()
