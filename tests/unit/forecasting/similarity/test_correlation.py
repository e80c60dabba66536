"""Correlations beside pandas, pair by pair."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skucast.forecasting.similarity import correlation
from skucast.forecasting.similarity.correlation import FEWEST_CHANGES, changes, strongest_partners
from tests.unit.forecasting.reference import examples


def histories(seed: int, n: int = 9, n_periods: int = 40) -> np.ndarray:
    """Counts with gaps: one constant, one hardly known, two that move together."""
    rng = np.random.default_rng(seed)
    demand = rng.poisson(rng.uniform(0.2, 30, n)[:, None], (n, n_periods)).astype(float)
    demand[1] = 2 * demand[0]
    demand[2] = 7.0
    demand[rng.random(demand.shape) < 0.15] = np.nan
    demand[3, 10:] = np.nan
    return demand


def naive(values: np.ndarray, count: int) -> dict[tuple[int, int], tuple[float, int]]:
    frame = pd.DataFrame(values.T)
    pairs = frame.corr(min_periods=FEWEST_CHANGES)
    found = {}
    for own in frame:
        others = pairs[own].drop(own).dropna()
        for partner in others.abs().round(9).sort_values(ascending=False, kind="stable").index[:count]:
            found[own, partner] = (others[partner], int((frame[own].notna() & frame[partner].notna()).sum()))
    return found


@pytest.mark.parametrize("block", [256, 2])
@examples
@given(seed=st.integers(0, 500))
def test_partners_are_those_of_pandas(block: int, seed: int):
    values = changes(histories(seed))
    before, correlation.BLOCK = correlation.BLOCK, block
    try:
        series, partner, found, common = strongest_partners(values, 4)
    finally:
        correlation.BLOCK = before
    expected = naive(values, 4)
    assert list(expected) == list(zip(series.tolist(), partner.tolist(), strict=True))
    np.testing.assert_allclose(found, [value for value, _ in expected.values()], atol=1e-9)
    assert common.tolist() == [n for _, n in expected.values()]


def test_what_does_not_vary_or_is_hardly_known_has_no_partner():
    series, partner, _, _ = strongest_partners(changes(histories(1)), 8)
    assert not {2, 3} & {*series.tolist(), *partner.tolist()}


def test_the_unit_of_measure_does_not_matter():
    demand = histories(4)
    units = 10.0 ** np.arange(-4, 5)
    ours, theirs = (strongest_partners(changes(each), 3) for each in (demand, demand * units[:, None]))
    np.testing.assert_array_equal(ours[1], theirs[1])
    np.testing.assert_allclose(ours[2], theirs[2], atol=1e-9)
