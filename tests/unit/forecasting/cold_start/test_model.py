"""The prior of short histories, its update by sales, and the laws of demand that follow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skucast.forecasting.cold_start.model import REACH, ColdStartModel
from skucast.forecasting.cold_start.prior import (
    Scatter,
    VarianceSums,
    deviations,
    launch_law,
    level,
)
from tests.unit.forecasting.cold_start.model_reference import Prior, Seen, prior_of
from tests.unit.forecasting.reference import examples

LEVELS = np.array([0.01, 0.25, 0.5, 0.8, 0.95, 0.99])
NOTHING = VarianceSums(0, 0, 0, 0, 0)


def shop(n: int = 300, unit: float = 1.0) -> list[Seen]:
    """Mugs sell four times as much as jugs, dear ones less; one category of one series, some without category."""
    drawn = np.random.default_rng(4)
    made = []
    for number in range(n):
        category = ("mugs", "jugs", "")[number % 3] if number != 1 else "alone"
        price = float(drawn.uniform(1, 9)) if number % 5 else np.nan
        rate = (
            2.0
            * (4.0 if category == "mugs" else 1.0)
            * np.exp(drawn.normal(0, 0.8))
            * np.nan_to_num(price, nan=4.0) ** -0.5
        )
        periods = 14 if number % 4 else 1 + number % 13
        amounts = drawn.poisson(rate * drawn.gamma(2.0, 0.5, periods)) * unit
        made.append(Seen(category, price, periods < 14, amounts.tolist()))
    return made


PRIOR = prior_of(shop())
LAW = PRIOR.law


def test_the_prior_finds_what_the_shop_was_made_of():
    assert PRIOR.log_mean("mugs", np.nan) - PRIOR.log_mean("jugs", np.nan) == pytest.approx(np.log(4), abs=0.35)
    assert -0.8 < PRIOR.deviations.elasticity < -0.2
    assert PRIOR.deviations.spread == pytest.approx(0.9, abs=0.2)
    assert 1.0 == pytest.approx(LAW.weights.sum())
    assert PRIOR.log_mean("mugs", 8.0) < PRIOR.log_mean("mugs", 2.0)


def test_an_unknown_category_takes_the_level_of_all_and_one_series_hardly_moves_it():
    assert PRIOR.launched == PRIOR.log_mean("urns", 3.0)
    assert abs(PRIOR.effects["alone"]) < 0.7 * abs(np.log(np.mean(shop()[1].demand)) - PRIOR.launched)
    assert 0.0 == PRIOR.effects[""]


@examples
@given(st.floats(1e-3, 1e3), st.integers(0, 8), st.floats(0, 30))
def test_forecasts_turn_with_the_unit_of_measure(unit, n, sold):
    other, n_known = prior_of(shop(60, unit)), np.array([float(n)])
    ours = prior_of(shop(60)).law.posterior(
        np.array([prior_of(shop(60)).log_mean("mugs", 2.0)]), n_known, np.array([sold * n])
    )
    theirs = other.law.posterior(np.array([other.log_mean("mugs", 2.0)]), n_known, np.array([sold * n * unit]))
    np.testing.assert_allclose(ours.mean * unit, theirs.mean, rtol=1e-6)
    np.testing.assert_allclose(ours.sd(3) * unit, theirs.sd(3), rtol=1e-6)
    np.testing.assert_allclose(
        ours.quantiles(3, LEVELS) * unit, theirs.quantiles(3, LEVELS), rtol=1e-5, atol=1e-9 * unit
    )


@examples
@given(st.floats(-3, 5), st.integers(1, 8), st.floats(0, 200), st.floats(0.01, 50))
def test_more_sales_raise_the_mean_and_periods_without_lower_it(centre, n, sold, more):
    def mean(n, sold):
        return LAW.posterior(np.array([centre]), np.array([float(n)]), np.array([sold])).mean[0]

    assert mean(n, sold) <= mean(n, sold + more) + 1e-12
    assert mean(n + 1, sold) <= mean(n, sold) + 1e-12
    assert mean(n, 0.0) <= mean(0, 0.0)


@examples
@given(st.floats(-1, 3), st.floats(-2, 2))
def test_the_mean_goes_from_the_prior_to_the_own_mean(centre, away):
    """The own mean lies e^away times off the prior's median: so does the forecast in the end."""
    own = np.exp(centre + away)
    n = np.array([0.0, 1.0, 8.0, 100.0, 10_000.0])
    mean = LAW.posterior(np.full(5, centre), n, n * own).mean
    distance = np.abs(np.log(mean / own))
    assert distance[4] < 0.06
    assert distance[4] <= distance[3] + 0.05 <= distance[2] + 0.2
    assert min(own, mean[0]) * 0.6 <= mean[1] <= max(own, mean[0]) * 1.4


