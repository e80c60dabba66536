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

from skucast.forecasting.cold_start.model import REACH, ColdStartModel
from skucast.forecasting.engine.engine import ForecastSettings
from skucast.forecasting.selection.choice import PINBALL, SelectionRule
from skucast.forecasting.uncertainty.dispersion import Dispersion
from skucast.forecasting.uncertainty.distribution import PredictiveDistribution
from skucast.forecasting.uncertainty.kernel import quantiles
from skucast.forecasting.uncertainty.pooled_dispersion import UsualDispersion, sum_variance
from skucast.periods import Frequency
from skucast.stages.forecast.accuracy import headline
from skucast.stages.forecast.covariates.drivers import Catalogue
from skucast.stages.forecast.fitting import CandidateArrays, fitted
from skucast.stages.forecast.panel.buckets import EVALUATION_SPAN, PRIOR_LOG_MEAN, PRIOR_SERIES, SHARE
from skucast.stages.forecast.pooling.evidence import evidence
from skucast.stages.forecast.pooling.method_errors import class_sums
from skucast.stages.forecast.span import Span
from skucast.stages.forecast.writing import ForecastWriter
from skucast.tables import BACKTEST, FORECAST, FORECAST_ACCURACY, FORECAST_COMPONENT, SERIES_STATUS
from skucast.tables.check import check

pytestmark = pytest.mark.spark

FIRST, N_PERIODS, HORIZON = date(2011, 1, 3), 40, 4
SPAN = Span(FIRST, FIRST + timedelta(days=7 * (N_PERIODS - 1)), HORIZON, Frequency.WEEK)
CLOSED = (10, N_PERIODS + 1)
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
METHODS = ("naive", "mean", "ses", "croston", "sba", "tsb", "combination_mean")
PLAN = ForecastSettings(
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
LAYOUT = CandidateArrays.of(PLAN, SPAN)
LAUNCH = ColdStartModel(0.8, np.full(2 * REACH + 1, 1 / (2 * REACH + 1)), 1.5, 1.6)


def short_histories() -> list[dict[str, Any]]:
    """An item that was sold for three periods, like mugs, and one that never was, with their headers."""
    rows: list[dict[str, Any]] = []
    for item, start, amount, category in (("new", N_PERIODS - 3, 8.0, "mugs"), ("unsold", N_PERIODS, 0.0, None)):
        row = {"item_id": item, "location_id": "GB-1"}
        rows += [
            {**row, "t": t, "demand": amount if t < N_PERIODS else None, "is_closed": t in CLOSED}
            for t in range(start, N_PERIODS + HORIZON)
        ]
        rows.append({**row, "t": PRIOR_LOG_MEAN, "demand": 1.0, "is_closed": False})
        rows.append({**row, "t": PRIOR_SERIES, "demand": 1234.0, "is_closed": False, "prior_category": category})
    return rows


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
                    "is_closed": t in CLOSED, "facts": [(0, 1.0, 0)] if t % 13 == 0 else None,
                    "lower_bound": 4.0 if known and np.isnan(value) else None,
                    "exposure": t % 3 / 4 if known and np.isnan(value) else None,
                }
            )  # fmt: skip
    rows += short_histories()
    for item in {row["item_id"] for row in rows}:
        for t, value in ((SHARE, 0.0), (EVALUATION_SPAN, 3.0)):
            rows.append({"item_id": item, "location_id": "GB-1", "t": t, "demand": value, "is_closed": False})
    return pd.DataFrame(rows).astype({"demand": object})


FACTS = "facts array<struct<code int, value double, known_from int>>"
SALE = Catalogue(events=("sale",))


def long_panel_of(spark: SparkSession, rows: pd.DataFrame, n_buckets: int) -> DataFrame:
    schema = (
        "item_id string, location_id string, t int, demand double, is_closed boolean, "
        f"{FACTS}, lower_bound double, exposure double, prior_category string, category string"
    )
    values = rows.astype(object).where(rows.notna(), None).assign(category=None).values.tolist()
    bucket = F.pmod(F.xxhash64("item_id", "location_id"), F.lit(n_buckets)).cast("int")
    return (
        spark.createDataFrame(values, schema).withColumn("bucket", bucket).repartitionById(n_buckets, F.col("bucket"))
    )


