"""Verdicts on series and classes, and what the next forecast does about them."""

import numpy as np
import pytest
from scipy.stats import norm, poisson

from skucast.forecasting.monitoring.class_review import ClassSums, added, review_class
from skucast.forecasting.monitoring.series_review import review_series
from skucast.forecasting.monitoring.verdict import ACTIONS, ReviewOutcome, Rules
from tests.unit.forecasting.windows import LEVELS, drawn, past_of, windows_of

RULES = Rules(min_windows=4, false_alarm_share=0.02, coverage_level=0.9, bounds=(0.7, 1.5))
LAW = norm(100, 10)


def verdict_of(demand, law=LAW, of_class=1.0):
    past = past_of(windows_of(np.atleast_2d(demand), law))
    found = review_series(past, np.full(past.factor.shape[0], of_class), RULES)
    return found.verdict[0], found.explanation[0], found.spread_factor[0]


STEADY = [95.0, 104.0, 99.0, 101.0, 108.0, 92.0] * 3


@pytest.mark.parametrize(
    ("demand", "expected", "said"),
    [
        (STEADY[:3], ReviewOutcome.TOO_FEW, "3 forecasts with demand after them, 4 are needed"),
        (STEADY, ReviewOutcome.STABLE, "as promised over 18 forecasts"),
        ([115.0] * 8, ReviewOutcome.BIASED_LOW, "biased low: mean score +4.2 over 8 forecasts (limit 2.7)"),
        ([85.0] * 8, ReviewOutcome.BIASED_HIGH, "biased high: mean score -4.2"),
        ([*STEADY, 125.0, 125.0, 125.0, 125.0], ReviewOutcome.DRIFTED, "drifted: demand lately above forecasts"),
        ([*STEADY, 75.0, 75.0, 75.0, 75.0], ReviewOutcome.DRIFTED, "drifted: demand lately below forecasts"),
        ([70.0, 130.0] * 8, ReviewOutcome.UNDER_COVERED, "demand of 8 of 16 windows not above the 0.9 quantile"),
    ],
)
def test_verdicts_by_hand(demand, expected, said):
    verdict, explanation, _ = verdict_of(demand)
    assert expected is verdict
    assert said in explanation


def test_a_series_that_is_miscovered_gets_a_wider_factor_than_its_class_and_the_others_that_of_the_class():
    _, _, wide = verdict_of([70.0, 130.0] * 8, of_class=1.1)
    assert 1.2 < wide <= 1.5
    assert verdict_of(STEADY, of_class=1.1)[2] == 1.1


def test_a_level_that_healed_is_not_held_against_the_forecast():
    assert verdict_of([*([125.0] * 3), *STEADY[:15]])[0] is ReviewOutcome.STABLE


@pytest.mark.parametrize("law", [LAW, poisson(20), poisson(0.5)])
def test_at_most_the_false_alarm_share_of_sound_series_is_flagged(law):
    past = past_of(windows_of(drawn(law, 10_000, 20), law))
    found = review_series(past, np.ones(10_000), RULES)
    assert np.mean([ACTIONS[each] != "none" for each in found.verdict]) < RULES.false_alarm_share


def class_of(demand, law=LAW):
    past = past_of(windows_of(demand, law))
    return review_class(ClassSums.of(past, np.ones(len(demand), dtype=bool)), LEVELS, RULES)


def test_a_class_that_keeps_its_promise_keeps_its_spread():
    found = class_of(drawn(LAW, 300, 12))
    assert (ReviewOutcome.STABLE, "none", 1.0) == (found.verdict, found.action, found.spread_factor)


def test_a_class_that_is_too_narrow_is_widened_as_far_as_there_is_evidence():
    wide = norm(100, 15)
    few, many = (class_of(drawn(wide, 300, weeks)) for weeks in (4, 40))
    assert (ReviewOutcome.UNDER_COVERED, "recalibrate") == (many.verdict, many.action)
    assert 1.0 < few.spread_factor < many.spread_factor <= many.fitted_factor
    assert many.fitted_factor == pytest.approx(1.5, rel=0.06)


def test_one_bad_week_of_all_series_is_no_bias_but_the_same_week_after_week_is():
    """A thousand errors of one week say little more than one: series err together."""
    shocks = np.random.default_rng(5).normal(0, 8, (400, 5))
    found = [class_of(drawn(LAW, 10, 5, seed) + shock).verdict for seed, shock in enumerate(shocks)]
    assert (
        np.mean([each in (ReviewOutcome.BIASED_LOW, ReviewOutcome.BIASED_HIGH) for each in found])
        < 2 * RULES.false_alarm_share
    )
    assert class_of(drawn(LAW, 300, 12) + 5).verdict is ReviewOutcome.BIASED_LOW
    assert class_of(drawn(LAW, 300, 12) - 5).verdict is ReviewOutcome.BIASED_HIGH


def test_sums_of_parts_are_the_sum_of_the_whole():
    past = past_of(windows_of(drawn(LAW, 40, 6), LAW))
    whole, parts = np.ones(40, dtype=bool), np.arange(40) % 3
    one = ClassSums.of(past, whole)
    other = added([ClassSums.of(past, parts == part) for part in (2, 0, 1)])
    for name in ("n_series", "below", "not_above", "n_halves", "scores", "n_scores"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for name, values in one.measures.items():
        np.testing.assert_allclose(values, other.measures[name])
