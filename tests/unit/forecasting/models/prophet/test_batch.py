"""The batched Prophet against the prophet package, its own optimality conditions and laws."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skucast.forecasting.models.external import prophet as library_prophet
from skucast.forecasting.models.prophet.batch import forecast, prophet_batched, prophet_components, solve
from skucast.forecasting.models.prophet.design import Designer, changepoint_places, standardised
from skucast.forecasting.models.prophet.settings import Fourier, ProphetSettings, Regressor
from skucast.forecasting.models.prophet.variance import step_variance, sum_variance
from skucast.forecasting.panel.panel import Panel
from tests.unit.forecasting.models.prophet import batch_reference as reference

NAN = np.nan
MODES = ("additive", "multiplicative")
MULTIPLY = ProphetSettings(seasonality_mode="multiplicative")
examples = settings(deadline=None)


def daily(demand, horizon=28, events=()):
    """Days from a Monday; each event is a list of periods, for all series."""
    demand = np.atleast_2d(np.array(demand, dtype=float))
    wide = (demand.shape[0], demand.shape[1] + horizon)
    known = ~np.isnan(demand)
    start = np.where(known.any(axis=1), np.argmax(known, axis=1), demand.shape[1])
    flags = {f"event{i}": np.zeros(wide, dtype=bool) for i in range(len(events))}
    for name, periods in zip(flags, events, strict=True):
        flags[name][:, list(periods)] = True
    return Panel(demand, np.zeros(wide, dtype=bool), start.astype(np.int64), date(2010, 11, 29), 1, 7, horizon, flags)


def sales(n_series, n_periods, seed=0):
    """Poisson demand with a week, a bend of the trend and gaps; never constant."""
    draw = np.random.default_rng(seed)
    t = np.arange(n_periods)
    level = 20 + np.maximum(t - n_periods // 2, 0) * 0.1
    demand = draw.poisson(level * (1 + 0.4 * np.sin(2 * np.pi * t / 7)), (n_series, n_periods)).astype(float)
    demand[draw.random(demand.shape) < 0.1] = NAN
    demand[:, [0, -1]] = [[3.0, 5.0]]
    return demand


@pytest.mark.parametrize(("period_days", "mode"), [(1, "additive"), (7, "additive"), (7, "multiplicative")])
def test_the_objective_is_never_above_that_of_stan(period_days, mode):
    panel = reference.online_retail(period_days, 4)
    fits = prophet_batched(panel, ProphetSettings(seasonality_mode=mode))
    assert fits.parameters["kkt"].max() < 1e-6
    for row in range(panel.n_series):
        theirs = reference.negative_log_posterior(reference.stock(panel, row, mode))
        assert fits.parameters["objective"][row] <= theirs + 1e-6


def test_without_one_day_of_the_week_factors_have_several_maxima_and_ours_are_better_than_stans_on_the_whole():
    panel = reference.online_retail(1, 4, least=60)
    assert Designer(panel, MULTIPLY).design(0).has_free_scale
    fits = prophet_batched(panel, MULTIPLY)
    theirs = [reference.negative_log_posterior(reference.stock(panel, row, "multiplicative")) for row in range(4)]
    assert fits.parameters["kkt"].max() < 1e-6
    assert fits.parameters["objective"].sum() <= sum(theirs)


@pytest.mark.shared
def test_the_objective_is_never_above_that_of_stan_over_years(shared):
    panel = reference.long_series(2, n_periods=900)
    fits = prophet_batched(panel)
    for row in range(panel.n_series):
        theirs = reference.negative_log_posterior(reference.stock(panel, row))
        assert fits.parameters["objective"][row] <= theirs + 1e-6


@pytest.mark.parametrize("mode", MODES)
def test_predictions_from_prophets_own_parameters_are_prophets(mode):
    """Two years of days with gaps, so that all seasons are on, and an event that returns in the horizon."""
    panel = daily(sales(1, 760), events=[(40, 400, 765)])
    model = reference.stock(panel, 0, mode)
    design = Designer(panel, ProphetSettings(seasonality_mode=mode)).design(0)
    theta = np.ascontiguousarray(reference.coefficients(model)[None, :])
    np.testing.assert_allclose(design.changepoints, model.changepoints_t, atol=1e-15)
    expected = model.predict(reference.ahead(panel))["yhat"]
    np.testing.assert_allclose(model.y_scale * forecast(design, theta)[0][0], expected, rtol=1e-8)


def test_flat_growth_has_prophets_objective_and_no_slope():
    panel = daily(sales(1, 60))
    fits = prophet_batched(panel, ProphetSettings(growth="flat"))
    theirs = reference.negative_log_posterior(reference.stock(panel, 0, growth="flat"))
    assert fits.parameters["objective"][0] == pytest.approx(theirs, abs=0.05)
    assert fits.parameters["objective"][0] <= theirs + 1e-6
    np.testing.assert_allclose(fits.sum_sd[0], fits.step_sd[0, 0] * np.sqrt(np.arange(1, 29)))


def plain_objective(design, theta, sigma, shares, tau=0.05):
    """From the formula, for either mode."""
    n, r = design.n_trend, design.n_ridge
    trend = design.columns[:, :n] @ theta[:n] + design.columns[:, r:] @ theta[r:]
    beta, is_factor = theta[n:r], design.is_factor
    mean = trend * (1 + design.effects[:, is_factor] @ beta[is_factor])
    mean = mean + design.effects[:, ~is_factor] @ beta[~is_factor]
    squares = np.sum((shares - mean) ** 2)
    value = shares.size * np.log(sigma) + squares / (2 * sigma**2) + 2 * sigma**2
    return (
        value + np.sum(theta[:n] ** 2) / 50 + np.sum((beta / design.prior_sd) ** 2) / 2 + np.abs(theta[r:]).sum() / tau
    )


@pytest.mark.parametrize("mode", MODES)
def test_no_step_along_a_coefficient_or_the_noise_improves_the_objective(mode):
    demand = sales(1, 120, seed=3) + np.maximum(np.arange(120) - 60, 0)
    chosen = ProphetSettings(seasonality_mode=mode)
    panel = daily(demand, events=[(40, 41)])
    design = Designer(panel, chosen).design(0)
    shares = demand[0][~np.isnan(demand[0])] / np.nanmax(demand)
    theta, summary = solve(design, shares[None, :], chosen)
    best = plain_objective(design, theta[0], summary[0, 0], shares)
    assert best == pytest.approx(summary[0, 1], abs=1e-9)
    assert np.count_nonzero(theta[0, design.n_ridge :]) >= 1
    for step in (-1e-3, -1e-5, 1e-5, 1e-3):
        assert plain_objective(design, theta[0], summary[0, 0] * (1 + step), shares) > best
        for i in range(theta.shape[1]):
            moved = theta[0] + step * (np.arange(theta.shape[1]) == i)
            assert plain_objective(design, moved, summary[0, 0], shares) > best


def test_a_bend_is_found_where_it_is():
    t = np.arange(300.0)
    demand = 50 + np.maximum(t - 120, 0) * 2 + np.random.default_rng(0).normal(0, 1, 300)
    fits = prophet_batched(daily(demand, horizon=10))
    np.testing.assert_allclose(fits.mean[0], 50 + (np.arange(300, 310) - 120) * 2, rtol=0.02)
    assert fits.parameters["n_changepoints"][0] >= 1


def test_the_law_of_steps_and_sums_is_that_of_prophets_simulation():
    """Its exact (not vectorised) sampler, with a slope law wide enough to matter; 4,000 paths."""
    panel = daily(sales(1, 90, seed=1), horizon=30)
    model = reference.stock(panel, 0, samples=4000)
    np.random.seed(1)  # noqa: NPY002 - Prophet draws from the global generator
    model.params["delta"] = np.full_like(model.params["delta"], 0.15)
    paths = model.predictive_samples(reference.ahead(panel), vectorized=False)["yhat"]
    design = Designer(panel, ProphetSettings()).design(0)
    sizes = (np.array([25.0]), np.array([0.15 + 1e-8]), np.ravel(model.params["sigma_obs"])[:1].astype(float))
    law = (design.time_ahead[None, :], *sizes, np.ones((1, 30)))
    for variance, found in ((step_variance(*law), paths), (sum_variance(*law), np.cumsum(paths, axis=0))):
        np.testing.assert_allclose(found.std(axis=1), model.y_scale * np.sqrt(variance[0]), rtol=0.06)
    assert model.y_scale * np.sqrt(sum_variance(*law)[0, -1]) > 1.5 * found[0].std() * np.sqrt(30)


def test_the_variance_of_a_sum_is_the_sum_of_covariances_with_factors():
    reach, factor = np.array([0.1, 0.25, 0.3, 0.7]), np.array([1.2, 0.5, 1.0, 2.0])
    low, high = np.minimum.outer(reach, reach), np.maximum.outer(reach, reach)
    covariance = 2 * 25 * 0.2**2 * (low**2 * high / 2 - low**3 / 6) * np.outer(factor, factor)
    law = (1 + reach[None], np.array([25.0]), np.array([0.2]), np.array([0.3]), factor[None])
    expected = [covariance[:h, :h].sum() + h * 0.09 for h in range(1, 5)]
    np.testing.assert_allclose(sum_variance(*law)[0], expected)
    np.testing.assert_allclose(step_variance(*law)[0], np.diag(covariance) + 0.09)


def test_changepoints_are_prophets_in_short_histories():
    assert changepoint_places(1, 25).size == 0
    np.testing.assert_array_equal(changepoint_places(2, 25), [1])
    np.testing.assert_array_equal(changepoint_places(20, 25), np.arange(1, 20))
    assert changepoint_places(200, 25).size == 25
    np.testing.assert_array_equal(changepoint_places(11, 4), [2, 5, 8, 10])


EDGES = {
    "constant": np.full(40, 7.0),
    "zero": np.zeros(40),
    "one value": np.r_[np.full(20, NAN), 5.0, np.full(19, NAN)],
    "two values": np.r_[np.full(20, NAN), 5.0, 6.0, np.full(18, NAN)],
    "three values": np.r_[np.full(20, NAN), 5.0, 6.0, 0.0, np.full(17, NAN)],
    "huge": 1e12 * (1 + np.arange(40) % 3),
    "tiny": 1e-12 * (1 + np.arange(40) % 3),
    "shift": np.r_[np.full(20, 1.0), np.full(20, 1000.0)],
    "alternating": np.where(np.arange(40) % 2, NAN, 3.0 + np.arange(40) % 5),
    "straight": np.arange(40.0),
    "week": 1.0 + np.arange(40) % 7,
    "spike": np.where(np.arange(40) == 30, 9.0, 0.0),
}


@pytest.mark.parametrize("mode", MODES)
def test_every_history_has_a_finite_forecast(mode):
    panel = daily(np.array(list(EDGES.values())), horizon=400, events=[(3,), (25, 60)])
    fits = prophet_batched(panel, ProphetSettings(seasonality_mode=mode))
    for values in (fits.mean, fits.step_sd, fits.sum_sd):
        assert np.isfinite(values).all()
    names = list(EDGES)
    np.testing.assert_array_equal(fits.mean[names.index("constant")], 7.0)
    np.testing.assert_array_equal(fits.mean[names.index("zero")], 0.0)
    np.testing.assert_array_equal(fits.mean[names.index("one value")], 5.0)


def test_without_any_known_value_there_is_no_forecast():
    fits = prophet_batched(daily([[NAN] * 20, list(range(20))]))
    assert np.isnan(fits.mean[0]).all()
    assert np.isnan(fits.sum_sd[0]).all()
    assert np.isfinite(fits.mean[1]).all()
    assert prophet_batched(daily(np.zeros((0, 20)))).mean.shape == (0, 28)


HISTORIES = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 4), st.integers(2, 40)),
    elements=st.sampled_from([NAN, 0.0, 0.0, 1.0, 2.0, 7.5]),
)


@pytest.mark.parametrize("mode", MODES)
@examples
@given(demand=HISTORIES, exponent=st.sampled_from([-40, -1, 3, 40]))
def test_forecasts_turn_with_the_unit_of_measure(mode, demand, exponent):
    chosen, unit = ProphetSettings(seasonality_mode=mode), 2.0**exponent
    ours, scaled = (prophet_batched(daily(each), chosen) for each in (demand, unit * demand))
    np.testing.assert_allclose(scaled.mean, unit * ours.mean, rtol=1e-9)
    np.testing.assert_allclose(scaled.sum_sd, unit * ours.sum_sd, rtol=1e-9)


@pytest.mark.parametrize("mode", MODES)
def test_a_forecast_depends_on_its_own_series_only(mode):
    """Bit for bit: alone, or in another order among others that share its known periods or do not."""
    demand = sales(7, 130)
    demand[2:6] = np.where(np.isnan(demand[1]), NAN, demand[2:6])
    demand[2:6] = np.where(np.isnan(demand[2:6]) & ~np.isnan(demand[1]), 4.0, demand[2:6])
    chosen, order = ProphetSettings(seasonality_mode=mode), np.array([3, 6, 0, 2, 5, 1, 4])
    together = prophet_batched(daily(demand), chosen)
    mixed = prophet_batched(daily(demand[order]), chosen)
    for name in ("mean", "step_sd", "sum_sd"):
        np.testing.assert_array_equal(getattr(mixed, name), getattr(together, name)[order])
        for row in range(7):
            alone = prophet_batched(daily(demand[[row]]), chosen)
            np.testing.assert_array_equal(getattr(alone, name)[0], getattr(together, name)[row])


def test_the_past_before_the_first_known_period_changes_nothing():
    demand = sales(1, 60)
    longer = np.hstack([np.full((1, 14), NAN), demand])
    panel = replace(daily(longer), first_day=date(2010, 11, 29) - timedelta(days=14))
    np.testing.assert_array_equal(prophet_batched(panel).mean, prophet_batched(daily(demand)).mean)


def test_an_event_and_its_window_are_learned_and_return():
    """Twice the demand at the event and half of it the day after."""
    demand = np.full(120, 10.0) + np.random.default_rng(0).normal(0, 0.1, 120)
    days = np.array([20, 50, 90])
    demand[days], demand[days + 1] = 20.0, 5.0
    panel = daily(demand, events=[(*days, 125)])
    mean = prophet_batched(panel, ProphetSettings(event_windows={"event0": (0, 1)})).mean[0]
    np.testing.assert_allclose(mean[[4, 5, 6, 7]], [10, 20, 5, 10], rtol=0.03)
    np.testing.assert_allclose(prophet_batched(panel).mean[0, 6], 10, rtol=0.1)


def test_a_regressor_and_a_season_of_ones_own_are_learned():
    t = np.arange(200)
    price = np.random.default_rng(1).normal(0, 3, 200)
    demand = 50 + 4 * price[:172] + 10 * np.sin(2 * np.pi * (t[:172] + 14942) / 30.5)
    chosen = ProphetSettings(weekly=False, seasons=(Fourier(30.5, 1),))
    panel = replace(daily(demand), drivers={"price": price[None]})
    expected = 50 + 4 * price[172:] + 10 * np.sin(2 * np.pi * (t[172:] + 14942) / 30.5)
    np.testing.assert_allclose(prophet_batched(panel, chosen).mean[0], expected, rtol=0.02)
    narrow = replace(chosen, regressors={"price": Regressor(prior_scale=1e-6)})
    assert np.abs(prophet_batched(panel, narrow).mean[0] - expected).max() > 1
    with pytest.raises(ValueError, match="unknown regressors weather; the drivers of the panel are price"):
        prophet_batched(panel, ProphetSettings(regressors={"weather": Regressor()}))


def test_collinear_regressors_share_their_effect_and_do_no_harm():
    price = np.random.default_rng(1).normal(0, 3, 148)
    drivers = {"price": price[None], "the same again": price[None], "in cents": 100 * price[None]}
    panel = replace(daily(60 + 4 * price[:120] + sales(1, 120)), drivers=drivers)
    kept = ProphetSettings(regressors={name: Regressor() for name in drivers})
    fits, alone = prophet_batched(panel, kept), prophet_batched(replace(panel, drivers={"price": price[None]}))
    assert fits.parameters["kkt"][0] < 1e-6
    np.testing.assert_allclose(fits.mean, alone.mean, rtol=1e-3)
    parts = prophet_components(panel, fits, kept)
    shares = [values[0] for name, values in parts.items() if name.startswith("driver")]
    assert len(shares) == 3
    np.testing.assert_allclose(shares[1:], [shares[0]] * 2, rtol=1e-6)


def test_the_package_learns_the_same_from_a_driver():
    price = np.random.default_rng(1).normal(0, 3, 148)
    panel = replace(daily(60 + 4 * price[:120] + sales(1, 120)), drivers={"price": price[None]})
    mean, _ = library_prophet.prophet(panel, {})
    np.testing.assert_allclose(prophet_batched(panel).mean[0], mean, rtol=0.03)


def test_regressors_are_standardised_but_flags_and_constants():
    known = np.arange(4)
    for values in ([0.0, 1, 1, 0, 5], [2.0, 2, 2, 2, 7]):
        np.testing.assert_array_equal(standardised(np.array(values), known), values)
    scaled = standardised(np.array([1.0, 2, 3, 4, 9]), known)
    assert scaled[:4].std(ddof=1) == pytest.approx(1)


def test_chosen_changepoints_outside_the_history_are_left_out():
    days = (date(2010, 1, 1), date(2010, 12, 29), date(2031, 1, 1))
    design = Designer(daily(sales(1, 61)), ProphetSettings(changepoints=days)).design(0)
    np.testing.assert_allclose(design.changepoints, [0.5])


def test_without_changepoints_the_slope_is_one_number():
    demand = 10 + np.arange(60.0) + np.random.default_rng(0).normal(0, 1, 60)
    fits = prophet_batched(daily(demand), ProphetSettings(n_changepoints=0))
    assert fits.parameters["n_changepoints"][0] == 0
    assert fits.parameters["trend"][0] == pytest.approx(59, rel=0.05)
    assert fits.sum_sd[0, -1] == pytest.approx(fits.step_sd[0, 0] * np.sqrt(28), rel=1e-6)


def test_drivers_that_say_the_same_share_one_effect():
    price = np.random.default_rng(1).normal(0, 3, 148)
    panel = replace(daily(60 + 4 * price[:120]), drivers={"price": price[None]})
    twice = replace(panel, drivers={"price": price[None], "again": 2 * price[None], "constant": np.ones((1, 148))})
    np.testing.assert_allclose(prophet_batched(twice).mean, prophet_batched(panel).mean, rtol=0.01)
