"""Sums over series in Spark beside the slow ones, whatever the partitions; who is listed and never sold."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from skucast.forecasting.cold_start.prior import WINDOW
from skucast.periods import Frequency
from skucast.stages.forecast.cold_start.prior import LaunchPrior, described, launch_prior, never_sold, recent_sales
from skucast.stages.forecast.panel.buckets import revenue_shares
from skucast.stages.forecast.span import Span
from skucast.tables import DEMAND, ITEM, ITEM_LOCATION
from tests.unit.forecasting.cold_start.model_reference import Seen, prior_of

pytestmark = pytest.mark.spark

FIRST, N_PERIODS = date(2011, 1, 3), 30
SPAN = Span(FIRST, FIRST + timedelta(days=7 * (N_PERIODS - 1)), 4, Frequency.WEEK)
D = SPAN.cutoff + timedelta(days=7)
CATEGORIES = ("mugs", "jugs", None, "alone")


def histories() -> dict[str, tuple[int, list[float | None]]]:
    """Item → first period and demand since; some launched late, some dead, some constant, some unknown in part."""
    drawn = np.random.default_rng(8)
    made: dict[str, tuple[int, list[float | None]]] = {}
    for number in range(40):
        start = N_PERIODS - (1 + number % 12) if number % 3 == 0 else 0
        amounts = drawn.poisson(np.exp(drawn.normal(1, 1)), N_PERIODS - start).astype(float)
        made[f"i{number}"] = (start, [1.0 + float(amounts[0]), *amounts[1:].tolist()])
    made["dead"] = (0, [5.0] * 10 + [0.0] * 20)
    made["constant"] = (0, [0.1] * 30)
    made["unknown"] = (20, [3.0, *[None] * 9])
    return made


def category_of(item: str) -> str | None:
    return "alone" if item == "i1" else CATEGORIES[sum(map(ord, item)) % 3]


def price_of(item: str) -> float | None:
    return None if item.endswith("4") else 1.0 + sum(map(ord, item)) % 7


def prior(spark: SparkSession, n_partitions: int) -> LaunchPrior:
    flags = dict.fromkeys(("is_censored", "is_closed", "is_outlier", "promotion"), False)
    rows = [
        {
            "item_id": item, "location_id": "GB-1", "period_start": FIRST + timedelta(days=7 * (start + at)),
            "sales": value or 0.0, "returns": 0.0, "demand": value, **flags,
        }
        for item, (start, values) in histories().items()
        for at, value in enumerate(values)
    ]  # fmt: skip
    items = [
        {
            "item_id": item,
            "category": category_of(item),
            "unit_price": price_of(item),
            "valid_from": FIRST,
            "provenance": "measured",
        }
        for item in histories()
    ]
    items.append({**items[0], "category": "later", "valid_from": D + timedelta(days=1)})
    demand = DEMAND.frame(spark, rows).repartition(n_partitions)
    series = revenue_shares(demand, recent_sales(SPAN.cutoff, SPAN.frequency))
    return launch_prior(described(series, ITEM.frame(spark, items), SPAN, D).repartition(n_partitions))


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> LaunchPrior:
    return prior(spark, 1)


def priors(found: LaunchPrior) -> dict[str, tuple[float | None, float | None, str | None]]:
    return {
        row["item_id"]: (row["prior_log_mean"], row["prior_series"], row["prior_category"])
        for row in found.series.collect()
    }


def test_the_prior_is_that_of_series_one_by_one(found: LaunchPrior):
    seen = []
    for item, (start, values) in histories().items():
        recent = [each for each in values[max(0, N_PERIODS - WINDOW - start) :] if each is not None]
        is_launched = start >= N_PERIODS - WINDOW
        seen.append(Seen(category_of(item) or "", price_of(item) or np.nan, is_launched, recent))
    expected = prior_of(seen)
    assert found.law is not None
    np.testing.assert_allclose(expected.law.weights, found.law.weights, rtol=1e-9)
    for name in ("spread", "dispersion", "power"):
        assert getattr(expected.law, name) == pytest.approx(getattr(found.law, name), rel=1e-9)
    short = {item: values for item, (_, values) in histories().items() if sum(each is not None for each in values) <= 8}
    assert {"unknown"} < set(short)
    n_all = sum(expected.counts.values())
    for item, (log_mean, count, category) in priors(found).items():
        if item in short:
            name = category_of(item)
            assert log_mean == pytest.approx(expected.log_mean(name or "", price_of(item) or np.nan), rel=1e-9)
            assert (expected.counts[name] if name else n_all, name) == (count, category)
        else:
            assert (None, None, None) == (log_mean, count, category)


def test_the_prior_does_not_depend_on_partitions(spark: SparkSession, found: LaunchPrior):
    other = prior(spark, 5)
    assert found.law is not None
    assert other.law is not None
    np.testing.assert_allclose(found.law.weights, other.law.weights, rtol=1e-9)
    assert found.law.dispersion == pytest.approx(other.law.dispersion, rel=1e-9)
    ours, theirs = priors(found), priors(other)
    for item, (log_mean, *rest) in ours.items():
        assert (log_mean is None) or log_mean == pytest.approx(theirs[item][0], rel=1e-9)
        assert tuple(rest) == theirs[item][1:]


SIZES = {"small": 0.4, "large": 2.0, "middle": 1.0}
"""What locations sell beside others."""


def chain(spark: SparkSession, n_partitions: int) -> tuple[LaunchPrior, list[Seen]]:
    """Thirty items at two or three locations; at "middle" every third has not sold yet."""
    drawn, rows, listed, seen = np.random.default_rng(3), [], [], []
    for number in range(30):
        item, popular = f"i{number}", np.exp(drawn.normal(0, 1))
        for location, size in SIZES.items():
            if location == "middle" and number % 3 == 0:
                listed.append({"item_id": item, "location_id": location, "valid_from": FIRST, "provenance": "measured"})
                continue
            units = [float(each) for each in 1 + drawn.poisson(20 * size * popular, N_PERIODS)]
            flags = dict.fromkeys(("is_censored", "is_closed", "is_outlier", "promotion"), False)
            rows += [
                {
                    "item_id": item, "location_id": location, "period_start": FIRST + timedelta(days=7 * at),
                    "sales": value, "returns": 0.0, "demand": value, **flags,
                }
                for at, value in enumerate(units)
            ]  # fmt: skip
            seen.append(Seen("", np.nan, is_launched=False, demand=units[-WINDOW:], item=item, location=location))
    demand = DEMAND.frame(spark, rows).repartition(n_partitions)
    sold = revenue_shares(demand, recent_sales(SPAN.cutoff, SPAN.frequency))
    new = never_sold(ITEM_LOCATION.frame(spark, listed), sold, D)
    series = described(sold.unionByName(new, allowMissingColumns=True), ITEM.frame(spark, []), SPAN, D)
    return launch_prior(series.repartition(n_partitions)), seen


def test_a_new_series_is_told_by_its_location_and_by_its_item_elsewhere(spark: SparkSession):
    (found, seen), (other, _) = chain(spark, 1), chain(spark, 4)
    expected = prior_of(seen)
    assert found.law is not None
    np.testing.assert_allclose(expected.law.weights, found.law.weights, rtol=1e-9)
    new = {row["item_id"]: row["prior_log_mean"] for row in found.series.where("location_id = 'middle'").collect()}
    again = {row["item_id"]: row["prior_log_mean"] for row in other.series.where("location_id = 'middle'").collect()}
    told = {item: log_mean for item, log_mean in new.items() if log_mean is not None}
    assert len(told) == 10
    for item, log_mean in told.items():
        assert log_mean == pytest.approx(expected.log_mean("", np.nan, item, "middle"), rel=1e-9)
        assert log_mean == pytest.approx(again[item], rel=1e-9)
        elsewhere = {each.location: np.log(each.mean) for each in seen if each.item == item}
        of_middle = np.mean([elsewhere["small"] - np.log(0.4), elsewhere["large"] - np.log(2.0)])
        assert log_mean == pytest.approx(of_middle, abs=0.25)
    assert found.law.spread < 0.5


def test_without_demand_there_is_no_prior(spark: SparkSession):
    schema = "item_id string, location_id string, start date, n_known long, n_recent long, recent_mean double"
    dead = spark.createDataFrame([("a", "GB-1", None, 0, 0, None), ("b", "GB-1", FIRST, 30, 14, 0.0)], schema)
    series = described(dead.selectExpr("*", "CAST(NULL AS double) AS recent_variance"), ITEM.frame(spark, []), SPAN, D)
    nothing = launch_prior(series)
    assert nothing.law is None
    assert [(None, None, None)] * 2 == list(priors(nothing).values())


def listings(spark: SparkSession) -> DataFrame:
    rows = {
        "sold": {},
        "new": {},
        "stopped": {"do_not_order": True},
        "later": {"active_from": D + timedelta(days=1)},
        "today": {"active_from": D, "active_to": D},
        "over": {"active_to": D - timedelta(days=1)},
        "not known yet": {"valid_from": D + timedelta(days=1)},
    }
    made = [
        {"item_id": item, "location_id": "GB-1", "valid_from": FIRST, "provenance": "measured", **terms}
        for item, terms in rows.items()
    ]
    return ITEM_LOCATION.frame(spark, [*made, {**made[1], "valid_from": D, "do_not_order": None}])


def test_never_sold_are_those_that_may_be_ordered_and_have_no_demand(spark: SparkSession):
    sold = spark.createDataFrame([("sold", "GB-1")], "item_id string, location_id string")
    rows = never_sold(listings(spark), sold, D).collect()
    assert ["new", "today"] == sorted(row["item_id"] for row in rows)
    assert {(1.0, 0)} == {(row["revenue_share_before"], row["n_known"]) for row in rows}
