"""Demand in the law that was promised of it, whatever the law; what stock-outs hide; windows that do not overlap."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import gamma, nbinom, poisson

from tests.unit.forecasting.windows import LEVELS, drawn, past_of, windows_of


@pytest.mark.parametrize("law", [gamma(2.0, scale=5.0), poisson(20), poisson(0.5), nbinom(1, 0.3)])
def test_scores_have_mean_0_and_variance_at_most_1_if_the_promise_holds(law):
    """Of few pieces the mean is off 0 by as much as their probabilities lie off the middle between two levels."""
    scores = windows_of(drawn(law, 20_000, 1), law).scores
    assert abs(scores.mean()) < 0.15
    assert scores.var() < 1.02
    assert np.abs(scores).max() <= np.sqrt(3)


def test_of_a_continuous_law_the_mean_is_0():
    law = gamma(2.0, scale=5.0)
    scores = windows_of(drawn(law, 40_000, 1), law).scores
    assert abs(scores.mean()) < 0.02
    assert scores.var() > 0.9


def test_scores_of_lost_sales_have_mean_0_too():
    """What was sold is the smaller of demand and stock."""
    law = gamma(2.0, scale=5.0)
    demand, stock = drawn(law, 40_000, 1), drawn(gamma(2.0, scale=8.0), 40_000, 1, seed=2)
    scores = windows_of(np.minimum(demand, stock), law, is_known=demand < stock).scores
    assert abs(scores.mean()) < 0.02


def test_scores_by_hand():
    """Between the 0.9 and the 0.95 quantile; below all; above all; on the median; sold out at the median; sold 0."""
    law = gamma(2.0, scale=5.0)
    q = law.ppf(LEVELS)
    demand = [[(q[7] + q[8]) / 2, 0.0, 1e9, q[4], q[4], 0.0]]
    scores = windows_of(demand, law, is_known=np.array([[True, True, True, True, False, False]])).scores
    middles = np.array([[0.925, 0.0025, 0.995, 0.5, (0.375 + 1) / 2, 0.5]])
    np.testing.assert_allclose(scores, np.sqrt(12) * (middles - 0.5))


@given(
    lengths=st.lists(st.integers(0, 5), min_size=1, max_size=12),
    gone=st.sets(st.integers(0, 11)),
)
def test_windows_apart_are_the_newest_that_do_not_overlap(lengths, gone):
    demand = np.array([[np.nan if place in gone else 1.0 for place in range(len(lengths))]])
    windows = replace(windows_of(demand, poisson(3)), length=np.array([lengths]))
    kept, begins = [], 10**9
    for place in reversed(range(len(lengths))):
        if lengths[place] and place not in gone and place + lengths[place] <= begins:
            kept.append(place)
            begins = place
    assert sorted(kept) == np.flatnonzero(windows.apart().is_there[0]).tolist()


def test_what_is_hidden_counts_for_the_promise_unless_more_was_sold():
    law = poisson(20)
    q = law.ppf(LEVELS)
    windows = windows_of([[q[4] + 0.5, q[4] + 0.5]], law, is_known=np.array([[True, False]]))
    below, not_above = windows.covered()
    assert [0, 1, 1] == below[0, [4, 5, 10]].tolist()
    assert [0, 2, 2] == not_above[0, [4, 5, 10]].tolist()


def test_measures_add_up_and_service_is_that_of_the_reorder_point():
    law = poisson(20)
    demand = np.array([[25.0, 15.0, 30.0, np.nan], [20.0, 20.0, 20.0, 20.0]])
    known = np.array([[True, True, False, True], [True, True, True, True]])
    past = past_of(windows_of(demand, law, is_known=known))
    past = replace(past, reorder_point=np.full((2, 4), 24.0), cycle_service_level=np.full((2, 4), 0.95))
    found = past.measures()
    assert [2, 4] == found["n_forecasts"].tolist()
    assert [1, 0] == found["n_censored"].tolist()
    assert [40, 80] == found["actual_sum"].tolist()
    assert [0, 0] == found["error_sum"].tolist()
    assert [10, 0] == found["absolute_error_sum"].tolist()
    assert [50, 0] == found["squared_error_sum"].tolist()
    np.testing.assert_allclose([40, 80], found["promised_variance_sum"])
    assert [3, 4] == found["n_windows"].tolist()
    assert [2, 4] == found["n_cycles"].tolist()
    assert [1, 4] == found["cycles_served"].tolist()
    np.testing.assert_allclose([1.9, 3.8], found["cycles_promised"])
