"""Training of the model over all series: what it learns, what it may know, and when there is none."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skucast.forecasting.engine.engine import forecast_panel
from skucast.forecasting.global_model.features import features
from skucast.forecasting.global_model.method import gradient_boosting
from skucast.forecasting.global_model.training import (
    METHOD,
    Learner,
    LearnerSettings,
    train,
    train_all,
    training_cutoffs,
)
from skucast.forecasting.global_model.trees import Growth, boosted
from skucast.forecasting.models.baselines import mean
from skucast.forecasting.models.registry import METHODS, learnt
from skucast.forecasting.panel.panel import Panel
from tests.unit.forecasting.reference import MONDAY, decided, plan_of

SMALL = LearnerSettings(max_series=500, max_rows=20_000, min_rows=200, growth=Growth(60, 8, 0.1, 30))
N_PERIODS, HORIZON = 60, 7


def untreated(demand):
    return demand


def shop(n_series: int = 120, seed: int = 4) -> Panel:
    """Short histories of days with one weekly pattern, promotions that triple demand, and levels far apart."""
    rng, width = np.random.default_rng(seed), N_PERIODS + HORIZON
    pattern = np.array([0.4, 0.5, 0.7, 1.0, 1.6, 2.2, 0.6])[np.arange(width) % 7]
    sale = rng.random((n_series, width)) < 0.1
    level = rng.lognormal(2.0, 1.0, (n_series, 1))
    demand = rng.poisson(level * pattern * np.where(sale, 3.0, 1.0)).astype(float)
    start = rng.integers(0, N_PERIODS - 20, n_series)
    demand[np.arange(width) < start[:, None]] = np.nan
    closed = np.zeros((n_series, width), dtype=bool)
    return Panel(demand[:, :N_PERIODS], closed, start, MONDAY, 1, 7, HORIZON, {"sale": sale}, (365,))


def learner_of(panel: Panel, *cutoffs: int) -> Learner:
    return train_all(panel, cutoffs, SMALL, untreated)


@pytest.fixture(scope="module")
def panel() -> Panel:
    return shop()


@pytest.fixture(scope="module")
def learner(panel: Panel) -> Learner:
    return learner_of(panel, 50, 60)


def assert_same(ours: Learner, theirs: Learner, cutoff: int) -> None:
    for name in ("roots", "feature", "threshold", "left", "right", "unknown_left", "value"):
        pair = (getattr(each.models[cutoff].trees, name) for each in (ours, theirs))
        np.testing.assert_array_equal(*pair)


def test_where_series_share_a_structure_it_is_learnt_by_the_shortest_of_them(panel, learner):
    """Of days and promotions, from items with as little as three weeks of history each."""
    known, actual = panel.until(50), panel.actuals(50)
    scale = features(known, learner.models[50].known).scale
    ours, theirs = gradient_boosting(known, learner).mean, mean(known).mean
    loss, other = (np.nanmean(np.abs(actual - each) / scale[:, None]) for each in (ours, theirs))
    assert loss < 0.6 * other
    chosen = decided(panel, replace(plan_of("mean", "ses", METHOD), learner=learner)).method
    assert chosen.count(METHOD) > 0.8 * len(chosen)


def test_the_kernel_predicts_what_the_library_predicts():
    from sklearn.ensemble import HistGradientBoostingRegressor

    rng = np.random.default_rng(1)
    inputs = np.where(rng.random((2_000, 6)) < 0.2, np.nan, rng.normal(size=(2_000, 6)))
    inputs[:, 4] = np.nan
    ratio, weight = rng.gamma(2.0, np.exp(np.nan_to_num(inputs[:, 0])) / 2), rng.uniform(0.5, 2.0, 2_000)
    trees = boosted(inputs, ratio, weight, Growth(30, 7, 0.1, 20))
    model = HistGradientBoostingRegressor(
        loss="poisson", max_iter=30, max_leaf_nodes=7, learning_rate=0.1, min_samples_leaf=20, early_stopping=False,
        random_state=1,
    ).fit(np.where(np.arange(6) == 4, 0.0, inputs), ratio, sample_weight=weight)  # fmt: skip
    other = np.where(rng.random((300, 6)) < 0.2, np.nan, rng.normal(size=(300, 6)))
    found = trees.predicted(other[:, :2], other[:, None, 2:])[:, 0]
    np.testing.assert_allclose(found, model.predict(np.where(np.arange(6) == 4, 0.0, other)), rtol=1e-12)


@pytest.mark.parametrize("unit", [2.0**-30, 2.0**40])
def test_models_are_blind_to_the_unit_and_forecasts_turn_with_it(panel, learner, unit):
    scaled = replace(panel, demand=unit * panel.demand)
    theirs = learner_of(scaled, 60)
    ours = gradient_boosting(panel, learner).mean
    np.testing.assert_allclose(gradient_boosting(scaled, theirs).mean, unit * ours, rtol=1e-6)


def test_nothing_after_a_cutoff_changes_its_model_or_what_it_forecasts(panel, learner):
    changed = panel.demand.copy()
    changed[:, 50:] = np.random.default_rng(9).poisson(900, changed[:, 50:].shape)
    other = replace(panel, demand=changed)
    theirs = learner_of(other, 50)
    assert_same(learner, theirs, 50)
    np.testing.assert_array_equal(
        gradient_boosting(panel.until(53), learner).mean, gradient_boosting(panel.until(53), theirs).mean
    )
    np.testing.assert_array_equal(
        gradient_boosting(panel.until(50), learner).mean, gradient_boosting(other.until(50), theirs).mean
    )


def test_a_capped_outlier_of_the_future_leaves_the_models_of_the_past_alone(panel):
    def capped(seen):
        limit = np.nanmean(seen.demand, axis=1, keepdims=True) * 2
        return replace(seen, demand=np.minimum(seen.demand, limit))

    changed = panel.demand.copy()
    changed[:, 50:] *= 100
    ours, theirs = (train_all(each, [50], SMALL, capped) for each in (panel, replace(panel, demand=changed)))
    assert_same(ours, theirs, 50)
    with pytest.raises(AssertionError):
        assert_same(ours, learner_of(panel, 50), 50)


def test_a_forecast_does_not_depend_on_company_or_order(panel, learner):
    order = np.random.default_rng(3).permutation(panel.n_series)
    together = gradient_boosting(panel, learner).mean
    np.testing.assert_array_equal(gradient_boosting(panel.rows(order), learner).mean, together[order])
    np.testing.assert_array_equal(gradient_boosting(panel.rows(order[:1]), learner).mean, together[order[:1]])


def test_dead_empty_and_unknown_histories_are_forecast_zero_or_not_at_all(panel, learner):
    demand = panel.demand[:4].copy()
    demand[0], demand[1], demand[2, 10:], demand[3] = 0.0, np.nan, 0.0, 7.0
    odd = replace(panel.rows(np.arange(4)), demand=demand, start=np.array([0, 60, 0, 0]))
    found = gradient_boosting(odd, learner).mean
    assert not found[0].any()
    assert np.isnan(found[1]).all()
    assert np.isfinite(found[[2, 3]]).all()
    assert (found[2] < 0.1 * np.nanmean(panel.demand[2])).all()


def test_a_bucket_without_an_event_that_was_learnt_is_forecast_as_if_it_never_came(panel, learner):
    never = replace(panel, events={"sale": np.zeros_like(panel.events["sale"])})
    absent = replace(panel, events={})
    np.testing.assert_array_equal(gradient_boosting(absent, learner).mean, gradient_boosting(never, learner).mean)


def test_with_too_few_rows_there_is_no_model_and_the_method_is_not_tried(panel):
    assert train(panel, 60, replace(SMALL, min_rows=10**6), untreated) is None
    few = panel.rows(np.arange(2))
    assert train(few, 60, replace(SMALL, min_rows=5_000), untreated) is None
    result = decided(few, plan_of("mean", "ses", METHOD))
    assert set(result.method) <= {"mean", "ses"}
    assert {"fitted"} == set(result.status)


def test_without_any_demand_there_is_no_model(panel):
    assert train(replace(panel, demand=np.zeros_like(panel.demand)), 60, SMALL, untreated) is None


def test_an_origin_uses_the_newest_model_that_knew_no_more(learner):
    assert learner.at(49) is None
    assert [50, 50, 60] == [learner.at(n).cutoff for n in (50, 59, 60)]


@given(st.integers(1, 200), st.integers(1, 30), st.integers(3, 12), st.integers(1, 20))
def test_cutoffs_rise_lie_a_horizon_apart_and_serve_every_origin(n_periods, horizon, origins, step):
    found = training_cutoffs(n_periods, horizon, origins, step)
    own = [n_periods - horizon - step * back for back in range(origins)]
    assert n_periods == found[-1]
    assert set(found[:-1]) <= set(own)
    assert all(later - earlier >= horizon for earlier, later in pairwise(found))
    for origin in [each for each in own if each > 0]:
        assert any(0 <= origin - cutoff < max(horizon, 1) for cutoff in found)


def test_a_bounded_sample_takes_every_series_at_some_origin(panel):
    most = replace(SMALL, max_rows=3_000)
    model = train(panel, 60, most, untreated)
    assert model.n_series > 0.9 * panel.n_series
    assert model.n_rows <= most.max_rows + panel.n_series * HORIZON


def test_the_registry_has_the_method_once_and_the_plan_its_models(panel, learner):
    assert 1 == sum(method.name == METHOD for method in METHODS)
    assert METHOD == learnt(learner).name
    plan = replace(plan_of("mean", METHOD), learner=learner)
    fits = forecast_panel(panel, plan, np.zeros(panel.n_series))
    place = fits.contest.trials.names.index(METHOD)
    tried = fits.contest.trials.is_tried[:, place]
    assert tried.all()
    np.testing.assert_allclose(
        fits.contest.mean[:, place], np.maximum(gradient_boosting(panel, learner).mean, 0.0), rtol=1e-12
    )
    without = plan.without(METHOD)
    assert METHOD not in (*without.methods, *(name for listed in without.methods_by_class.values() for name in listed))


def test_a_bulk_order_teaches_no_more_than_a_large_one(panel):
    large, huge = panel.demand.copy(), panel.demand.copy()
    large[3, 58], huge[3, 58] = 1e6, 1e9
    ours, theirs = (learner_of(replace(panel, demand=each), 60) for each in (large, huge))
    assert_same(ours, theirs, 60)
