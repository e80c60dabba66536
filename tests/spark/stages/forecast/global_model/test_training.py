"""Training in Spark: the same models whatever the partitioning, and the same as without Spark."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession

from skucast.forecasting.global_model.training import METHOD, Learner, LearnerSettings, train_all
from skucast.forecasting.global_model.trees import Growth
from skucast.forecasting.models.registry import METHODS
from skucast.stages.forecast.fitting import CandidateArrays, fitted
from skucast.stages.forecast.global_model.training import is_sampled, learner_of, trained
from skucast.stages.forecast.panel.buckets import as_bucket
from tests.spark.stages.forecast.test_writing import N_PERIODS, PLAN, SALE, SPAN, histories, long_panel_of

pytestmark = pytest.mark.spark

SETTINGS = LearnerSettings(max_series=100, max_rows=5_000, min_rows=100, growth=Growth(20, 4, 0.1, 20))
CUTOFFS = (33, N_PERIODS)


def learner(spark: SparkSession, rows: pd.DataFrame, n_buckets: int, settings: LearnerSettings = SETTINGS) -> Learner:
    sample = long_panel_of(spark, rows, n_buckets)
    return learner_of(trained(sample, SPAN, CUTOFFS, settings, PLAN, SALE))


def assert_same(ours: Learner, theirs: Learner) -> None:
    assert list(ours.models) == list(theirs.models) == list(CUTOFFS)
    for cutoff in CUTOFFS:
        mine, other = ours.models[cutoff], theirs.models[cutoff]
        assert (mine.known, mine.n_rows, mine.n_series) == (other.known, other.n_rows, other.n_series)
        for field in fields(mine.trees):
            np.testing.assert_array_equal(getattr(mine.trees, field.name), getattr(other.trees, field.name))


@pytest.fixture(scope="module")
def ours(spark: SparkSession) -> Learner:
    return learner(spark, histories(), 1)


def test_models_do_not_depend_on_partitions_or_row_order(spark: SparkSession, ours: Learner):
    assert_same(ours, learner(spark, histories().sample(frac=1, random_state=3), 4))


def test_models_are_those_of_the_same_panel_without_spark(spark: SparkSession, ours: Learner):
    panel = as_bucket(long_panel_of(spark, histories(), 1).toArrow(), SPAN, SALE).panel
    assert_same(ours, train_all(panel, CUTOFFS, SETTINGS, PLAN.shown))
    assert ("sale",) == ours.models[N_PERIODS].known.events


def test_the_models_reach_the_buckets(spark: SparkSession, ours: Learner):
    names = ("mean", METHOD)
    plan = replace(PLAN, methods=names, methods_by_class=dict.fromkeys(PLAN.methods_by_class, names), learner=ours)
    fits = fitted(long_panel_of(spark, histories(), 3), SPAN, plan, SALE).toArrow().combine_chunks()
    contest = CandidateArrays.of(plan, SPAN).contest(fits.to_batches()[0])
    place = contest.trials.names.index(METHOD)
    with_demand = np.array(contest.demand_class) != "no_demand"
    assert len({method.name for method in METHODS}) > place
    assert contest.trials.is_tried[with_demand & (contest.trials.n_origins > 0), place].all()
    assert not any(contest.failures)


def test_too_few_rows_make_no_model(spark: SparkSession):
    assert not learner(spark, histories(), 2, LearnerSettings(min_rows=100_000)).models


def test_a_sample_is_drawn_by_key_and_about_as_large_as_asked(spark: SparkSession):
    keys = spark.range(20_000).selectExpr("concat('item', id) AS item_id", "'GB-1' AS location_id")
    drawn = keys_of(keys.where(is_sampled(20_000, 2_000)))
    assert 1_800 < len(drawn) < 2_200
    assert drawn == keys_of(keys.repartition(5).where(is_sampled(20_000, 2_000)))
    assert 20_000 == keys.where(is_sampled(20_000, 30_000)).count()


def keys_of(rows: DataFrame) -> set[str]:
    return {row["item_id"] for row in rows.collect()}
