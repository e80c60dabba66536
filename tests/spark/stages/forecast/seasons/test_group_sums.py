"""Seasons of groups from Spark beside the same in one process, whatever the partitioning."""

from __future__ import annotations

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from skucast.forecasting.seasons.adjustment import effects_shown
from skucast.forecasting.seasons.calendar import calendar_of
from skucast.forecasting.seasons.group_events import effect_sums, group_effects, votes
from skucast.forecasting.seasons.shared import ALL, group_curves, group_sums
from skucast.stages.forecast.panel.buckets import as_bucket
from skucast.stages.forecast.seasons.event_sums import with_effects
from skucast.stages.forecast.seasons.group_sums import group_names, grouped, is_sampled, season_groups, shared_seasons
from tests.spark.stages.forecast.test_writing import N_PERIODS, SALE, SPAN, histories, long_panel_of

pytestmark = pytest.mark.spark

SHOPS = [("N", "mugs", 3), ("N", "tea", 2), ("S", "mugs", 1), ("S", "", 4)]


def series(spark: SparkSession) -> DataFrame:
    rows = [(f"{place}{category}{n}", place, category) for place, category, count in SHOPS for n in range(count)]
    return spark.createDataFrame(rows, "item_id string, location_id string, category string")


def test_groups_are_all_locations_categories_and_pairs_each_after_its_parents(spark: SparkSession):
    groups = season_groups(series(spark))
    names = {name: groups.parents[row] for name, row in groups.places.items()}
    at = groups.places
    assert {ALL, "location N", "location S", "category mugs", "category tea"} < set(names)
    assert () == names[ALL]
    assert (0,) == names["category tea"]
    assert (0, at["location N"], at["category mugs"]) == names["both N\nmugs"]
    assert all(parent < row for row, own in enumerate(groups.parents) for parent in own)
    assert "location S" == next(name for name in group_names("S", None) if name in at)
    assert not any(name.startswith("category ") and name.endswith(" ") for name in names)


def test_one_location_without_categories_is_one_group(spark: SparkSession):
    assert {ALL: 0} == season_groups(series(spark).selectExpr("item_id", "'N' AS location_id", "'' AS category")).places


@pytest.mark.parametrize("n_buckets", [1, 7])
def test_curves_are_those_of_one_process(spark: SparkSession, n_buckets: int):
    sample = long_panel_of(spark, histories(), n_buckets)
    groups = season_groups(sample.selectExpr("item_id", "location_id", "'' AS category").distinct())
    found = shared_seasons(sample, groups, (30, N_PERIODS), SPAN, SALE)
    bucket = as_bucket(long_panel_of(spark, histories(), 1).toArrow(), SPAN, SALE)
    for origin in (30, N_PERIODS):
        known = bucket.panel.until(origin)
        expected = group_curves(group_sums(known, groups.membership(bucket)), groups.parents, calendar_of(known))
        np.testing.assert_array_equal(found.curves[origin].week, expected.week)
        np.testing.assert_array_equal(found.curves[origin].day, expected.day)
    shown = with_effects(found, sample, groups, SPAN, SALE)
    for origin in (30, N_PERIODS):
        known = grouped(bucket, found).until(origin)
        own, error = effects_shown(known, found.curves[origin])
        sums = effect_sums(own, error, votes(known), groups.membership(bucket))
        expected_effects = group_effects(sums, groups.parents)
        for place, name in enumerate(sorted(SALE.events)):
            np.testing.assert_array_equal(shown.curves[origin].effects[name], expected_effects[:, :, place])
    assert [0] * len(bucket.items) == grouped(bucket, found).group.tolist()
    assert grouped(bucket, None).group is None


def test_a_sample_is_drawn_by_key(spark: SparkSession):
    keys = spark.range(2_000).selectExpr("concat('item', id) AS item_id", "'GB-1' AS location_id")
    assert 2_000 == keys.where(is_sampled(2_000)).count()
    assert 350 < keys.where(is_sampled(100_000)).count() < 450
