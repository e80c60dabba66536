"""Long rows → arrays: every series in one bucket, whatever the order of the rows."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skucast.forecasting.panel.covariates import Fill
from skucast.periods import Frequency
from skucast.stages.forecast.covariates.drivers import Catalogue, ItemPrice
from skucast.stages.forecast.panel.buckets import (
    EVALUATION_SPAN,
    PRIOR_LOG_MEAN,
    PRIOR_SERIES,
    SHARE,
    as_bucket,
    long_panel,
    revenue_shares,
)
from skucast.stages.forecast.span import Span
from skucast.tables import DEMAND

FACTS = "facts array<struct<code: int, value: double, known_from: int>>"
SCHEMA = pa.schema(
    {
        "item_id": pa.string(), "location_id": pa.string(), "t": pa.int32(), "demand": pa.float64(),
        "is_closed": pa.bool_(), "price": pa.float64(), "list_price": pa.float64(),
        "lower_bound": pa.float64(), "exposure": pa.float64(), "prior_category": pa.string(), "category": pa.string(),
        "facts": pa.list_(pa.struct({"code": pa.int32(), "value": pa.float64(), "known_from": pa.int32()}.items())),
    }.items()
)  # fmt: skip
MONDAY = date(2011, 5, 2)
WEEKLY = Span(MONDAY, MONDAY + timedelta(days=35), 2, Frequency.WEEK)


def test_a_span_counts_its_periods():
    assert 6 == WEEKLY.n_periods
    assert MONDAY + timedelta(days=49) == WEEKLY.last
    assert 36 == Span(MONDAY, MONDAY + timedelta(days=35), 2, Frequency.DAY).n_periods


RAN_OUT = ("DE-1", 5)


def long_rows() -> pd.DataFrame:
    """Two series: A at two locations, one of which begins later and runs out of stock in its last period; the last two
    periods are the horizon.
    """
    rows = [
        {
            "item_id": "A", "location_id": place, "t": t,
            "demand": np.nan if t >= 6 or t == 3 or (place, t) == RAN_OUT else 10.0 * start + t,
            "is_closed": t == 3, "facts": facts(t), "price": 2.0 if t == 1 else None, "list_price": None,
            "lower_bound": 7.0 if (place, t) == RAN_OUT else np.nan,
            "exposure": 0.25 if (place, t) == RAN_OUT else np.nan,
        }
        for place, start in (("GB-1", 0), ("DE-1", 2))
        for t in range(start, 8)
    ]  # fmt: skip
    headers = [
        {
            "item_id": "A",
            "location_id": place,
            "t": t,
            "demand": value,
            "is_closed": False,
            "facts": None,
            "price": None,
            "list_price": None,
        }
        for place, t, value in (
            ("GB-1", SHARE, 0.0),
            ("DE-1", SHARE, 0.2),
            ("GB-1", EVALUATION_SPAN, 1.0),
            ("DE-1", EVALUATION_SPAN, 2.0),
            ("DE-1", PRIOR_LOG_MEAN, -0.5),
            ("DE-1", PRIOR_SERIES, 3.0),
        )
    ]
    headers[-1]["prior_category"] = "mugs"
    headers[0]["category"], headers[1]["category"] = "cups", ""
    entries = [
        {"item_id": "A", "location_id": "GB-1", "t": t, "demand": None, "is_closed": False, "list_price": price}
        for t, price in ((0, 4.0), (6, 8.0))
    ]  # fmt: skip
    return pd.DataFrame([*headers, *rows, *entries])


CATALOGUE = Catalogue(("sale", "strike"), (("rain", Fill.USUAL), ("rebate", Fill.ZERO)), ItemPrice.LISTED)
RAIN = {0: 1.0, 1: 2.0, 4: 6.0, 6: 5.0}


def facts(t: int) -> list[dict[str, object]] | None:
    """Codes of the catalogue: a sale of two days in period 7; a strike nobody expected; rain known a period before."""
    found: list[tuple[int, float, int]] = [(0, 1.0, 0)] if t == 4 else [(0, 2.0, 0)] if t == 7 else []
    found += [(1, 1.0, 6)] if t == 5 else []
    found += [(2, RAIN[t], max(t - 1, 0))] if t in RAIN else []
    found += [(3, 0.2, 0)] if t == 7 else []
    return [{"code": code, "value": value, "known_from": since} for code, value, since in found] or None


@given(st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_arrays_do_not_depend_on_the_order_of_the_rows(random):
    rows = long_rows()
    order = list(range(len(rows)))
    random.shuffle(order)
    bucket = as_bucket(pa.Table.from_pandas(rows.iloc[order], preserve_index=False, schema=SCHEMA), WEEKLY, CATALOGUE)
    nan = np.nan
    assert (["A", "A"], ["DE-1", "GB-1"]) == (bucket.items, bucket.locations)
    np.testing.assert_array_equal([[nan, nan, 22, nan, 24, nan], [0, 1, 2, nan, 4, 5]], bucket.panel.demand)
    assert [2, 0] == bucket.panel.start.tolist()
    assert [[0, 5]] == np.argwhere(bucket.panel.is_censored).tolist()
    assert (7.0, 0.25) == (bucket.panel.lower_bound[0, 5], bucket.panel.exposure[0, 5])
    assert [3] == np.flatnonzero(bucket.panel.is_closed[0]).tolist()
    events, drivers = bucket.panel.events, bucket.panel.drivers
    assert [[0, 0, 0, 0, 1, 0, 0, 2]] * 2 == events["sale"].tolist()
    assert [5] == np.flatnonzero(events["strike"][1]).tolist()
    np.testing.assert_allclose(drivers["rain"], [[5.5] * 4 + [6, 5.5, 5, 5.5], [1, 2, 3.5, 3.5, 6, 3.5, 5, 3.5]])
    assert [[0.0] * 7 + [0.2]] * 2 == drivers["rebate"].tolist()
    # Sold at 2 of a list price of 4, which doubles in period 6; the series without a list has no price.
    np.testing.assert_allclose(np.exp(drivers["item_price"]), [[1] * 8, [2] + [1] * 5 + [2] * 2])
    before = bucket.panel.until(4)
    assert not before.events["strike"].any()
    np.testing.assert_allclose(before.drivers["rain"][1], [1, 2, 3, 3, 6, 3])
    assert [0.2, 0.0] == bucket.revenue_share_before.tolist()
    assert [2, 1] == bucket.evaluation_span.tolist()
    np.testing.assert_array_equal([-0.5, nan], bucket.prior_log_mean)
    assert ([3, 0], ["mugs", None]) == (bucket.prior_series.tolist(), bucket.prior_category)
    assert [None, "cups"] == bucket.categories
    assert (2, 52, MONDAY) == (bucket.panel.horizon, bucket.panel.season_length, bucket.panel.day(0))


def demand_rows(sales: dict[str, list[tuple[float, float | None]]]) -> list[dict[str, object]]:
    flags = dict.fromkeys(("is_censored", "is_closed", "is_outlier", "promotion"), False)
    return [
        {
            "item_id": item, "location_id": "GB-1", "period_start": WEEKLY.cutoff - timedelta(days=7 * back),
            "sales": pieces, "returns": 0.0, "demand": pieces, "unit_price": price, **flags,
        }
        for item, history in sales.items()
        for back, (pieces, price) in enumerate(reversed(history))
    ]  # fmt: skip


@pytest.mark.spark
def test_series_are_ranked_by_revenue_and_ties_by_name(spark):
    """60 of C, 20 of A and of B, and none: shares before are 0, 0.6, 0.8 and 1."""
    sales = {"B": [(20.0, 1.0)], "A": [(10.0, 1.0), (5.0, 2.0)], "C": [(60.0, None)], "Z": [(0.0, None)]}
    series = {row["item_id"]: row for row in revenue_shares(DEMAND.frame(spark, demand_rows(sales))).collect()}
    assert {"C": 0.0, "A": 0.6, "B": 0.8, "Z": 1.0} == {k: row["revenue_share_before"] for k, row in series.items()}
    assert WEEKLY.cutoff - timedelta(days=7) == series["A"]["start"]


@pytest.mark.spark
def test_without_any_revenue_every_share_is_zero(spark):
    series = revenue_shares(DEMAND.frame(spark, demand_rows({"A": [(0.0, None)], "B": [(0.0, None)]}))).collect()
    assert [0.0, 0.0] == [row["revenue_share_before"] for row in series]


SALES = {f"i{number}": [(1.0 + number, 1.0)] * (1 + number % 6) for number in range(9)}


@pytest.fixture(scope="module")
def panel(spark):
    """Nine series in four buckets; i5 ran out of stock at the end, i0 is believed to sell like mugs."""
    rows = demand_rows(SALES)
    ran_out = next(row for row in rows if (row["item_id"], row["period_start"]) == ("i5", WEEKLY.cutoff))
    ran_out |= {"demand": None, "is_censored": True, "in_stock_share": 0.5}
    demand = DEMAND.frame(spark, rows)
    starts = [MONDAY + timedelta(days=7 * n) for n in range(8)]
    calendar = spark.createDataFrame(
        [("GB-1", start, start == starts[7]) for start in starts],
        "location_id string, period_start date, is_closed boolean",
    )
    facts = spark.createDataFrame([("GB-1", 6, [(0, 1.0, 0)])], f"location_id string, t int, {FACTS}")
    entries = spark.createDataFrame([("i1", 0, 2.0), ("i1", 6, 3.0)], "item_id string, t int, list_price double")
    series = revenue_shares(demand).selectExpr(
        "*",
        "2 AS evaluation_span",
        "IF(item_id = 'i0', 0.5D, NULL) AS prior_log_mean",
        "IF(item_id = 'i0', 7D, NULL) AS prior_series",
        "IF(item_id = 'i0', 'mugs', NULL) AS prior_category",
        "IF(item_id = 'i0', 'cups', '') AS category",
        "IF(item_id IN ('i2', 'i3'), 1.2D, NULL) AS spread_factor",
        "IF(item_id = 'i2', 'biased low', NULL) AS due",
        "IF(item_id = 'i3', 'ses', NULL) AS kept_method",
        "IF(item_id = 'i3', DATE '2011-01-10', NULL) AS kept_since",
    )
    return long_panel(demand, calendar, series, WEEKLY, 4, facts=facts, list_prices=entries).persist()


@pytest.mark.spark
def test_headers_carry_what_is_known_of_a_series(panel):
    placed = panel.toPandas()
    assert sorted(SALES) == sorted(placed.loc[placed["t"] == SHARE, "item_id"])
    assert [2.0] * len(SALES) == placed.loc[placed["t"] == EVALUATION_SPAN, "demand"].tolist()
    prior = placed[placed["t"].isin([PRIOR_LOG_MEAN, PRIOR_SERIES])].sort_values("demand")
    assert [("i0", 0.5, None), ("i0", 7.0, "mugs")] == list(
        prior[["item_id", "demand", "prior_category"]].itertuples(index=False, name=None)
    )
    assert [("i0", SHARE, "cups")] == list(
        placed.loc[placed["category"].fillna("") != "", ["item_id", "t", "category"]].itertuples(index=False, name=None)
    )
    listed = placed.loc[placed["list_price"].notna(), ["item_id", "t", "list_price"]]
    assert [("i1", 0, 2.0), ("i1", 6, 3.0)] == sorted(listed.itertuples(index=False, name=None))


@pytest.mark.spark
def test_what_a_review_said_of_a_series_reaches_its_bucket(panel):
    bucket = as_bucket(panel.toArrow(), WEEKLY, Catalogue(("sale",), (), ItemPrice.LISTED))
    said = {name: column.to_pylist() for name, column in bucket.tenure.items()}
    assert ["spread_factor", "due", "kept_method", "kept_since"] == list(said)
    found = dict(zip(bucket.items, zip(*said.values(), strict=True), strict=True))
    assert (1.2, "biased low", None, None) == found.pop("i2")
    assert (1.2, None, "ses", date(2011, 1, 10)) == found.pop("i3")
    assert {(None, None, None, None)} == set(found.values())


@pytest.mark.spark
def test_the_long_panel_has_history_and_horizon_in_as_many_partitions_as_buckets(panel):
    placed = panel.toPandas()
    rows = placed[(placed["t"] >= 0) & placed["list_price"].isna()]
    assert 4 == panel.rdd.getNumPartitions()
    for (item, _), own in rows.groupby(["item_id", "location_id"]):
        n_known = len(SALES[item])
        assert [*range(6 - n_known, 8)] == sorted(own["t"])
        assert 1 == own["bucket"].nunique()
        assert own.loc[own["t"] >= 6, "demand"].isna().all()
        seen = own[own["t"] < 6]
        assert [5] * (item == "i5") == seen.loc[seen["demand"].isna(), "t"].tolist()
        assert (seen["lower_bound"].notna() == seen["demand"].isna()).all()
        assert [7] == own.loc[own["is_closed"], "t"].tolist()
        assert [[(0, 1.0)]] == [[(f["code"], f["value"]) for f in found] for found in own.loc[own["t"] == 6, "facts"]]
        assert own.loc[own["t"] != 6, "facts"].isna().all()
        assert (own.loc[own["t"] < 6, "price"].notna()).all()
    found = rows.loc[rows["lower_bound"].notna(), ["lower_bound", "exposure"]].to_numpy().tolist()
    assert [[6.0, 0.5]] == found
    assert {0, 1, 2, 3} >= set(rows["bucket"])
    assert rows["bucket"].nunique() > 1
    # A partition holds one bucket, so that one Python call sees whole series.
    in_partition = panel.selectExpr("spark_partition_id() AS partition", "bucket").distinct().toPandas()
    assert (in_partition["partition"] == in_partition["bucket"]).all()
    panel.unpersist()
