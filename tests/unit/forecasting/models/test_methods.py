"""The batched methods against plain loops, published vectors and laws that hold for all of them."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skucast.forecasting.models.registry import METHODS, Tier
from skucast.forecasting.models.smoothing import ALPHAS, smooth
from tests.unit.forecasting import reference
from tests.unit.forecasting.reference import FAST, examples, panel_of

NAN = np.nan
BATCHED = {method.name: method.fit for method in METHODS if method.tier == Tier.CHEAP}
DEMAND = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 6), st.integers(1, 14)),
    elements=st.sampled_from([NAN, 0.0, 0.0, 1.0, 2.0, 7.5]),
)


def test_the_registry_names_every_one_of_them():
    assert set(FAST) <= set(BATCHED)


@pytest.mark.parametrize("name", FAST)
@examples
@given(demand=DEMAND)
def test_a_method_does_what_the_loop_does(name, demand):
    """Whatever is unknown, and wherever."""
    panel = panel_of(demand, horizon=6, season_length=4)
    forecast = BATCHED[name](panel, {}).mean
    for row, start, found in zip(demand, panel.start, forecast, strict=True):
        if reference.known(row):
            np.testing.assert_allclose(
                found, reference.mean_forecasts(row, start, 4, 6, ALPHAS)[name], rtol=1e-12, atol=1e-12
            )


@pytest.mark.parametrize("name", FAST)
@examples
@given(demand=DEMAND, unit=st.sampled_from([1e-9, 0.25, 3.0, 1e12]))
def test_forecasts_turn_with_the_unit_of_measure(name, demand, unit):
    """0.25 is a power of two, so that alpha cannot flip on rounding; the others may move by rounding only."""
    ours = BATCHED[name](panel_of(demand), {}).mean
    scaled = BATCHED[name](panel_of(unit * demand), {}).mean
    if name != "ses" or unit == 0.25:
        np.testing.assert_allclose(scaled, unit * ours, rtol=1e-12)


@pytest.mark.parametrize("name", FAST)
@examples
@given(demand=DEMAND, seed=st.integers(0, 99))
def test_a_forecast_depends_on_its_own_series_only(name, demand, seed):
    """Bit for bit: alone, or in another order among others."""
    order = np.random.default_rng(seed).permutation(len(demand))
    together = BATCHED[name](panel_of(demand), {}).mean
    np.testing.assert_array_equal(BATCHED[name](panel_of(demand[order]), {}).mean, together[order])
    np.testing.assert_array_equal(BATCHED[name](panel_of(demand[:1]), {}).mean, together[:1])


@pytest.mark.parametrize("name", ["naive", "mean", "seasonal_naive", "ses", "croston", "tsb"])
def test_a_constant_is_forecast_as_itself(name):
    np.testing.assert_allclose(BATCHED[name](panel_of([[4.0] * 9], season_length=4), {}).mean, 4.0)


def test_croston_1972_and_syntetos_boylan_2005_by_hand():
    """Sizes 1, 2 and intervals 1, 4 smoothed by 0.1: 1.1 / 1.3."""
    panel = panel_of([[1, 0, 0, 0, 2, 0, 0]])
    np.testing.assert_allclose(BATCHED["croston"](panel, {}).mean[0], 1.1 / 1.3, rtol=1e-14)
    np.testing.assert_allclose(BATCHED["sba"](panel, {}).mean[0], 0.95 * 1.1 / 1.3, rtol=1e-14)


@examples
@given(hnp.arrays(np.float64, 12, elements=st.sampled_from([NAN, 0.0, 1.0, 5.0])), st.booleans())
def test_smoothing_is_what_the_loop_says(values, starts_as_mean):
    fit = smooth(values[None, :], ALPHAS, starts_as_mean=starts_as_mean)
    expected = [reference.ses(values, alpha, starts_as_mean=starts_as_mean) for alpha in ALPHAS]
    np.testing.assert_allclose(fit.level[0], [level for level, _, _ in expected], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(fit.squared_error[0], [squared for _, squared, _ in expected], rtol=1e-12, atol=1e-12)
    assert expected[0][2] == fit.n_errors[0]


def test_tsb_decays_when_an_item_dies_and_croston_does_not():
    alive = panel_of([[3.0] * 20])
    dead = panel_of([[3.0] * 20 + [0.0] * 20])
    assert BATCHED["tsb"](dead, {}).mean[0, 0] == pytest.approx(3.0 * 0.9**20)
    assert BATCHED["croston"](dead, {}).mean[0, 0] == BATCHED["croston"](alive, {}).mean[0, 0]


def test_seasonal_naive_repeats_the_last_season_and_looks_further_back_over_gaps():
    panel = panel_of([[1, 2, 3, 4, 5, NAN, 7, 8]], horizon=5, season_length=4)
    assert [[5, 2, 7, 8, 5]] == BATCHED["seasonal_naive"](panel, {}).mean.tolist()


def test_seasonal_naive_of_less_than_two_seasons_is_naive():
    panel = panel_of([[NAN, 1, 2, 3, 4, 5]], horizon=3, season_length=4)
    assert [[5, 5, 5]] == BATCHED["seasonal_naive"](panel, {}).mean.tolist()
