"""Whether a run has a model over all series, and what its record says of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pyspark.sql import SparkSession

from skucast.config.forecast import Forecast
from skucast.forecasting.engine.engine import candidate_names
from skucast.forecasting.global_model.training import METHOD
from skucast.stages.forecast.covariates.drivers import Catalogue
from skucast.stages.forecast.global_model.stage import Sample, with_learner
from skucast.stages.forecast.panel.buckets import long_panel
from skucast.stages.forecast.span import Span
from skucast.store.runs import Stage
from tests.spark.stages.forecast.test_writing import HORIZON, N_PERIODS, PLAN, SPAN

pytestmark = pytest.mark.spark

NAMES = ("mean", METHOD)
ASKED = replace(PLAN, methods=NAMES, methods_by_class=dict.fromkeys(PLAN.methods_by_class, NAMES))
N_SERIES = 30


def rules(**learner: object) -> Forecast:
    return Forecast.model_validate({"learner": {"min_rows": 100, "rounds": 5, "min_leaf_rows": 10, **learner}})


@pytest.fixture(scope="module")
def sample(spark: SparkSession) -> Sample:
    rng = np.random.default_rng(6)
    days = [SPAN.first + (SPAN.cutoff - SPAN.first) / (N_PERIODS - 1) * t for t in range(N_PERIODS + HORIZON)]
    items = [f"item{number}" for number in range(N_SERIES)]
    sold = [(item, "L", day, float(rng.poisson(5)), False) for item in items for day in days[:N_PERIODS]]
    sales = [(day, False) for day in days]
    key = "item_id string, location_id string"
    demand = spark.createDataFrame(sold, f"{key}, period_start date, demand double, is_closed boolean").selectExpr(
        "*", "demand AS sales", "false AS is_censored", "CAST(NULL AS DOUBLE) AS in_stock_share"
    )
    calendar = spark.createDataFrame(sales, "period_start date, is_closed boolean").selectExpr(
        "'L' AS location_id", "*"
    )
    series = spark.createDataFrame([(item, "L") for item in items], key).selectExpr(
        "*", "0D AS revenue_share_before", "3 AS evaluation_span", "CAST(NULL AS DOUBLE) AS prior_log_mean",
        "CAST(NULL AS DOUBLE) AS prior_series", "CAST(NULL AS STRING) AS prior_category",
    )  # fmt: skip
    facts = spark.createDataFrame(
        [("L", place, [(0, 1.0, 0)]) for place in range(0, len(days), 5)],
        "location_id string, t int, facts array<struct<code int, value double, known_from int>>",
    )
    return Sample(
        N_SERIES,
        lambda chosen: long_panel(demand.where(chosen), calendar, series.where(chosen), SPAN, 1, facts=facts),
        Catalogue(events=("sale",)),
    )


def test_a_trained_model_joins_the_plan_and_its_cost_the_record(sample):
    stage = Stage("forecast")
    plan = with_learner(rules(), ASKED, stage, sample, SPAN)
    first, last = plan.learner.models
    assert (N_PERIODS - HORIZON - (PLAN.origins - 1) * PLAN.origin_step, N_PERIODS) == (first, last)
    newest = plan.learner.models[last]
    assert ("sale",) == newest.known.events
    assert (N_SERIES, newest.n_rows) == (stage.rows["learner_series"], stage.rows["learner_rows"])
    assert stage.rows["learner_rows"] > 1_000
    assert stage.rows["learner_seconds"] >= 0
    assert stage.message is None
    assert METHOD in candidate_names(plan)


def test_with_too_little_to_learn_from_the_run_says_so_and_goes_on_without(sample):
    stage = Stage("forecast")
    plan = with_learner(rules(min_rows=100_000), ASKED, stage, sample, SPAN)
    assert METHOD not in candidate_names(plan)
    assert "forecast.learner.min_rows" in str(stage.message)
    assert 0 == stage.rows["learner_rows"]


def test_of_a_history_no_longer_than_the_horizon_nothing_is_learnt(sample):
    short = Span(SPAN.first, SPAN.cutoff, N_PERIODS, SPAN.frequency)
    stage = Stage("forecast")
    assert METHOD not in candidate_names(with_learner(rules(), ASKED, stage, sample, short))
    assert stage.message


def test_switched_off_or_not_asked_for_nothing_is_trained(sample):
    stage = Stage("forecast")
    assert METHOD not in candidate_names(with_learner(rules(enabled=False), ASKED, stage, sample, SPAN))
    assert METHOD not in candidate_names(with_learner(rules(), PLAN, stage, sample, SPAN))
    assert not stage.rows
    assert stage.message is None
