"""The grouped map and the distribution that follows: the same whatever the buckets, and laws of every row."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from skucast.forecasting.engine import Plan
from skucast.periods import Frequency
from skucast.tables import BACKTEST, FORECAST, FORECAST_COMPONENT, SERIES_STATUS
from skucast.tables.check import check
from skucast.transforms.fitting import FIT, TRIAL, fitted
from skucast.transforms.forecasting import Written, backtest, components, distribution, series_status
from skucast.transforms.panel import HEADER, Span
from skucast.transforms.spread import pooled_errors, spread_ladder

pytestmark = pytest.mark.spark

FIRST, N_PERIODS, HORIZON = date(2011, 1, 3), 40, 4
SPAN = Span(FIRST, FIRST + timedelta(days=7 * (N_PERIODS - 1)), HORIZON, Frequency.WEEK)
CLOSED = (10, N_PERIODS + 1)
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
METHODS = ("naive", "mean", "ses", "croston", "sba", "tsb")
PLAN = Plan(
    methods=METHODS,
    methods_by_class=dict.fromkeys(("smooth", "erratic", "intermittent", "lumpy"), METHODS),
    origins=4,
    origin_step=1,
    min_periods=6,
    tier_shares={},
    outlier_method="hampel",
    outlier_limit=6.0,
    outlier_treatment="cap",
)
WRITTEN = Written(SPAN.cutoff, "run-1", LEVELS)


def histories() -> pd.DataFrame:
    """Series of every class, one of a single sale, one without any, one that is censored, one that begins late."""
    rng = np.random.default_rng(11)
    made: dict[str, np.ndarray] = {}
    for number in range(6):
        made[f"smooth{number}"] = rng.poisson(20 + number, N_PERIODS).astype(float)
        made[f"rare{number}"] = rng.poisson(4, N_PERIODS) * (rng.random(N_PERIODS) < 0.25).astype(float)
        made[f"wild{number}"] = np.round(rng.lognormal(2, 1, N_PERIODS))
    made["one sale"] = np.append(np.zeros(N_PERIODS - 1), 3.0)
    made["nothing"] = np.zeros(N_PERIODS)
    made["censored"] = np.where(rng.random(N_PERIODS) < 0.5, np.nan, 9.0)
    rows: list[dict[str, Any]] = []
    for item, demand in made.items():
        start = 30 if item == "smooth0" else 0
        for t in range(start, N_PERIODS + HORIZON):
            known = t < N_PERIODS and t not in CLOSED
            value = demand[t] if known else np.nan
            rows.append(
                {
                    "item_id": item, "location_id": "GB-1", "t": t, "demand": None if np.isnan(value) else float(value),
                    "is_closed": t in CLOSED, "events": ["sale"] if t % 13 == 0 else [],
                }
            )  # fmt: skip
        rows.append({"item_id": item, "location_id": "GB-1", "t": HEADER, "demand": 0.0, "is_closed": False})
    return pd.DataFrame(rows).astype({"demand": object})


def long_panel_of(spark: SparkSession, rows: pd.DataFrame, n_buckets: int) -> DataFrame:
    schema = "item_id string, location_id string, t int, demand double, is_closed boolean, events array<string>"
    values = rows.astype(object).where(rows.notna(), None).values.tolist()
    bucket = F.pmod(F.xxhash64("item_id", "location_id"), F.lit(n_buckets)).cast("int")
    return (
        spark.createDataFrame(values, schema).withColumn("bucket", bucket).repartitionById(n_buckets, F.col("bucket"))
    )


def fits_of(spark: SparkSession, rows: pd.DataFrame, n_buckets: int) -> DataFrame:
    return fitted(long_panel_of(spark, rows, n_buckets), SPAN, PLAN).persist()


@pytest.fixture(scope="module")
def fits(spark: SparkSession) -> DataFrame:
    return fits_of(spark, histories(), 1)


def comparable(rows: DataFrame) -> pd.DataFrame:
    """All but the clock, in a fixed order, maps and arrays as text rounded to nine digits."""
    frame = rows.drop("milliseconds").toPandas()
    keys = [name for name in ("kind", "item_id", "location_id", "origin", "method", "step") if name in frame]
    frame = frame.assign(**{name: frame[name].map(str) for name in keys}).sort_values(keys).reset_index(drop=True)
    return frame.map(_rounded)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return None if np.isnan(value) else float(f"{value:.9g}")
    if isinstance(value, list | np.ndarray):
        return str([_rounded(each) for each in value])
    if isinstance(value, dict):
        return str({name: _rounded(each) for name, each in sorted(value.items())})
    return None if value is pd.NaT else value


def test_nothing_depends_on_bucket_count_or_row_order(spark: SparkSession, fits: DataFrame):
    shuffled = histories().sample(frac=1, random_state=5)
    other = fits_of(spark, shuffled, 5)
    pd.testing.assert_frame_equal(comparable(fits), comparable(other), check_dtype=False)
    pooled = [pooled_errors(each, LEVELS).orderBy("demand_class", "step").toPandas() for each in (fits, other)]
    np.testing.assert_allclose(pooled[0]["sum_moment"], pooled[1]["sum_moment"], rtol=1e-9)
    other.unpersist()


def test_a_series_alone_is_forecast_as_in_company(spark: SparkSession, fits: DataFrame):
    rows = histories()
    alone = fits_of(spark, rows[rows["item_id"] == "rare3"], 1)
    together = fits.where("item_id = 'rare3'")
    pd.testing.assert_frame_equal(comparable(together), comparable(alone), check_dtype=False)
    alone.unpersist()


def test_every_series_appears_once_and_says_why(fits: DataFrame):
    status = series_status(fits, SPAN.cutoff, "run-1")
    check(status, SERIES_STATUS, "series_status")
    rows = {row["item_id"]: row for row in status.collect()}
    assert set(histories()["item_id"]) == set(rows)
    assert ("no_demand", 39) == (rows["nothing"]["status"], rows["nothing"]["n_periods"])
    assert 10 == rows["smooth0"]["n_periods"]
    assert all(row["reason"] for row in rows.values())
    assert {"smooth", "intermittent", "lumpy", "erratic"} & {row["demand_class"] for row in rows.values()}


def test_trials_keep_their_contract_and_carry_arrays_for_the_champion_only(fits: DataFrame):
    rows = backtest(fits, SPAN.cutoff, "run-1")
    check(rows, BACKTEST, "backtest")
    for row in rows.collect():
        assert row["is_champion"] == (row["forecasts"] is not None) == (row["scale"] is not None)
        assert FIRST < row["origin"] < SPAN.cutoff
    champions = rows.where("is_champion").select("item_id", "method").distinct()
    methods = fits.where(f"kind = '{FIT}'").select("item_id", "method")
    assert champions.join(methods, ["item_id", "method"], "left_anti").isEmpty()
    assert fits.where(f"kind = '{TRIAL}'").count() == rows.count()


def test_the_laws_of_a_distribution(fits: DataFrame):
    """Quantiles rise with the level, sums with the step; closed steps are 0 for certain; means add up."""
    pooled = pooled_errors(fits, LEVELS).toPandas()
    spread = spread_ladder(pooled, LEVELS, HORIZON, 10)
    rows = distribution(fits, spread, SPAN, WRITTEN)
    check(FORECAST.select(rows), FORECAST, "forecast")
    frame = rows.toPandas()
    assert len(set(histories()["item_id"])) * HORIZON == len(frame)
    assert {"class", "all", "prior"} >= set(frame["spread_rung"])
    classes = {row["item_id"]: row["demand_class"] for row in fits.where(f"kind = '{FIT}'").collect()}
    for item, own in frame.sort_values("step").groupby("item_id"):
        assert [1, 2, 3, 4] == own["step"].tolist()
        assert [SPAN.cutoff + timedelta(days=7 * n) for n in (1, 2, 3, 4)] == own["period_start"].tolist()
        quantiles, sums = (np.array(own[name].tolist()) for name in ("quantiles", "cumulative_quantiles"))
        assert (4, 5) == quantiles.shape == sums.shape
        assert (np.diff(quantiles, axis=1) >= 0).all()
        assert (np.diff(sums, axis=1) >= 0).all()
        assert (np.diff(sums, axis=0) >= 0).all()
        assert (quantiles >= 0).all()
        assert (sums >= 0).all()
        # Step 2 is closed.
        assert not quantiles[1].any()
        assert 0.0 == own["mean"].iloc[1]
        np.testing.assert_allclose(np.cumsum(own["mean"]), own["cumulative_mean"])
        if classes[item] == "no_demand":
            assert not own["mean"].any()
    assert (frame.loc[frame["item_id"].str.startswith("smooth"), "cumulative_sd"] > 0).all()


def test_the_spread_of_a_series_is_that_of_its_class_times_its_scale(fits: DataFrame):
    pooled = pooled_errors(fits, LEVELS).toPandas()
    spread = spread_ladder(pooled, LEVELS, HORIZON, 10)
    row = distribution(fits, spread, SPAN, WRITTEN).where("item_id = 'smooth3' AND step = 1").first()
    fit = fits.where(f"kind = '{FIT}' AND item_id = 'smooth3'").first()
    index = spread.classes.index(fit["demand_class"])
    expected = np.maximum(fit["mean"][0] + fit["scale"] * spread.step_quantiles[index, 0], 0.0)
    np.testing.assert_allclose(expected, row["quantiles"])
    assert fit["scale"] * np.sqrt(spread.sum_moments[index, 0]) == pytest.approx(row["cumulative_sd"])
    assert spread.rungs[index, 0] == row["spread_rung"]


def test_components_of_every_series_and_step_add_up_to_the_mean(spark: SparkSession):
    plan = replace(PLAN, with_components=True)
    fits = fitted(long_panel_of(spark, histories(), 3), SPAN, plan).persist()
    rows = components(fits, SPAN.cutoff, "run-1")
    check(rows, FORECAST_COMPONENT, "forecast_component")
    keys = ["item_id", "location_id", "step"]
    sums = rows.groupBy(*keys).agg(F.sum("value").alias("value"))
    means = fits.where(F.col("kind") == FIT).select("item_id", "location_id", F.posexplode("mean").alias("t", "mean"))
    both = means.withColumn("step", F.col("t") + 1).join(sums, keys, "left").toPandas()
    assert len(both) == HORIZON * len(set(histories()["item_id"]))
    np.testing.assert_allclose(both["value"], both["mean"], atol=1e-9)
    assert components(fitted(long_panel_of(spark, histories(), 3), SPAN, PLAN), SPAN.cutoff, "run-1").isEmpty()
