"""The sums over segments against the rows themselves, and the search for the better of several maxima."""

import numpy as np
import pytest

from skucast.forecasting.models.prophet.batch import ProphetSettings, prophet_batched, solve
from skucast.forecasting.models.prophet.design import Designer, Fourier
from skucast.forecasting.models.prophet.product import fit_product
from skucast.forecasting.models.prophet.product_sums import (
    column_sums,
    curvature,
    demand_sums,
    evaluate,
    residuals,
    segments,
)
from tests.unit.forecasting.models.prophet.batch_reference import online_retail

MULTIPLY = ProphetSettings(seasonality_mode="multiplicative")


def mixed_design(panel, row=0):
    """Factors and one effect that adds."""
    seasons = (Fourier(30.5, 2, mode="additive"), Fourier(91.3, 1))
    settings = ProphetSettings(seasonality_mode="multiplicative", seasons=seasons)
    return Designer(panel, settings).design(row)


def of_sums(design, y, x):
    """Sum of squares, derivativeᵀ residuals and half the second derivative, from the sums over segments."""
    lines = np.ascontiguousarray(design.columns.T)
    begins = segments(lines, design.n_ridge)
    pairs, parts, rows = column_sums(lines, design.n_trend, design.n_ridge, begins)
    k, n_segments, n = pairs.shape[0], begins.size - 1, x.size
    wanted, flow, left = (np.zeros((k, powers, n_segments)) for powers in (2, 3, 2))
    line, slope, gram = np.zeros((2, n_segments)), np.zeros(n), np.zeros((n, n))
    whole = demand_sums(rows, begins, y, wanted)
    at = (pairs, parts, design.is_factor, design.n_trend)
    squares = evaluate(*at, wanted, whole, x, flow, left, line, slope)
    curvature(*at, np.arange(n), n, x, flow, left, line, gram, np.zeros(n))
    return squares, slope, gram


def of_rows(design, y, x):
    """The same from the rows, one coefficient after the other."""
    n, n_trend, n_ridge = x.size, design.n_trend, design.n_ridge
    is_trend = np.r_[np.ones(n_trend, bool), np.zeros(n_ridge - n_trend, bool), np.ones(n - n_ridge, bool)]
    is_factor = np.zeros(n, bool)
    is_factor[n_trend:n_ridge] = design.is_factor
    columns = design.columns
    trend = columns[:, is_trend] @ x[is_trend]
    factor = 1.0 + columns[:, is_factor] @ x[is_factor]
    is_added = ~is_trend & ~is_factor
    rest = y - trend * factor - columns[:, is_added] @ x[is_added]
    derivative = columns * np.where(is_trend, factor[:, None], np.where(is_factor, trend[:, None], 1.0))
    cross = columns.T @ (rest[:, None] * columns)
    bilinear = (is_trend[:, None] & is_factor) | (is_factor[:, None] & is_trend)
    return rest @ rest, derivative.T @ rest, derivative.T @ derivative - np.where(bilinear, cross, 0.0)


@pytest.mark.parametrize("period_days", [1, 7])
def test_sums_over_segments_are_those_over_rows(period_days):
    panel = online_retail(period_days, 2)
    design = mixed_design(panel)
    y = panel.demand[0, panel.is_known[0]] / np.nanmax(panel.demand[0])
    x = 0.1 * np.random.default_rng(0).normal(size=design.precision.size)
    expected = of_rows(design, y, x)
    for got, want in zip(of_sums(design, y, x), expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-10)
    slope = np.zeros(x.size)
    squares = residuals(np.ascontiguousarray(design.columns.T), design.is_factor, design.n_trend, x, y, slope)
    np.testing.assert_allclose(squares, expected[0], rtol=1e-12)
    np.testing.assert_allclose(slope, expected[1], rtol=1e-10, atol=1e-12)


def test_a_second_search_finds_the_better_maximum_of_larger_factors():
    panel = online_retail(1, 100)
    objectives = []
    for row in range(0, 100, 4):
        design = Designer(panel, MULTIPLY).design(row)
        y = panel.demand[row, panel.is_known[row]]
        shares = np.ascontiguousarray(y[None] / y.max())
        lines = np.ascontiguousarray(design.columns.T)
        assert design.has_free_scale
        found = [
            fit_product(
                lines, design.is_factor, design.n_trend, design.precision, 20.0, design.n_ridge, starts, shares
            )[1][0, 1]
            for starts in (1, 3)
        ]
        objectives.append(found)
    alone, both = np.array(objectives).T
    assert (both <= alone + 1e-6).all()
    assert (both < alone - 0.1).sum() >= 2


def test_the_conditions_hold_where_the_noise_is_almost_nothing():
    panel = online_retail(1, 2)
    design = Designer(panel, MULTIPLY).design(0)
    rng = np.random.default_rng(3)
    trend = 0.5 + 0.3 * design.time
    clean = trend * (1.0 + design.effects @ (0.02 * rng.normal(size=design.effects.shape[1])))
    noisy = clean + 1e-3 * rng.normal(size=clean.size)
    _, summary = solve(design, np.ascontiguousarray(noisy[None]), MULTIPLY)
    assert summary[0, 0] < 2e-3
    assert summary[0, 2] <= 1e-5


def test_one_series_of_many_has_the_coefficients_it_has_alone():
    panel = online_retail(1, 40)
    whole = prophet_batched(panel, MULTIPLY)
    for row in (0, 17, 39):
        alone = prophet_batched(panel.rows(np.array([row])), MULTIPLY)
        assert np.array_equal(alone.mean[0], whole.mean[row])
