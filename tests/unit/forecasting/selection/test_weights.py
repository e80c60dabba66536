"""Weights of a combination's members against the definition, and what they may know."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skucast.forecasting.selection.combination import WEIGHTED, errors_of_classes, reweighed
from skucast.forecasting.selection.weights import (
    CLASS_HORIZONS,
    CLASSES,
    MOST_SERIES,
    ClassErrors,
    Earlier,
    earlier_errors,
    member_weights,
)
from tests.unit.forecasting.reference import contest_of, examples, trials_of

NAN = np.nan


def random_trials(seed, n=4, origins=4, names=("ses", "ets", "adida"), horizon=5, step=2):
    """Random trials; in series 0 a step is unknown, series 1 has two origins only."""
    rng, k = np.random.default_rng(seed), len(names)
    origin = np.tile(20 + step * np.arange(origins), (n, 1))
    actuals = rng.poisson(6, (n, origins, horizon)).astype(float)
    forecasts = rng.uniform(0, 12, (n, origins, k, horizon))
    actuals[0, 1, 2] = NAN
    origin[1, :2], actuals[1, :2], forecasts[1, :2] = -1, NAN, NAN
    return trials_of(names, forecasts, actuals, origin=origin)


def slow_relative(trials, row, members, at):
    """Mean squared errors in units of their median and the steps they are of, one error after the other."""
    errors = {k: [] for k in members}
    for place, origin in enumerate(trials.origin[row]):
        for step in range(trials.actuals.shape[2]):
            if origin >= 0 and origin + step < at and trials.is_scored[row, place, step]:
                for k in members:
                    errors[k].append((trials.actuals[row, place, step] - trials.forecasts[row, place, k, step]) ** 2)
    means = [np.mean(errors[k]) if errors[k] else NAN for k in members]
    return np.array(means) / np.median(means), len(errors[members[0]])


def weights_of(trials, members, usual=1.0):
    return member_weights(earlier_errors(trials, members), members, np.full(1, usual))


@examples
@given(st.integers(0, 9999), st.integers(1, 6), st.floats(0.2, 3.0))
def test_weights_are_powers_of_inverse_squared_errors_drawn_to_those_of_the_class(seed, step, of_class):
    trials, horizon = random_trials(seed, step=step), 5
    members = np.array([[True] * 3, [True] * 3, [True, False, True], [False] * 3])
    usual = np.array([1.0, of_class, 2.0])
    weights = member_weights(earlier_errors(trials, members), members, usual)
    for row, those in enumerate(([0, 1, 2], [0, 1, 2], [0, 2])):
        for place, at in enumerate([*trials.origin[row].tolist(), 10_000]):
            relative, seen = slow_relative(trials, row, those, at)
            belief = CLASS_HORIZONS * horizon
            drawn = (np.nan_to_num(relative) * seen + belief * usual[those]) / (seen + belief)
            inverse = drawn ** -(seen / horizon + 1)
            np.testing.assert_allclose(weights[row, place, those], inverse / inverse.sum(), rtol=1e-9)
    assert (weights[2, :, 1] == 0).all()
    assert (weights[3] == 0).all()


@examples
@given(st.integers(0, 9999))
def test_an_origin_weighs_by_what_had_happened(seed):
    trials, members = random_trials(seed), np.ones((4, 3), dtype=bool)
    happened = trials.origin[:, :, None] + np.arange(5) < 24
    changed = replace(trials, actuals=np.where(happened, trials.actuals, 99.0 - trials.actuals))
    before, after = earlier_errors(trials, members), earlier_errors(changed, members)
    np.testing.assert_array_equal(before.relative[:, :3], after.relative[:, :3])
    sums = [ClassErrors.of(each, ["smooth"] * 4) for each in (before, after)]
    np.testing.assert_array_equal(sums[0].usual()[:, :3], sums[1].usual()[:, :3])
    assert np.abs(before.relative[:, 4] - after.relative[:, 4]).max() > 0


@examples
@given(st.integers(0, 9999), st.sampled_from([2.0**-20, 2.0**30]))
def test_weights_have_no_unit(seed, unit):
    trials, members = random_trials(seed), np.ones((4, 3), dtype=bool)
    scaled = replace(trials, actuals=unit * trials.actuals, forecasts=unit * trials.forecasts)
    np.testing.assert_allclose(weights_of(scaled, members), weights_of(trials, members), rtol=1e-9)


def test_perfect_members_share_and_a_useless_one_gets_next_to_nothing():
    trials, members = random_trials(3), np.ones((4, 3), dtype=bool)
    right = np.nan_to_num(trials.actuals)[:, :, None] + np.zeros((3, 1))
    np.testing.assert_allclose(weights_of(replace(trials, forecasts=right), members), 1 / 3)
    right[:, :, 2] += 1e3
    assert (weights_of(replace(trials, forecasts=right), members)[0, -1, 2] < 1e-9).all()


def test_what_is_usual_in_a_class_is_drawn_to_what_is_usual_in_all():
    relative = np.exp(np.tile([[0.7, -0.2, 0.0]], (9, 5, 1)))
    relative[6:] = np.exp([-0.3, 0.4, 0.1])
    relative[0, 0] = NAN
    found = ClassErrors.of(Earlier(relative, np.full((9, 5), 3), 5), ["lumpy"] * 6 + ["smooth"] * 3)
    of_all = (6 * 0.7 - 3 * 0.3) / 9
    lumpy = (6 * 0.7 + MOST_SERIES * of_all) / (6 + MOST_SERIES)
    np.testing.assert_allclose(np.log(found.usual()[CLASSES.index("lumpy"), 4, 0]), lumpy, atol=1e-9)
    np.testing.assert_allclose(np.log(found.usual()[CLASSES.index("erratic"), 4, 0]), of_all, atol=1e-9)
    assert found.count[CLASSES.index("lumpy"), 0].tolist() == [5, 5, 5]


def test_sums_do_not_depend_on_how_series_are_divided():
    rng = np.random.default_rng(1)
    relative, classes = rng.lognormal(0, 1, (40, 5, 3)), np.array(CLASSES)[rng.integers(0, 4, 40)]
    parts = (slice(None, 7), slice(7, None))
    whole, *halves = (
        ClassErrors.of(Earlier(relative[part], np.full((40, 5), 3)[part], 5), classes[part].tolist())
        for part in (slice(None), *parts)
    )
    np.testing.assert_array_equal(whole.log, halves[0].log + halves[1].log)
    np.testing.assert_array_equal(whole.count, halves[0].count + halves[1].count)


def random_contest(seed):
    """Members, the anchor and both kinds of combination; series 2 is without the weighted one."""
    trials = random_trials(seed, names=("mean", "ses", "ets", "combination_mean", WEIGHTED))
    mean = np.random.default_rng(seed).uniform(0, 12, (4, 5, 5))
    trials.forecasts[2, :, 4], mean[2, 4] = NAN, NAN
    classes = ["smooth", "smooth", "lumpy", "lumpy"]
    return contest_of(trials, demand_class=classes, mean=mean)


def test_a_reweighed_contest_changes_the_weighted_combination_and_nothing_else():
    contest = random_contest(4)
    errors = errors_of_classes(contest)
    assert errors.count[:, :, [0, 3, 4]].sum() == 0
    found = reweighed(contest, errors)
    np.testing.assert_array_equal(found.mean[:, :4], contest.mean[:, :4])
    np.testing.assert_array_equal(found.trials.forecasts[:, :, :4], contest.trials.forecasts[:, :, :4])
    np.testing.assert_allclose(
        found.mean[0, 4], found.weights[0, 1] * contest.mean[0, 1] + found.weights[0, 2] * contest.mean[0, 2]
    )
    assert np.isnan(found.mean[2, 4]).all()
    assert np.isnan(found.trials.forecasts[1, :2, 4]).all()
    alone = reweighed(contest, None)
    assert np.abs(found.weights - alone.weights).max() > 1e-3
    np.testing.assert_allclose(alone.trials.forecasts[0, 0, 4], contest.trials.forecasts[0, 0, 1:3].mean(axis=0))


def test_of_several_settings_of_a_method_only_the_best_is_weighed():
    trials = random_trials(6, names=("ses", "ses(lowest=0.6, highest=0.9)", "ets"))
    members, usual = np.ones((4, 3), dtype=bool), np.ones(1)
    earlier = earlier_errors(trials, members)
    every = member_weights(earlier, members, usual)
    found = member_weights(earlier, members, usual, ["ses", "ses", "ets"])
    assert ((found[..., :2] > 0).sum(axis=2) == 1).all()
    np.testing.assert_array_equal(found[..., :2].argmax(axis=2), every[..., :2].argmax(axis=2))
    np.testing.assert_allclose(found.sum(axis=2), 1.0)
    np.testing.assert_allclose(found[..., 2] / found[..., :2].max(axis=2), every[..., 2] / every[..., :2].max(axis=2))


def test_no_weighted_combination_lies_below_the_floor():
    contest = random_contest(4)
    floor = np.full((4, 5), 50.0)
    trials = replace(contest.trials, floor=np.full_like(contest.trials.floor, 40.0))
    found = reweighed(replace(contest, trials=trials, floor=floor), None)
    assert (found.mean[0, 4] == 50.0).all()
    assert (found.trials.forecasts[0, :, 4] == 40.0).all()
    np.testing.assert_array_equal(found.mean[:, :4], contest.mean[:, :4])