def fits_of(spark: SparkSession, rows: pd.DataFrame, n_buckets: int) -> DataFrame:
    return fitted(long_panel_of(spark, rows, n_buckets), SPAN, PLAN, SALE).persist()


@pytest.fixture(scope="module")
def fits(spark: SparkSession) -> DataFrame:
    return fits_of(spark, histories(), 1)


def decision(fits: DataFrame) -> ForecastWriter:
    usual = UsualDispersion.of(class_sums(fits, LAYOUT, 21).dispersion)
    law = PredictiveDistribution.of(LAYOUT.names, LEVELS, usual, evidence(fits, LAYOUT, usual, 21), 10)
    return ForecastWriter(law, SelectionRule(PINBALL, 20.0, PLAN.min_periods), LAYOUT, SPAN, "run-1", LAUNCH)


@pytest.fixture(scope="module")
def decided(fits: DataFrame) -> ForecastWriter:
    return decision(fits)


SORTED = ("item_id", "location_id", "origin", "method", "step", "basis", "metric")


def comparable(rows: DataFrame) -> pd.DataFrame:
    """All but the clock, in a fixed order, maps and arrays as text rounded to nine digits."""
    frame = rows.drop("milliseconds").toPandas()
    keys = [name for name in (*SORTED, "quantile_level") if name in frame]
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
    for target in (SERIES_STATUS, BACKTEST, FORECAST, FORECAST_ACCURACY):
        ours, theirs = (comparable(decision(each).rows(each, target)) for each in (fits, other))
        pd.testing.assert_frame_equal(ours, theirs, check_dtype=False)
    other.unpersist()


def test_a_series_alone_is_fitted_as_in_company(spark: SparkSession, fits: DataFrame):
    rows = histories()
    alone = fits_of(spark, rows[rows["item_id"] == "rare3"], 1)
    together = fits.where("item_id = 'rare3'")
    pd.testing.assert_frame_equal(comparable(together), comparable(alone), check_dtype=False)
    alone.unpersist()


def test_every_series_appears_once_and_says_why(fits: DataFrame, decided: ForecastWriter):
    status = decided.rows(fits, SERIES_STATUS)
    check(status, SERIES_STATUS, "series_status")
    rows = {row["item_id"]: row for row in status.collect()}
    assert set(histories()["item_id"]) == set(rows)
    assert ("no_demand", 39) == (rows["nothing"]["status"], rows["nothing"]["n_periods"])
    assert 10 == rows["smooth0"]["n_periods"]
    assert all(row["reason"] for row in rows.values())
    assert 39 == rows["censored"]["n_periods"]
    assert 10 / 39 == pytest.approx(rows["censored"]["share_censored"])
    assert 50 < rows["censored"]["lost_demand"] < 80
    assert 0.5 < rows["censored"]["recent_lost_demand"] < 2
    assert rows["unsold"]["share_censored"] is None
    others = [row for item, row in rows.items() if item not in ("censored", "unsold")]
    assert all((0, 0) == (row["share_censored"], row["lost_demand"]) for row in others)
    assert {"smooth", "intermittent", "lumpy", "erratic"} & {row["demand_class"] for row in rows.values()}
    by_ses = [row for row in rows.values() if row["method"] == "ses"]
    assert all("alpha" in row["parameters"] and not any("." in name for name in row["parameters"]) for row in by_ses)
    assert {row["method"] for row in rows.values()} <= {*METHODS, "cold_start"}


