"""Features beside numpy, clusters and pairs the same whatever the partitioning."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession

from skucast.periods import Frequency
from skucast.stages.forecast.groups.item_clusters import clustered, demand_features
from skucast.stages.forecast.groups.item_correlation import correlated_items
from skucast.stages.forecast.span import Span

pytestmark = pytest.mark.spark

FIRST, N = date(2011, 1, 3), 60
SPAN = Span(FIRST, FIRST + timedelta(days=N - 1), 4, Frequency.DAY)
STATUS = "item_id string, location_id string, average_demand_interval double, squared_cv double"


def histories() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    week = np.tile([0.2, 1, 1, 1, 1, 2, 2], 9)[:N]
    made = {f"daily{n:02}": rng.poisson(40 * week).astype(float) for n in range(15)}
    made |= {f"rare{n:02}": rng.poisson(3, N) * (rng.random(N) < 0.15).astype(float) for n in range(15)}
    made["twin"] = made["daily00"] + rng.poisson(1, N)
    made["gaps"] = np.where(rng.random(N) < 0.3, np.nan, rng.poisson(9, N).astype(float))
    made["constant"], made["nothing"] = np.full(N, 3.0), np.zeros(N)
    return made


def demand(spark: SparkSession, partitions: int) -> DataFrame:
    rows = [
        (item, "L", FIRST + timedelta(days=t), None if np.isnan(value) else float(value))
        for item, values in histories().items()
        for t, value in enumerate(values)
    ]
    schema = "item_id string, location_id string, period_start date, demand double"
    return spark.createDataFrame(rows, schema).repartition(partitions)


def status(spark: SparkSession) -> DataFrame:
    rows = []
    for item, values in histories().items():
        sold = values[values > 0]
        has = sold.size > 0
        cv2 = float(sold.var() / sold.mean() ** 2) if has else None
        rows.append((item, "L", (~np.isnan(values)).sum() / sold.size if has else None, cv2))
    return spark.createDataFrame([(a, b, c if c is None else float(c), d) for a, b, c, d in rows], STATUS)


def test_features_are_those_of_numpy(spark: SparkSession):
    found = demand_features(demand(spark, 3), Frequency.DAY).toPandas().set_index("item_id")
    t = np.arange(N) / 365.25
    place = (np.arange(N) % 7).astype(int)
    for item, values in histories().items():
        known = ~np.isnan(values)
        y, mean = values[known], values[known].mean()
        assert found.loc[item, "mean_demand"] == pytest.approx(mean)
        if mean > 0:
            slope = np.polyfit(t[known], y, 1)[0]
            assert found.loc[item, "trend_per_year"] == pytest.approx(slope / mean, abs=1e-6)
        groups = pd.Series(y).groupby(place[known])
        if y.var() > 0:
            within = ((y - groups.transform("mean")) ** 2).sum() / (y.size - 7)
            strength = max(0.0, 1.0 - within / y.var(ddof=1))
            assert found.loc[item, "season_strength"] == pytest.approx(strength, abs=1e-9)
        else:
            assert np.isnan(found.loc[item, "season_strength"])


def test_alike_series_share_a_cluster_and_every_series_has_one(spark: SparkSession):
    def find(partitions: int) -> pd.DataFrame:
        rows = clustered(
            status(spark).repartition(partitions), demand_features(demand(spark, partitions), Frequency.DAY), 3
        )
        return rows.toPandas().sort_values("item_id", ignore_index=True)

    found = find(1)
    pd.testing.assert_frame_equal(found, find(5), rtol=1e-9)
    assert set(histories()) == set(found["item_id"])
    own = found.set_index("item_id")["cluster"]
    assert 1 == own[own.index.str.startswith("daily")].nunique()
    assert 1 == own[own.index.str.startswith("rare")].nunique()
    assert own["daily00"] == own["twin"] != own["rare00"]
    # Numbered from frequent to rare sellers.
    assert own["daily00"] < own["rare00"]
    assert 0 == own["nothing"]
    assert set(found.loc[found["distance"].isna(), "item_id"]) == {"nothing"}


def test_series_without_any_demand_are_cluster_0(spark: SparkSession):
    dead = spark.createDataFrame([("a", "L", None, None)], STATUS)
    (row,) = clustered(dead, demand_features(demand(spark, 1), Frequency.DAY), 3).collect()
    assert (0, None) == (row["cluster"], row["distance"])


def test_pairs_are_found_among_those_that_earn_most_whatever_the_partitioning(spark: SparkSession):
    shares = [(item, "L", place / 100) for place, item in enumerate(sorted(histories()))]
    series = spark.createDataFrame(shares, "item_id string, location_id string, revenue_share_before double")

    def find(partitions: int, items: int) -> pd.DataFrame:
        rows = correlated_items(demand(spark, partitions), series, SPAN, items=items, partners=3)
        return rows.toPandas().sort_values(["item_a", "rank"], ignore_index=True)

    found = find(1, 1000)
    pd.testing.assert_frame_equal(found, find(4, 1000), rtol=1e-9)
    changes = pd.DataFrame(histories()).map(np.sqrt).diff()
    for row in found.itertuples():
        assert row.correlation == pytest.approx(changes[row.item_a].corr(changes[row.item_b]), abs=1e-9)
        assert row.n_periods == (changes[row.item_a].notna() & changes[row.item_b].notna()).sum()
    assert found.groupby("item_a")["rank"].agg(list).map(lambda ranks: ranks == [1, 2, 3]).all()
    (twin,) = found[(found["item_a"] == "twin") & (found["rank"] == 1)]["item_b"]
    assert "daily00" == twin
    assert not {"constant", "nothing"} & {*found["item_a"], *found["item_b"]}
    # "constant", nine of "daily", and no other.
    assert {f"daily{n:02}" for n in range(9)} == set(find(2, 10)["item_a"])
