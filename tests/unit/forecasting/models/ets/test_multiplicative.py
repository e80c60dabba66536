"""Multiplicative exponential smoothing: against the additive forms on logarithms, simulation and known growth."""

import numpy as np
import pytest

from skucast.forecasting.models.ets.ets import ets
from skucast.forecasting.models.ets.multiplicative import LARGEST_RATIO, ets_multiplicative
from tests.unit.forecasting.models.ets.test_ets import demand
from tests.unit.forecasting.reference import panel_of

NAN = np.nan


def growing(seed, n=72, sigma=0.05):
    """6 % growth a quarter, places of the season that differ by a factor, errors in per cent."""
    rng, t = np.random.default_rng(seed), np.arange(n)
    return 20 * 1.015**t * np.array([1.0, 1.3, 0.8, 0.9])[t % 4] * np.exp(rng.normal(0, sigma, n))


def logs_of(values):
    unit = 2.0 ** np.frexp(np.nanmax(values))[1]
    return -np.log(values / unit), unit


def test_without_errors_it_continues_a_geometric_pattern():
    values = growing(1, sigma=0.0)
    fit = ets_multiplicative(panel_of([values[:60]], horizon=8, season_length=4))
    np.testing.assert_allclose(fit.mean[0], values[60:68], rtol=1e-6)


@pytest.mark.parametrize("gap", [0, 3])
def test_the_law_is_that_of_simulated_logarithms(gap):
    """Paths of the fitted form, begun at its last states; first states counted by the widening that ets found."""
    values = growing(2)
    values[len(values) - gap :] = NAN
    logs, unit = logs_of(values)
    on_logs = ets(panel_of([logs], horizon=6, season_length=4))
    found = {name: float(value[0]) for name, value in on_logs.parameters.items()}
    fit = ets_multiplicative(panel_of([values], horizon=6, season_length=4))
    assert fit.parameters["is_multiplicative"][0] == 1
    draws = np.random.default_rng(3).normal(0, found["sigma"], size=(6 + gap, 100_000))
    paths, growth = np.zeros_like(draws), np.zeros_like(draws[0])
    level, places = np.zeros_like(draws[0]), np.zeros((int(found["season_length"]), draws.shape[1]))
    for t, error in enumerate(draws):
        place = t % len(places)
        paths[t] = level + found["phi"] * growth + places[place] + error
        level = level + found["phi"] * growth + found["alpha"] * error
        growth = found["phi"] * growth + found["beta"] * error
        places[place] += found["gamma"] * error
    units = unit * np.exp(-(on_logs.mean[0][:, None] + paths[gap:]))
    np.testing.assert_allclose(fit.mean[0], units.mean(axis=1), rtol=0.01)
    lower = np.cumsum(units, axis=0).std(axis=1)
    assert (fit.sum_sd[0] >= 0.97 * lower).all()
    assert (fit.sum_sd[0] <= 1.5 * lower).all()
    assert (fit.step_sd[0] >= 0.97 * units.std(axis=1)).all()


def test_its_aicc_is_that_of_the_values_by_the_density_of_a_logarithmic_normal():
    """Difference of the AICc of both forms = difference of 2k(...)-penalised log densities, computed anew here."""
    values = growing(4)
    logs, unit = logs_of(values)
    panel = panel_of([values], season_length=4)
    on_logs = ets(panel_of([logs], season_length=4))
    n, log_unit = values.size, np.log(2.0 ** np.frexp(logs.max())[1])
    density_of_logs = on_logs.parameters["aicc"][0] + 2 * n * log_unit  # n log SSE + penalty, SSE of the logs
    expected = density_of_logs + 2 * np.sum(np.log(values / unit))
    assert ets_multiplicative(panel).parameters["aicc"][0] == pytest.approx(expected)


def test_its_aicc_tells_growth_in_per_cent_from_growth_in_units():
    t = np.arange(72)
    flat = 60 + 6 * np.array([1.0, -1.0, 0.5, -0.5])[t % 4] + 0.7 * t + np.random.default_rng(5).normal(0, 2.0, t.size)
    panel = panel_of([growing(6, sigma=0.1), flat], season_length=4)
    multiplied, added = ets_multiplicative(panel).parameters["aicc"], ets(panel).parameters["aicc"]
    assert multiplied[0] < added[0]
    assert multiplied[1] > added[1]


def test_where_it_is_not_stable_it_is_the_additive_form():
    with_zero, wide = demand(1), growing(7)
    with_zero[5], wide[3] = 0.0, wide.max() / (2 * LARGEST_RATIO)
    panel = panel_of([with_zero, np.resize(wide, with_zero.size), [NAN] * (with_zero.size - 3) + [2.0, 3.0, 4.0]])
    multiplied, added = ets_multiplicative(panel), ets(panel)
    assert multiplied.parameters["is_multiplicative"].tolist() == [0, 0, 0]
    for name in ("mean", "step_sd", "sum_sd"):
        np.testing.assert_array_equal(getattr(multiplied, name), getattr(added, name))


def test_forecasts_turn_with_the_unit():
    rows = np.array([growing(seed) for seed in range(6)])
    ours, scaled = (ets_multiplicative(panel_of(c * rows, horizon=7, season_length=4)) for c in (1.0, 2.0**-30))
    np.testing.assert_array_equal(scaled.mean, 2.0**-30 * ours.mean)
    np.testing.assert_array_equal(scaled.sum_sd, 2.0**-30 * ours.sum_sd)
    other = ets_multiplicative(panel_of(3.7 * rows, horizon=7, season_length=4))
    np.testing.assert_allclose(other.mean, 3.7 * ours.mean, rtol=1e-3)