def test_trials_keep_their_contract_and_carry_arrays_for_the_champion_only(fits: DataFrame, decided: ForecastWriter):
    rows = decided.rows(fits, BACKTEST)
    check(rows, BACKTEST, "backtest")
    found = rows.collect()
    for row in found:
        assert row["is_champion"] == (row["forecasts"] is not None) == (row["scale"] is not None)
        assert FIRST < row["origin"] < SPAN.cutoff
    champions = rows.where("is_champion").select("item_id", "method").distinct()
    methods = decided.rows(fits, SERIES_STATUS).select("item_id", "method")
    assert champions.join(methods, ["item_id", "method"], "left_anti").isEmpty()
    own = [row for row in found if row["is_champion"] and row["item_id"] == "smooth3"]
    for row in own:
        pairs = [(a, f) for a, f in zip(row["actuals"], row["forecasts"], strict=True) if a is not None]
        assert row["sum_squared_error"] == pytest.approx(sum((a - f) ** 2 for a, f in pairs))
        assert row["sum_error"] == pytest.approx(sum(a - f for a, f in pairs))
    assert len(own) == PLAN.origins
    ran_out = [row["actuals"] for row in found if row["is_champion"] and row["item_id"] == "censored"]
    assert any(value is None for values in ran_out for value in values)
    assert {9.0, 0.0, None} >= {value for values in ran_out for value in values}


def test_the_laws_of_a_distribution(fits: DataFrame, decided: ForecastWriter):
    """Quantiles rise with the level, sums with the step; closed steps are 0 for certain; means add up."""
    rows = decided.rows(fits, FORECAST)
    check(FORECAST.select(rows), FORECAST, "forecast")
    frame = rows.toPandas()
    assert len(set(histories()["item_id"])) * HORIZON == len(frame)
    assert {"group", "class", "all", "prior", "category"} >= set(frame["spread_rung"])
    classes = {row["item_id"]: row["demand_class"] for row in fits.collect()}
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
        if classes[item] == "no_demand" and item != "unsold":
            assert not own["mean"].any()
    assert (frame.loc[frame["item_id"].str.startswith("smooth"), "cumulative_sd"] > 0).all()


def test_short_histories_start_cold_and_say_whose_prior_they_take(fits: DataFrame, decided: ForecastWriter):
    status = {row["item_id"]: row for row in decided.rows(fits, SERIES_STATUS).collect()}
    cold = {item: row["reason"] for item, row in status.items() if row["status"] == "cold_start"}
    expected = {
        "new": "3 known periods, prior of category mugs (1,234 series)",
        "unsold": "0 known periods, prior of all categories (1,234 series)",
    }
    assert expected == cold
    rows = decided.rows(fits, FORECAST).where("method = 'cold_start'").toPandas().sort_values(["item_id", "step"])
    assert [["category"] * 4, ["all"] * 4] == [own["spread_rung"].tolist() for _, own in rows.groupby("item_id")]
    posterior = LAUNCH.posterior(np.ones(2), np.array([3.0, 0.0]), np.array([24.0, 0.0]))
    for place, (_, own) in enumerate(rows.groupby("item_id")):
        np.testing.assert_allclose(posterior.mean[place] * np.array([1, 0, 1, 1]), own["mean"])
        # Step 2 is closed: sums over steps 1 to 4 are sums over 1, 1, 2 and 3 open periods.
        np.testing.assert_allclose([posterior.sd(n)[place] for n in (1, 1, 2, 3)], own["cumulative_sd"])
        expected_sums = np.array([posterior.quantiles(n, np.array(LEVELS))[place] for n in (1, 1, 2, 3)])
        if place == 0:  # it has sold in whole units
            expected_sums = np.ceil(expected_sums - 0.5)
        found = np.array(own["cumulative_quantiles"].tolist())
        np.testing.assert_allclose(np.maximum.accumulate(expected_sums, axis=0), found)
    assert decided.rows(fits, BACKTEST).where("item_id IN ('new', 'unsold')").isEmpty()


def test_without_a_launch_law_short_histories_take_what_they_have(fits: DataFrame, decided: ForecastWriter):
    rows = replace(decided, launch=None).rows(fits, SERIES_STATUS).where("item_id IN ('new', 'unsold')").collect()
    assert {("new", "too_short", "mean"), ("unsold", "too_short", "mean")} == {
        (row["item_id"], row["status"], row["method"]) for row in rows
    }


