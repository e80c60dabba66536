"""Order quantities stand in SQL, for planners, and over arrays, for the replay: both must agree."""

import math
from datetime import date

import numpy as np
import pytest
from pyspark.sql import functions as F

from skucast.inventory.ordering.order_quantity import OrderConstraints, final_quantity, wanted_quantity
from skucast.stages.plan.planning import query, register_functions
from skucast.tables import TABLES

N = 400
SQL_TYPES = {str: "STRING"}
DAY = date(2011, 10, 3)
PARAMETERS = {"decision_date": DAY, "period_days": 7, "unmet_demand": "lost_sales"}
COSTS = ("holding_cost", "fixed_cost")


def random_rows():
    random = np.random.default_rng(7)
    rows = []
    for _ in range(N):
        mean = float(random.uniform(0, 20))
        pack = random.choice([None, 1.0, 6.0, 0.5])
        rows.append({
            "lacking": float(random.normal(12, 20).__round__(random.integers(0, 3))),
            "stock_at_arrival": float(random.uniform(0, 30)),
            "replenishment_policy": str(random.choice(["base_stock", "R_S", "R_s_S", "s_S", "s_Q"])),
            "rounding": str(random.choice(["up", "down", "nearest"])), "lot": mean + float(random.choice([0.0, 25.0])),
            "smallest_lot": mean, "min_order_quantity": float(random.choice([0.0, 1.0, 10.0, 13.0])), "pack_size": pack,
            "pallet_size": random.choice([None, 24.0, 36.0]), "max_order_quantity": random.choice([None, 5.0, 40.0]),
            "max_stock": random.choice([None, 10.0, 60.0]), "max_cover_days": random.choice([None, 3.0, 30.0]),
            "mean_per_period": mean,
        })  # fmt: skip
    return rows


def numbers(rows, name):
    return np.array([math.nan if row[name] is None else row[name] for row in rows], dtype=float)


@pytest.mark.spark
def test_arrays_say_what_the_query_says(spark):
    rows = random_rows()
    register_functions(spark)
    words = {name: np.array([row[name] for row in rows], dtype=object) for name in ("replenishment_policy", "rounding")}
    cover = numbers(rows, "max_cover_days") * numbers(rows, "mean_per_period") / 7
    given = {name: numbers(rows, name) for name in OrderConstraints._fields if name in rows[0] and name not in words}
    terms = OrderConstraints(**given, **words, max_cover=cover)
    short = numbers(rows, "lacking")
    raw = wanted_quantity(short, terms, is_lost=True)

    schema = "id INT, " + ", ".join(f"{name} {SQL_TYPES.get(type(value), 'DOUBLE')}" for name, value in rows[0].items())
    frame = spark.createDataFrame([(i, *row.values()) for i, row in enumerate(rows)], schema)
    ahead = frame.select(
        "*", F.struct("stock_at_arrival", "lacking").alias("outlook"),
        F.lit("an item").alias("item_id"), F.lit(1).alias("review_period"),
        F.lit(0.0).alias("reorder_point"), F.lit(0.0).alias("inventory_position"), F.lit(False).alias("do_not_order"),
        F.lit(None).cast("date").alias("active_from"), F.lit(None).cast("date").alias("active_to"),
        F.lit(DAY).alias("next_review"), F.lit(True).alias("has_forecast"),
        *(F.lit(None).cast("double").alias(name) for name in COSTS),
    )  # fmt: skip
    prices = TABLES["price_break"].frame(spark)
    found = query("plan/quantities", PARAMETERS, ahead=ahead, price_break=prices).orderBy("id").toPandas()
    np.testing.assert_allclose(short, found["shortfall"], atol=1e-8)
    np.testing.assert_allclose(raw, found["raw_quantity"], atol=1e-8)
    np.testing.assert_allclose(
        final_quantity(raw, terms, numbers(rows, "stock_at_arrival")), found["final_quantity"], atol=1e-8
    )
    assert (raw > 0).sum() > N / 4
    assert len(set(found["final_quantity"])) > 30
