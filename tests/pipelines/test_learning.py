"""Whether a run has a model over all series, and what its record says of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from skucast.config.forecast import Forecast
from skucast.forecasting.engine import candidate_names
from skucast.forecasting.learner import METHOD
from skucast.pipelines.learning import with_learner
from skucast.store.runs import Stage
from skucast.transforms.panel import Span
from tests.transforms.test_forecasting import HORIZON, N_PERIODS, PLAN, SPAN

pytestmark = pytest.mark.spark

NAMES = ("mean", METHOD)
ASKED = replace(PLAN, methods=NAMES, methods_by_class=dict.fromkeys(PLAN.methods_by_class, NAMES))
N_SERIES = 30


def rules(**learner: object) -> Forecast:
    return Forecast.model_validate({"learner": {"min_rows": 100, "rounds": 5, "min_leaf_rows": 10, **learner}})


@pytest.fixture(scope="module")
def inputs(spark: SparkSession) -> tuple[DataFrame, DataFrame, DataFrame]:
    rng = np.random.default_rng(6)
    days = [SPAN.first + (SPAN.cutoff - SPAN.first) / (N_PERIODS - 1) * t for t in range(N_PERIODS + HORIZON)]
    items = [f"item{number}" for number in range(N_SERIES)]
    demand = [(item, "L", day, float(rng.poisson(5)), False) for item in items for day in days[:N_PERIODS]]
    calendar = [("L", day, False, ["sale"] if place % 5 == 0 else []) for place, day in enumerate(days)]
    series = [(item, "L", SPAN.first, 0.0, 3) for item in items]
    key = "item_id string, location_id string"
    return (
        spark.createDataFrame(demand, f"{key}, period_start date, demand double, is_closed boolean"),
        spark.createDataFrame(
            calendar, "location_id string, period_start date, is_closed boolean, events array<string>"
        ),
        spark.createDataFrame(series, f"{key}, start date, revenue_share_before double, evaluation_span int"),
    )


def test_a_trained_model_joins_the_plan_and_its_cost_the_record(inputs):
    stage = Stage("forecast")
    plan = with_learner(rules(), ASKED, stage, inputs, SPAN, N_SERIES)
    first, last = plan.learner.models
    assert (N_PERIODS - HORIZON - (PLAN.origins - 1) * PLAN.origin_step, N_PERIODS) == (first, last)
    newest = plan.learner.models[last]
    assert ("sale",) == newest.known.events
    assert (N_SERIES, newest.n_rows) == (stage.rows["learner_series"], stage.rows["learner_rows"])
    assert stage.rows["learner_rows"] > 1_000
    assert stage.rows["learner_seconds"] >= 0
    assert stage.message is None
    assert METHOD in candidate_names(plan)


def test_with_too_little_to_learn_from_the_run_says_so_and_goes_on_without(inputs):
    stage = Stage("forecast")
    plan = with_learner(rules(min_rows=100_000), ASKED, stage, inputs, SPAN, N_SERIES)
    assert METHOD not in candidate_names(plan)
    assert "forecast.learner.min_rows" in str(stage.message)
    assert 0 == stage.rows["learner_rows"]


def test_of_a_history_no_longer_than_the_horizon_nothing_is_learnt(inputs):
    short = Span(SPAN.first, SPAN.cutoff, N_PERIODS, SPAN.frequency)
    stage = Stage("forecast")
    assert METHOD not in candidate_names(with_learner(rules(), ASKED, stage, inputs, short, N_SERIES))
    assert stage.message


def test_switched_off_or_not_asked_for_nothing_is_trained(inputs):
    stage = Stage("forecast")
    assert METHOD not in candidate_names(with_learner(rules(enabled=False), ASKED, stage, inputs, SPAN, N_SERIES))
    assert METHOD not in candidate_names(with_learner(rules(), PLAN, stage, inputs, SPAN, N_SERIES))
    assert not stage.rows
    assert stage.message is None