def test_the_distribution_of_a_series_is_that_of_its_dispersion_read_where_its_group_teaches(
    fits: DataFrame, decided: ForecastWriter
):
    rows = decided.rows(fits, FORECAST).where("item_id = 'smooth3'").orderBy("step").collect()
    fit, law = fits.where("item_id = 'smooth3'").first(), decided.law
    column, group = law.names.index(rows[0]["method"]), np.array([fit["error_group"]])
    mean = np.cumsum(np.array(fit["mean"]).reshape(len(law.names), HORIZON)[column])[None]
    np.testing.assert_allclose([row["cumulative_mean"] for row in rows], mean[0])
    own, is_count = Dispersion(*(np.array([each]) for each in fit["dispersion"])), np.array([fit["is_count"]])
    variance = sum_variance(mean, law.dispersion(own, group, is_count)[:, None], np.arange(1.0, HORIZON + 1.0))
    scores = law.scores[group, column]
    expected = np.maximum.accumulate(quantiles(mean, variance, is_count[:, None], scores)[0], axis=0)
    np.testing.assert_allclose([row["cumulative_quantiles"] for row in rows], expected)
    np.testing.assert_allclose(rows[0]["quantiles"], expected[0])
    sd = np.maximum.accumulate((np.sqrt(variance) * law.stretch(scores))[0])
    np.testing.assert_allclose([row["cumulative_sd"] for row in rows], sd)
    assert law.rungs[group[0], column].tolist() == [row["spread_rung"] for row in rows]


def test_accuracy_of_champions_and_of_all_adds_up_to_that_of_the_backtest(fits: DataFrame, decided: ForecastWriter):
    everyone = replace(decided, accuracy_of_all=True).rows(fits, FORECAST_ACCURACY)
    check(everyone, FORECAST_ACCURACY, "forecast_accuracy")
    found, tests = everyone.toPandas(), decided.rows(fits, BACKTEST).toPandas()
    champions = decided.rows(fits, FORECAST_ACCURACY).toPandas()
    assert len(champions) == found["is_champion"].sum()
    own = found[found["basis"] == "period"].set_index(["item_id", "method", "metric"])[["numerator", "denominator"]]
    for (item, method), rows in tests.groupby(["item_id", "method"]):
        n, squared = rows["n_scored"].sum(), rows["sum_squared_error"].sum()
        assert pytest.approx((squared, n)) == tuple(own.loc[(item, method, "mse")])
        assert pytest.approx((rows["sum_absolute_error"].sum(), n)) == tuple(own.loc[(item, method, "mae")])
        scaled = (rows["sum_squared_error"] / rows["naive_squared_error"]).sum()
        assert pytest.approx((scaled, n)) == tuple(own.loc[(item, method, "rmsse")])
        assert pytest.approx(rows["sum_error"].sum()) == own.loc[(item, method, "bias"), "numerator"]
    assert set(found["item_id"]) == set(tests["item_id"])


def test_the_headline_is_a_sum_over_a_sum(fits: DataFrame, decided: ForecastWriter):
    rows = decided.rows(fits, FORECAST_ACCURACY)
    found, frame = headline(rows, LEVELS), rows.where("basis = 'protection_period'").toPandas()
    totals = frame.groupby(["metric", "quantile_level"], dropna=False)[["numerator", "denominator"]].sum()
    ratios = totals["numerator"] / totals["denominator"]
    assert ["bias", "coverage_0.5", "coverage_0.95"] == list(found)
    assert found["coverage_0.95"] == pytest.approx(ratios["coverage", 0.95])
    assert 0.5 < found["coverage_0.95"] <= 1.0
    assert found["bias"] == pytest.approx(ratios["bias"].iloc[0])


def test_components_of_every_series_and_step_add_up_to_the_mean(
    spark: SparkSession, fits: DataFrame, decided: ForecastWriter
):
    plan = replace(PLAN, with_components=True)
    explained = fitted(long_panel_of(spark, histories(), 3), SPAN, plan, SALE).persist()
    rows = decided.rows(explained, FORECAST_COMPONENT)
    check(rows, FORECAST_COMPONENT, "forecast_component")
    keys = ["item_id", "location_id", "step"]
    sums = rows.groupBy(*keys).agg(F.sum("value").alias("value"))
    both = decided.rows(explained, FORECAST).select(*keys, "mean").join(sums, keys, "left").toPandas()
    assert len(both) == HORIZON * len(set(histories()["item_id"]))
    np.testing.assert_allclose(both["value"], both["mean"], atol=1e-9)
    assert decided.rows(fits, FORECAST_COMPONENT).isEmpty()
