"""Variances of sums against plain sums."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skucast.inventory.textbook import demand_variance as variance
from tests.unit.inventory.reference import examples

H = st.integers(1, 30)


@examples
@given(st.floats(0, 1), H)
def test_a_moving_level_adds_its_steps_to_all_that_follow(alpha: float, periods: int) -> None:
    """The error of step i moves the level of each later one by alpha: weights 1 + alpha (H - i)."""
    weights = [1 + alpha * (periods - i) for i in range(1, periods + 1)]
    assert variance.local_level_error_variance(alpha, periods) == pytest.approx(sum(w**2 for w in weights))


@examples
@given(st.floats(-1, 1.2), H)
def test_an_autoregression_adds_its_responses(phi: float, periods: int) -> None:
    responses = [sum(phi**i for i in range(j)) for j in range(1, periods + 1)]
    assert variance.autoregressive_error_variance(phi, periods) == pytest.approx(sum(r**2 for r in responses))


def test_many_items_at_once() -> None:
    found = variance.autoregressive_error_variance([0.5, -0.3, 0.0, 1.0], [7, 7, 3, 2])
    assert found == pytest.approx([21.395751953125, 4.473692600101, 3, 5])


def test_estimating_the_level_counts() -> None:
    assert variance.mean_error_variance(10, 5) == 7.5
    assert variance.smoothing_error_variance(0.0, 5) == 5
    draw = np.random.default_rng(1).normal(size=(200_000, 15))
    errors = draw[:, 10:].sum(axis=1) - 5 * draw[:, :10].mean(axis=1)
    assert errors.var() == pytest.approx(7.5, rel=0.02)


def test_demand_over_an_uncertain_lead_time() -> None:
    draw = np.random.default_rng(2)
    periods = draw.choice([7, 9, 11], 100_000, p=[0.25, 0.5, 0.25])
    demand = draw.normal(100 * periods, 20 * np.sqrt(periods))
    assert variance.protection_variance(100, 400, 9, 2) == pytest.approx(demand.var(), rel=0.02)
    assert variance.protection_variance(100, 400, 9, 2, 7) == 16 * 400 + 100**2 * 2