@examples
@given(
    st.lists(st.tuples(st.floats(-4, 6), st.integers(0, 8), st.floats(0, 500)), min_size=1, max_size=4),
    st.floats(0.1, 20),
)
def test_quantiles_rise_and_are_those_of_the_distribution(cases, noise):
    centre, n, sold = (np.array(each, dtype=np.float64) for each in zip(*cases, strict=True))
    posterior = replace(LAW, dispersion=noise).posterior(centre, n, np.where(n > 0, sold, 0.0))
    np.testing.assert_allclose(posterior.weights.sum(axis=1), 1.0)
    found = posterior.quantiles(4, LEVELS)
    assert (found >= 0).all()
    assert (np.diff(found, axis=1) >= 0).all()
    reached = posterior.distribution(4, found)
    np.testing.assert_allclose(np.where(found > 0, reached, LEVELS), np.tile(LEVELS, (len(cases), 1)), atol=0.01)
    assert not posterior.quantiles(0, LEVELS).any()
    # Each series by itself, as in company.
    alone = replace(LAW, dispersion=noise).posterior(centre[:1], n[:1], np.where(n > 0, sold, 0.0)[:1])
    np.testing.assert_allclose(alone.quantiles(4, LEVELS)[0], found[0])


@pytest.mark.parametrize(("rate", "periods"), [(0.2, 1), (0.2, 8), (3.0, 1), (3.0, 4), (40.0, 2)])
def test_the_law_of_a_sum_is_near_that_of_drawn_poisson_numbers_of_gamma_amounts(rate, periods):
    """Tweedie: N ~ Poisson(λ^(2-p)/((2-p)φ)) amounts of shape (2-p)/(p-1) and scale φ(p-1)λ^(p-1) per period."""
    phi, p, drawn = 1.7, 1.5, np.random.default_rng(1)
    posterior = replace(LAW.posterior(np.zeros(1), np.zeros(1), np.zeros(1)), dispersion=phi, power=p)
    posterior = replace(posterior, rates=np.array([[rate]]), weights=np.ones((1, 1)))
    events = drawn.poisson(periods * rate ** (2 - p) / ((2 - p) * phi), 200_000)
    sums = np.where(
        events > 0, drawn.gamma(np.maximum(events, 1) * (2 - p) / (p - 1), phi * (p - 1) * rate ** (p - 1)), 0
    )
    assert sums.mean() == pytest.approx(periods * posterior.mean[0], rel=0.02)
    assert sums.std() == pytest.approx(posterior.sd(periods)[0], rel=0.02)
    at = np.quantile(sums, [0.5, 0.8, 0.95, 0.99])
    expected = [(sums <= each).mean() for each in at]
    np.testing.assert_allclose(posterior.distribution(periods, at[None, :])[0], expected, atol=0.025)


def test_without_any_series_there_is_no_prior_and_with_one_there_is():
    with pytest.raises(ValueError, match="at least one series"):
        level((0.0, 0.0), (0.0, 0.0), NOTHING)
    for launched in (True, False):
        only = prior_of([Seen("mugs", 2.0, launched, [3.0, 5.0])])
        assert only.log_mean("mugs", 2.0) == pytest.approx(np.log(4))
        assert np.isfinite(only.law.posterior(np.array([1.0]), np.zeros(1), np.zeros(1)).quantiles(2, LEVELS)).all()
    assert np.inf == deviations(Scatter(1, 5.0, 25.0, 1.0, 3.0, 0.2, 0.0, 0.0)).category_weight


def test_constant_demand_everywhere_keeps_some_doubt():
    seen = [Seen("mugs", np.nan, False, [7.0] * 14) for _ in range(50)]
    prior: Prior = prior_of(seen)
    law: ColdStartModel = prior.law
    found = law.posterior(np.array([prior.log_mean("mugs", np.nan)]), np.zeros(1), np.zeros(1)).quantiles(1, LEVELS)[0]
    assert found[2] == pytest.approx(7.0, rel=0.1)
    assert found[-1] > 8.0


def test_bulk_orders_of_others_do_not_widen_a_launch():
    """Of an item that sold one unit in three weeks; three of forty others had a week of 2,000."""
    rng = np.random.default_rng(3)
    shop = [Seen("", np.nan, False, rng.poisson(rate, 14).astype(float).tolist()) for rate in np.geomspace(1, 40, 40)]
    bulky = [replace(each, demand=[*each.demand[:-1], 2000.0]) if n % 15 == 5 else each for n, each in enumerate(shop)]
    found = []
    for each in (prior_of(shop), prior_of(bulky)):
        posterior = each.law.posterior(np.array([each.log_mean("", np.nan)]), np.array([3.0]), np.array([1.0]))
        found.append(posterior.quantiles(3, np.array([0.95]))[0, 0])
    assert found[0] < 10
    assert found[1] < found[0] + 2


def test_launched_series_shape_the_deviations_where_there_are_many():
    far, near = np.zeros(2 * REACH + 1), np.zeros(2 * REACH + 1)
    far[REACH + 6], near[REACH] = 500.0, 500.0
    law = launch_law(level((500.0, 0.0), (500.0, 0.0), NOTHING), 1.0, (0.0, 0.0), far, near)
    assert REACH + 6 == np.argmax(law.weights)
    without = launch_law(level((0.0, 0.0), (500.0, 0.0), NOTHING), 1.0, (0.0, 0.0), 0 * far, near)
    assert REACH == np.argmax(without.weights)
