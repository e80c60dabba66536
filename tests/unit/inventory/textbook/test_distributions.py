"""Laws of demand against plain sums and integrals, and what holds for every law."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from skucast.inventory.textbook.distributions import (
    FAMILIES,
    Discrete,
    Gamma,
    NegativeBinomial,
    Normal,
    floats,
    poisson,
    probability_table,
    unit_normal_loss,
    unit_normal_second_loss,
)
from tests.unit.inventory.reference import examples

MEAN = st.floats(0.01, 300)
SPREAD = st.floats(0.05, 20)
SHARE = st.floats(0.001, 0.999)


def counted(law: NegativeBinomial) -> tuple[np.ndarray, np.ndarray]:
    """Units and probabilities as far as they matter."""
    units = np.arange(20_000)
    excess = float(law.variance - law.mean)
    if excess <= 0:
        return units, stats.poisson.pmf(units, law.mean)
    return units, stats.nbinom.pmf(units, law.mean**2 / excess, law.mean / law.variance)


@pytest.mark.parametrize(("mean", "variance"), [(7, 7), (4, 9), (0.6, 1.5), (0.02, 0.02), (120, 5000), (9, 3)])
@pytest.mark.parametrize("x", [-2.5, 0, 0.4, 1, 5, 7.5, 30, 400])
def test_losses_of_counts_are_their_sums(mean: float, variance: float, x: float) -> None:
    law = NegativeBinomial(floats(mean), floats(variance))
    units, p = counted(law)
    assert law.shortage(x) == pytest.approx(p @ np.maximum(units - x, 0), rel=1e-8, abs=1e-10)
    assert law.surplus(x) == pytest.approx(p @ np.maximum(x - units, 0), rel=1e-8, abs=1e-10)
    assert law.cdf(x) == pytest.approx(p[units <= x].sum(), abs=1e-10)


@pytest.mark.parametrize("x", [-3.0, 0.0, 0.7, 4.0, 11.0, 40.0])
@pytest.mark.parametrize("name", ["normal", "gamma"])
def test_losses_of_continuous_laws_are_integrals_of_their_tails(name: str, x: float) -> None:
    law = FAMILIES[name](floats(6.0), floats(18.0))
    above = integrate.quad(lambda at: 1 - law.cdf(at), x, 200, limit=200, points=[0.0] if x < 0 else None)[0]
    assert law.shortage(x) == pytest.approx(above, rel=1e-7, abs=1e-10)


@examples
@given(st.sampled_from(sorted(FAMILIES)), MEAN, SPREAD, st.floats(-5, 600))
def test_what_is_short_less_what_is_left_is_the_mean_less_the_stock(
    name: str, mean: float, ratio: float, x: float
) -> None:
    law = FAMILIES[name](floats(mean), floats(ratio * mean))
    short, left = law.shortage(x), law.surplus(x)
    assert short >= 0
    assert left >= 0
    assert short - left == pytest.approx(mean - x, abs=1e-9 * (1 + mean + abs(x)))
    assert short >= law.shortage(x + 1) - 1e-12


@examples
@given(st.sampled_from(sorted(FAMILIES)), MEAN, SPREAD, SHARE)
def test_the_quantile_is_the_first_that_reaches_the_share(name: str, mean: float, ratio: float, share: float) -> None:
    law = FAMILIES[name](floats(mean), floats(ratio * mean))
    x = law.quantile(share)
    if name == "negative_binomial":
        assert x == np.floor(x)
        assert law.cdf(x) >= share - 1e-12
        assert law.cdf(x - 1) < share
    elif x > 1e-300:  # a gamma law of tiny shape is at 0 in floats
        assert law.cdf(x) == pytest.approx(share, abs=1e-9)


@examples
@given(MEAN, st.floats(0, 600))
def test_the_negative_binomial_runs_into_poisson(mean: float, x: float) -> None:
    near = NegativeBinomial(floats(mean), floats(mean * (1 + 1e-7)))
    assert near.cdf(x) == pytest.approx(poisson(mean).cdf(x), abs=1e-5)
    assert near.shortage(x) == pytest.approx(poisson(mean).shortage(x), abs=1e-4)


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_certain_demand(name: str) -> None:
    law = FAMILIES[name](floats([0.0, 0.0]), floats([0.0, 0.0]))
    assert law.quantile(0.99).tolist() == [0, 0]
    assert law.shortage([0, -2]).tolist() == [0, 2]
    assert law.surplus([0, 3]).tolist() == [0, 3]
    assert law.cdf([0, -1]).tolist() == [1, 0]
    if name != "negative_binomial":
        known = FAMILIES[name](floats(5.0), floats(0.0))
        assert (known.quantile(0.1), known.shortage(3), known.surplus(9), known.cdf(4)) == (5, 2, 4, 0)


def test_unknown_stays_unknown_and_beside_the_rest() -> None:
    law = NegativeBinomial(np.array([np.nan, 3.0]), np.array([2.0, 4.0]))
    for answer in (law.quantile(0.9), law.shortage(2.0), law.cdf(1.0)):
        assert np.isnan(answer).tolist() == [True, False]


def test_negative_moments_are_named() -> None:
    with pytest.raises(ValueError, match="variance must be at least 0, found -1"):
        Normal(floats(3.0), floats([2.0, -1.0]))
    with pytest.raises(ValueError, match="mean must be at least 0"):
        Gamma(floats(-3.0), floats(1.0))


def test_normal_losses_hold_far_into_the_tail() -> None:
    """To 1e-6 of their size against the asymptotic series, where 1 - Phi(z) has no digits left."""
    z = 30.0
    series = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi) / z**2 * (1 - 3 / z**2 + 15 / z**4 - 105 / z**6)
    assert unit_normal_loss(z) == pytest.approx(series, rel=1e-6)
    found = integrate.quad(unit_normal_loss, 0.7, 12)[0]
    assert unit_normal_second_loss(0.7) == pytest.approx(found, rel=1e-9)


def test_a_table_of_probabilities_is_the_law_rounded_to_units() -> None:
    mean = np.array([[0.0], [0.3], [40.0]])
    table = probability_table(poisson(mean))
    np.testing.assert_allclose(table, stats.poisson.pmf(np.arange(table.shape[1]), mean), atol=1e-13)
    np.testing.assert_allclose(table.sum(axis=1), 1.0, rtol=1e-14)
    rounded = probability_table(Normal(floats(18.0), floats(9.0)))
    assert rounded[18] == pytest.approx(stats.norm.cdf(0.5 / 3) - stats.norm.cdf(-0.5 / 3))


@examples
@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=6), SHARE, st.floats(-1, 8))
def test_a_discrete_law_is_its_table(weights: list[float], share: float, x: float) -> None:
    p = np.array(weights) / sum(weights)
    law = Discrete(np.arange(p.size, dtype=float), p)
    assert law.shortage(x) == pytest.approx(sum(p[i] * max(i - x, 0) for i in range(p.size)))
    assert law.shortage(x) - law.surplus(x) == pytest.approx(law.mean - x)
    assert law.cdf(law.quantile(share)) >= share - 1e-9


def test_a_discrete_law_refuses_what_is_none() -> None:
    with pytest.raises(ValueError, match="values must ascend"):
        Discrete(np.array([1.0, 1.0]), np.array([0.5, 0.5]))
    with pytest.raises(ValueError, match="add up to 1"):
        Discrete(np.array([1.0, 2.0]), np.array([0.5, 0.4]))
