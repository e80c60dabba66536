"""Combinations against the definition, and what they may know."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skucast.forecasting.combination import combined, combined_components, earlier_weights
from skucast.forecasting.trials import Trials
from tests.forecasting.reference import examples

NAN = np.nan


def trials_of(seed, n=4, origins=4, k=3, horizon=5, step=2):
    """Random trials; in series 0 a step is unknown, series 1 has two origins only."""
    rng = np.random.default_rng(seed)
    origin = np.tile(20 + step * np.arange(origins), (n, 1))
    actuals = rng.poisson(6, (n, origins, horizon)).astype(float)
    forecasts = rng.uniform(0, 12, (n, origins, k, horizon))
    actuals[0, 1, 2] = NAN
    origin[1, :2], actuals[1, :2], forecasts[1, :2] = -1, NAN, NAN
    once, group = np.ones(origin.shape), np.zeros(origin.shape, dtype=np.int64)
    return Trials(tuple("abc"), origin, forecasts, actuals, ~np.isnan(actuals), once, once, once, group)


def slow_weights(trials, row, members, at):
    """The definition, one error after the other."""
    horizon = trials.actuals.shape[2]
    errors = {k: [] for k in members}
    for place, origin in enumerate(trials.origin[row]):
        for step in range(horizon):
            if origin >= 0 and origin + step < at and trials.is_scored[row, place, step]:
                for k in members:
                    errors[k].append((trials.actuals[row, place, step] - trials.forecasts[row, place, k, step]) ** 2)
    seen = len(errors[members[0]])
    usual = np.median([np.mean(errors[k]) for k in members]) if seen else 1.0
    mean = {k: (sum(errors[k]) + horizon * usual) / (seen + horizon) for k in members}
    inverse = np.array([mean[k] ** (-seen / horizon) for k in members])
    return inverse / inverse.sum()


@examples
@given(st.integers(0, 9999), st.integers(1, 6))
def test_weights_are_powers_of_the_inverse_mean_squared_error_at_earlier_origins(seed, step):
    trials = trials_of(seed, step=step)
    members = np.array([[True] * 3, [True] * 3, [True, False, True], [False] * 3])
    weights = earlier_weights(trials, members)
    for row, those in enumerate(([0, 1, 2], [0, 1, 2], [0, 2])):
        for place, at in enumerate([*trials.origin[row].tolist(), 10_000]):
            np.testing.assert_allclose(weights[row, place, those], slow_weights(trials, row, those, at), rtol=1e-9)
    assert (weights[2, :, 1] == 0).all()
    assert (weights[3] == 0).all()


@examples
@given(st.integers(0, 9999))
def test_an_origin_weighs_by_what_had_happened(seed):
    trials, members = trials_of(seed), np.ones((4, 3), dtype=bool)
    before = earlier_weights(trials, members)
    happened = trials.origin[:, :, None] + np.arange(5) < 24
    changed = replace(trials, actuals=np.where(happened, trials.actuals, 99.0 - trials.actuals))
    after = earlier_weights(changed, members)
    np.testing.assert_array_equal(before[:, :3], after[:, :3])
    assert np.abs(before[:, 4] - after[:, 4]).min(axis=1).max() > 0


@examples
@given(st.integers(0, 9999), st.sampled_from([2.0**-20, 2.0**30]))
def test_weights_have_no_unit(seed, unit):
    trials, members = trials_of(seed), np.ones((4, 3), dtype=bool)
    scaled = replace(trials, actuals=unit * trials.actuals, forecasts=unit * trials.forecasts)
    np.testing.assert_allclose(earlier_weights(scaled, members), earlier_weights(trials, members), rtol=1e-9)


def test_perfect_members_share_and_a_useless_one_gets_next_to_nothing():
    trials, members = trials_of(3), np.ones((4, 3), dtype=bool)
    right = np.nan_to_num(trials.actuals)[:, :, None] + np.array([0.0, 0.0, 0.0])[:, None]
    equal = earlier_weights(replace(trials, forecasts=right), members)
    np.testing.assert_allclose(equal, 1 / 3)
    right[:, :, 2] += 1e3
    assert (earlier_weights(replace(trials, forecasts=right), members)[:, -1, 2] < 1e-3).all()


def test_combined_by_hand():
    forecasts = np.array([[[1.0], [2.0], [9.0]], [[1.0], [5.0], [NAN]], [[1.0], [NAN], [NAN]]])
    members = np.array([[True, True, True], [True, True, False], [True, False, False]])
    weights = np.array([[0.5, 0.5, 0.0], [0.25, 0.75, 0.0], [1.0, 0.0, 0.0]])
    found = combined(forecasts, members, weights)[:, :, 0]
    np.testing.assert_array_equal(found, [[4.0, 2.0, 1.5], [3.0, 3.0, 4.0], [NAN] * 3])


def test_components_of_means_are_the_members_in_their_shares_and_of_a_median_all_level():
    rng = np.random.default_rng(5)
    parts = {name: rng.normal(size=(3, 3, 4)) for name in ("level", "season")}
    members = np.array([[True, True, True], [True, True, False], [True, False, False]])
    parts["season"][1, 2] = NAN
    weights = np.where(members, [0.5, 0.3, 0.2], 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    mean = combined(sum(parts.values()), members, weights)
    found = combined_components(parts, members, weights, mean)
    np.testing.assert_allclose(found["level"] + found["season"], mean, atol=1e-12)
    np.testing.assert_allclose(found["season"][0, 0], parts["season"][0].mean(axis=0))
    np.testing.assert_allclose(found["season"][0, 2], [0.5, 0.3, 0.2] @ parts["season"][0])
    np.testing.assert_allclose(found["season"][1, 2], [0.625, 0.375] @ parts["season"][1, :2])
    assert (found["season"][:2, 1] == 0).all()
    assert np.isnan(found["level"][2]).all()
    assert combined_components({}, members, weights, mean) == {}
