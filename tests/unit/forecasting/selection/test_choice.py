"""When the weighted combination keeps its place, and what the table says of it."""

from dataclasses import replace

import numpy as np
import pytest

from skucast.forecasting.selection.choice import INCUMBENT, PINBALL, RMSSE, SelectionRule, choose, verdicts
from skucast.forecasting.uncertainty.dispersion import Dispersion
from tests.unit.forecasting import reference
from tests.unit.forecasting.reference import trials_of, unlearned_law

LAW = unlearned_law((), 2)
"""RMSSE asks nothing of it."""


def contest_of(errors, names):
    """A series per row of its candidates' errors, NaN if untried, at two origins of two steps; naive ones err by 1."""
    errors = np.array(errors, dtype=float)
    n, k = errors.shape
    forecasts = 5.0 + np.broadcast_to(errors[:, None, :, None], (n, 2, k, 2))
    trials = trials_of(names, forecasts, np.full((n, 2, 2), 5.0), origin=np.tile([8, 10], (n, 1)))
    return reference.contest_of(trials)


@pytest.mark.parametrize(
    ("margin", "expected"),
    [(0.0, ["ses", "ses", "ses"]), (0.1, [INCUMBENT, "ses", "ses"]), (0.5, [INCUMBENT, INCUMBENT, "ses"])],
)
def test_the_incumbent_gives_way_to_what_saves_the_margin(margin, expected):
    contest = contest_of([[9, 0.95, 1.0], [9, 0.8, 1.0], [9, 0.8, np.nan]], ("mean", "ses", INCUMBENT))
    assert list(choose(contest, LAW, SelectionRule(RMSSE, 0.0, 3, margin)).method) == expected


def test_without_the_incumbent_the_lowest_is_chosen_whatever_the_margin():
    contest = contest_of([[2.0, 1.99]], ("mean", "ses"))
    assert choose(contest, LAW, SelectionRule(RMSSE, 0.0, 3, 0.5)).method == ("ses",)


def test_the_reason_says_that_another_was_lower_but_not_clearly():
    contest, criterion = (
        contest_of([[9, 0.95, 1.0], [9, 1.2, 1.0]], ("mean", "ses", INCUMBENT)),
        SelectionRule(RMSSE, 0, 3, 0.1),
    )
    (_, kept), (_, lowest) = verdicts(contest, choose(contest, LAW, criterion), criterion)
    assert kept == "RMSSE over 2 origins: 1.00; kept, as ses 0.95 is not clearly lower"
    assert lowest == "lowest RMSSE over 2 origins: 1.00 (ses 1.20)"


def test_a_champion_that_is_kept_stays_as_long_as_it_is_a_candidate():
    """The second series no longer tries it; the third has none to keep."""
    contest = contest_of([[0.1, 2.0], [0.1, np.nan], [0.1, 2.0]], ("mean", "ses"))
    found = choose(replace(contest, kept=np.array([1, 1, -1])), LAW, SelectionRule(RMSSE, 0.0, 3))
    assert ("ses", "mean", "mean") == found.method
    assert [True, False, False] == found.is_kept.tolist()
    assert found.is_scored.all()


def test_a_series_that_is_due_leaves_the_incumbent_for_whatever_is_better():
    contest = contest_of([[9, 0.95, 1.0]] * 2, ("mean", "ses", INCUMBENT))
    found = choose(replace(contest, is_due=np.array([True, False])), LAW, SelectionRule(RMSSE, 0.0, 3, 0.5))
    assert ("ses", INCUMBENT) == found.method


def test_by_pinball_the_candidate_whose_own_distribution_loses_least_is_chosen():
    """Losses follow the mean and the spread of the series; a candidate that was not tried is never chosen."""
    contest = contest_of([[0.1, 2.0], [np.nan, 2.0], [3.0, 0.2]], ("mean", "ses"))
    found = choose(contest, unlearned_law(("mean", "ses"), 2), SelectionRule(PINBALL, 0.0, 3))
    assert ("mean", "ses", "ses") == found.method
    assert np.isinf(found.scores[1, 0])
    nothing = Dispersion(*(np.full((3, 2), np.nan) for _ in range(3)))
    unknown = replace(contest, trials=replace(contest.trials, dispersion=nothing))
    again = choose(unknown, unlearned_law(("mean", "ses"), 2), SelectionRule(PINBALL, 0.0, 3))
    assert ("mean", "ses", "ses") == again.method
