"""Demand that stock-outs hid: against known truth, against plain loops, and the laws of data that are an estimate."""

from __future__ import annotations

import math
from dataclasses import replace

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nbinom, poisson

from skucast.forecasting.panel.panel import Panel
from skucast.forecasting.stock_outs.estimate import as_data, hidden, recovered
from skucast.forecasting.stock_outs.timed_kernel import VARIABILITIES
from skucast.forecasting.stock_outs.untimed_kernel import tail
from skucast.forecasting.uncertainty.error_scale import spread_scale
from tests.unit.forecasting.reference import decided, examples, panel_of, plan_of
from tests.unit.forecasting.stock_outs import estimate_reference as reference
from tests.unit.forecasting.stock_outs.estimate_reference import cut_short, simulated

NAN = np.nan


@st.composite
def histories(draw, least=0.0):
    """Few series of small counts in which any period may have run out, at any time or at an unknown one."""
    shape = (draw(st.integers(1, 4)), draw(st.integers(1, 14)))
    sold = draw(hnp.arrays(np.float64, shape, elements=st.sampled_from([0.0, 0.0, 1.0, 3.0, 8.0, 40.0])))
    exposure = draw(hnp.arrays(np.float64, shape, elements=st.sampled_from([1.0, 1.0, NAN, least, 0.25, 0.5, 0.9])))
    return cut_short(sold, exposure, season_length=3)


@examples
@given(panel=histories())
def test_what_is_known_stays_and_what_ran_out_is_never_below_what_was_sold(panel):
    found = recovered(panel)
    np.testing.assert_array_equal(found.demand[panel.is_known], panel.demand[panel.is_known])
    assert (found.sd[panel.is_known] == 0).all()
    part, empty = panel.is_partial, panel.is_censored & ~panel.is_partial
    for values in (found.demand, found.draw):
        assert (values[part] >= panel.lower_bound[part]).all()
        assert np.isfinite(values[part]).all()
        assert np.isnan(values[empty]).all()
    np.testing.assert_allclose(found.demand[part] - panel.lower_bound[part], found.lost[part], atol=1e-9)
    assert (found.lost[~panel.is_censored] == 0).all()


@examples
@given(panel=histories(least=0.1))
def test_rates_and_expectations_are_those_of_plain_loops(panel):
    """Where the time of every stock-out is known there is nothing to iterate but level, season and dispersion."""
    timed = replace(panel, exposure=np.where(panel.is_censored & np.isnan(panel.exposure), 0.5, panel.exposure))
    found = recovered(timed)
    for row in range(timed.n_series):
        if timed.is_censored[row].any():
            expected = reference.expected_demand(timed.sold[row], timed.exposure[row], 3, seasons=3)
            np.testing.assert_allclose(found.demand[row], expected, rtol=1e-7)


@examples
@given(panel=histories(), unit=st.sampled_from([2.0**-20, 2.0, 2.0**30]))
def test_recovery_turns_with_the_unit_of_measure(panel, unit):
    ours = recovered(panel)
    scaled = recovered(replace(panel, demand=unit * panel.demand, lower_bound=unit * panel.lower_bound))
    for name in ("demand", "sd", "lost", "draw"):
        np.testing.assert_array_equal(getattr(scaled, name), unit * getattr(ours, name))


@examples
@given(panel=histories(), seed=st.integers(0, 99))
def test_a_series_is_recovered_the_same_in_any_company(panel, seed):
    order = np.random.default_rng(seed).permutation(panel.n_series)
    together, shuffled = recovered(panel), recovered(panel.rows(order))
    alone = recovered(panel.rows(np.array([0])))
    for name in ("demand", "sd", "lost", "draw"):
        np.testing.assert_array_equal(getattr(shuffled, name), getattr(together, name)[order])
        np.testing.assert_array_equal(getattr(alone, name)[0], getattr(together, name)[0])


@pytest.mark.parametrize(("mean", "variability"), [(2.0, 0.0), (10.0, 0.0), (10.0, 0.5), (50.0, 0.5), (3.0, 0.4)])
@pytest.mark.parametrize("stock", [0.9, 1.3])
def test_the_mean_is_recovered_without_bias_where_demand_exhausts_a_stock_level(mean, variability, stock):
    demand, panel = simulated(150, 90, mean, variability, stock)
    found, part = recovered(panel), panel.is_partial
    as_is = panel.sold.mean() / demand.mean() - 1
    dropped = np.nanmean(panel.demand) / demand.mean() - 1
    recovery = found.demand.mean() / demand.mean() - 1
    assert max(as_is, dropped) < -0.07
    assert abs(recovery) < 0.035
    assert abs(found.draw.mean() / demand.mean() - 1) < 0.04
    # Calibrated: squared errors are as large as said, and what is drawn spreads as demand does.
    squared = ((found.demand - demand)[part] ** 2).mean()
    assert 0.75 < squared / (found.sd[part] ** 2).mean() < 1.25
    assert 0.9 < found.draw.var() / demand.var() < 1.25
    assert found.demand.var() < found.draw.var()


@pytest.mark.parametrize(("mean", "stock"), [(10.0, 1.3), (10.0, 0.9), (50.0, 1.1)])
def test_of_an_unknown_time_the_tail_beyond_what_was_sold_is_expected(mean, stock):
    demand, panel = simulated(100, 90, mean, 0.0, stock)
    found = recovered(replace(panel, exposure=None))
    assert panel.sold.mean() / demand.mean() - 1 < -0.03
    assert abs(found.demand.mean() / demand.mean() - 1) < 0.02


@pytest.mark.parametrize(
    ("mean", "variability", "level"),
    [(3.0, 1.0, "mean"), (3.0, 1.0, "drawn"), (10.0, 0.4, "mean"), (10.0, 0.4, "drawn"), (30.0, 1.0, "drawn"),
     (10.0, 0.0, "drawn"), (40.0, 0.3, "mean")],
)  # fmt: skip
def test_of_an_unknown_time_demand_that_varies_is_recovered_too(mean, variability, level):
    """Eighty periods of which four in ten ran out at a fixed or a drawn stock level; what was sold is far too low."""
    rng = np.random.default_rng(0)
    shape = (300, 80)
    rate = rng.gamma(1 / variability, variability * mean, shape) if variability else np.full(shape, mean)
    demand = rng.poisson(rate).astype(float)
    stock = np.full(shape, mean) if level == "mean" else np.maximum(rng.poisson(mean, shape), 1)
    sold = np.minimum(demand, stock)
    found = recovered(replace(cut_short(sold, np.where(demand >= stock, NAN, 1.0)), exposure=None))
    assert sold.mean() / demand.mean() - 1 < -0.15
    assert abs(found.demand.mean() / demand.mean() - 1) < 0.03
    assert 0.9 < found.draw.var() / demand.var() < 1.25


@pytest.mark.parametrize("mean", [0.4, 3.0, 45.0])
@pytest.mark.parametrize("variability", [0.0, 0.3, 2.5])
@pytest.mark.parametrize("least", [0.0, 1.0, 4.0, 4.25, 60.0])
def test_tails_are_sums_of_chances(mean, variability, least):
    """Of 4,000 terms; between whole numbers a straight line."""
    counts = np.arange(4000.0)
    shape = 1 / variability if variability else np.inf
    chances = nbinom.pmf(counts, shape, shape / (shape + mean)) if variability else poisson.pmf(counts, mean)

    def exact(k: float) -> tuple[float, float]:
        return chances[int(k) :].sum(), (counts * chances)[int(k) :].sum()

    low, high, share = exact(least), exact(math.ceil(least)), least - int(least)
    expected = [(1 - share) * a + share * b for a, b in zip(low, high, strict=True)]
    found = tail(mean, variability, least)
    if expected[0] > 1e-12:
        np.testing.assert_allclose(found, expected, rtol=1e-3)
    else:
        assert 0 < found[0] < 1e-11
        assert found[1] >= least * found[0]


def test_the_tail_of_many_purchases_is_that_of_the_normal_law():
    """A Poisson count of 2,000 has no chance of zero that a computer knows."""
    found = tail(2000.0, 0.0, 2050.0)
    counts = np.arange(2050, 3000)
    assert found[0] == pytest.approx(poisson.sf(2049, 2000), rel=0.03)
    assert found[1] == pytest.approx((counts * poisson.pmf(counts, 2000)).sum(), rel=0.03)


@pytest.mark.parametrize("variability", [0.0, 0.3])
def test_the_tail_is_that_of_the_counted_law(variability):
    """E[D | D >= 7] and its variance by adding up probabilities of the fitted law."""
    sold = np.random.default_rng(3).poisson(6.0, (1, 60)).astype(float)
    panel = cut_short(np.append(sold, [[7.0]], axis=1), np.append(np.ones((1, 60)), [[NAN]], axis=1))
    found, law = recovered(panel), recovered(panel).law
    mean, shape = law.mean[0], law.shape[0]
    expected, variance = reference.tail(mean, shape, 7)
    assert found.demand[0, -1] == pytest.approx(expected, rel=1e-6)
    assert found.sd[0, -1] ** 2 == pytest.approx(variance, rel=1e-4)


def test_a_weekly_season_is_seen_through_stock_outs():
    """Saturdays sell three times as much and always run out by noon."""
    rng = np.random.default_rng(0)
    mean = np.where(np.arange(84) % 7 == 5, 30.0, 10.0)
    demand = rng.poisson(mean, (40, 84)).astype(float)
    exposure = np.where(np.arange(84) % 7 == 5, 0.5, 1.0) * np.ones((40, 1))
    sold = np.where(exposure < 1, rng.binomial(demand.astype(int), 0.5), demand)
    found = recovered(cut_short(sold, exposure, season_length=7)).demand[:, 5::7]
    assert found.mean() == pytest.approx(30.0, rel=0.03)


def test_a_period_that_began_empty_stays_unknown_but_its_loss_is_said():
    panel = cut_short([[4.0, 6.0, 0.0, 5.0, 5.0] * 4], [[1.0, 1.0, 0.0, 1.0, 1.0] * 4], season_length=52)
    found = recovered(panel)
    assert np.isnan(found.demand[0, 2::5]).all()
    np.testing.assert_allclose(found.lost[0, 2::5], 5.0, rtol=0.1)
    told = hidden(panel, found)
    assert [0.2] == told.share_censored.tolist()
    assert told.lost_demand[0] == pytest.approx(20.0, rel=0.1)
    assert told.recent_lost_demand[0] == pytest.approx(found.lost[0, -8:].mean())


def test_sales_of_a_period_that_began_empty_are_a_bound_of_unknown_time():
    panel = cut_short([[5.0, 6.0, 4.0, 9.0]], [[1.0, 1.0, 1.0, 0.0]])
    untimed = replace(panel, exposure=None)
    np.testing.assert_array_equal(recovered(panel).demand, recovered(untimed).demand)
    assert recovered(panel).demand[0, 3] > 9


@pytest.mark.parametrize("exposure", [0.5, NAN])
def test_a_series_whose_every_period_ran_out_is_forecast_from_what_it_sold_while_in_stock(exposure):
    rng = np.random.default_rng(2)
    panel = cut_short(rng.poisson(10.0, (3, 30)).astype(float), np.full((3, 30), exposure))
    result = decided(panel, plan_of("ses", "mean", origins=3), criterion="pinball")
    assert np.isfinite(result.mean).all()
    assert [30, 30, 30] == result.profile.n_periods.tolist()
    assert (result.mean > 10).all()
    if exposure == 0.5:
        np.testing.assert_allclose(result.mean, 20.0, rtol=0.25)
    assert not result.trials.is_scored.any()
    assert np.isfinite(result.trials.scaled_sums()[:, :, result.trials.names.index("ses")]).all()
    by_period = decided(panel, plan_of("ses", "mean", origins=3))
    assert {"too_short"} == set(by_period.status)
    assert "no period after an origin was in stock to its end; mean instead" in by_period.reason


def test_a_series_that_was_never_in_stock_says_so():
    panel = cut_short(np.zeros((1, 12)), np.zeros((1, 12)))
    result = decided(panel, plan_of("ses", origins=3))
    assert ("too_short",) == result.status
    assert (result.mean == 0).all()
    assert np.isnan(hidden(panel, recovered(panel)).lost_demand).all()


@examples
@given(panel=histories())
def test_every_series_with_stock_outs_has_a_finite_forecast(panel):
    result = decided(panel, plan_of("naive", "mean", "ses", origins=3, min_periods=2))
    assert np.isfinite(result.mean).all()
    assert (result.mean >= 0).all()
    assert (result.scale > 0).all()
    assert all(result.reason)


def test_series_without_stock_outs_are_what_they_were_bit_for_bit():
    """In a panel without any, and beside series that have some."""
    rng = np.random.default_rng(5)
    demand = rng.poisson(4.0, (4, 40)).astype(float)
    plan = plan_of("naive", "mean", "ses", "tsb", outlier_method="hampel", outlier_treatment="cap")
    plain = panel_of(demand)
    exposure = np.ones((4, 40))
    exposure[2:, ::3] = 0.5
    mixed = cut_short(demand, exposure, season_length=52)
    assert as_data(plain) is plain
    without, beside = decided(plain, plan), decided(mixed, plan)
    for name in ("mean", "scale"):
        np.testing.assert_array_equal(getattr(without, name)[:2], getattr(beside, name)[:2])
    for name in ("forecasts", "completed", "actuals", "scale"):
        np.testing.assert_array_equal(getattr(without.trials, name)[:2], getattr(beside.trials, name)[:2])
    assert (beside.mean[2:] > without.mean[2:]).all()


def test_nothing_after_an_origin_changes_what_the_origin_saw():
    _, panel = simulated(6, 40, 8.0, 0.3, 1.0)
    later = replace(
        panel,
        demand=np.where(np.arange(40) < 36, panel.demand, 5.0 * panel.demand),
        lower_bound=np.where(np.arange(40) < 36, panel.lower_bound, 5.0 * panel.lower_bound),
        exposure=np.where(np.arange(40) < 36, panel.exposure, 0.9 * panel.exposure),
    )
    plan = plan_of("ses", "mean", origins=3, outlier_method="hampel", outlier_treatment="cap")
    before, after = decided(panel, plan).trials, decided(later, plan).trials
    seen = before.origin <= 36
    assert seen.any()
    np.testing.assert_array_equal(before.forecasts[seen], after.forecasts[seen])
    np.testing.assert_array_equal(before.scale[seen], after.scale[seen])


def test_single_steps_are_scored_where_demand_is_known_and_sums_run_through_stock_outs():
    _, panel = simulated(5, 40, 8.0, 0.3, 0.8)
    trials = decided(panel, plan_of("ses", origins=4)).trials
    steps = trials.origin[:, :, None] + np.arange(3)
    ran_out = np.take_along_axis(panel.is_censored[:, None, :].repeat(4, axis=1), steps, axis=2)
    assert ran_out.any()
    assert not trials.is_scored[ran_out].any()
    assert np.isnan(trials.actuals[ran_out]).all()
    assert np.isfinite(trials.scaled_sums()).any(axis=2).all()
    drawn = recovered(panel).draw
    expected = np.take_along_axis(drawn[:, None, :].repeat(4, axis=1), steps, axis=2)
    np.testing.assert_array_equal(trials.completed, expected)


def test_an_estimate_widens_the_scale_by_its_variance():
    demand, variance = np.array([[5.0, 9.0, NAN, 4.0]]), np.array([[7.0, 0.0, NAN, 10.0]])
    plain, wider = spread_scale(demand), spread_scale(demand, variance)
    weight = 0.94 + 1.0 + 0.5 + 0.01
    assert wider[0] ** 2 - plain[0] ** 2 == pytest.approx(10.0 / weight)


def test_outliers_are_capped_before_they_raise_what_is_recovered():
    sold = [[5.0, 6, 5, 6, 5, 6, 500, 6, 5, 6, 5, 6, 5, 6, 5, 3, 5, 6, 5, 6]]
    exposure = np.ones((1, 20))
    exposure[0, 15] = 0.5
    panel = cut_short(sold, exposure)
    cap = plan_of("mean", outlier_method="iqr", outlier_treatment="cap").shown(panel)
    flag = plan_of("mean").shown(panel)
    assert cap.demand[0, 6] < 20 < flag.demand[0, 6]
    assert 4.0 < cap.demand[0, 15] < 8.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"exposure": 1.5}, r"exposure \(in_stock_share\).*\[0, 1\).*exposure 1.5 in series 0, period 1"),
        ({"exposure": -0.1}, r"\[0, 1\).*exposure -0.1"),
        ({"exposure": 1.0}, r"\[0, 1\)"),
        ({"lower_bound": -1.0}, r"lower_bound must be a finite number >= 0.*lower_bound -1.0"),
        ({"lower_bound": np.inf}, r"finite number"),
        ({"demand": 4.0}, r"lower_bound must be NaN where demand is known; found demand 4.0"),
        ({"lower_bound": NAN}, r"exposure .* must lie in"),
    ],
)
def test_impossible_stock_outs_are_refused_with_their_place(changes, message):
    values = {"demand": NAN, "lower_bound": 3.0, "exposure": 0.5} | changes
    arrays = {name: np.array([[np.nan, value]]) for name, value in values.items()}
    with pytest.raises(ValueError, match=message):
        replace(panel_of([[1.0, 2.0]]), **arrays)


def test_arrays_of_stock_outs_fit_or_are_named():
    panel = panel_of([[1.0, NAN]])
    with pytest.raises(ValueError, match=r"lower_bound has shape \(1, 1\), expected \(1, 2\)"):
        replace(panel, lower_bound=np.array([[3.0]]))
    with pytest.raises(ValueError, match="exposure needs a lower_bound"):
        replace(panel, exposure=np.array([[NAN, 0.5]]))


def test_until_and_rows_cut_stock_outs_too():
    panel = cut_short([[1.0, 2, 3], [4, 5, 6]], [[0.5, 1, 0.2], [1, 0.3, 1]])
    known = panel.until(2).rows(np.array([1]))
    np.testing.assert_array_equal(known.lower_bound, [[NAN, 5.0]])
    np.testing.assert_array_equal(known.exposure, [[NAN, 0.3]])
    assert isinstance(as_data(panel), Panel)
    assert (1, 2) == as_data(panel).until(2).rows(np.array([1])).variance.shape
    assert not as_data(panel).has_stock_outs


def test_the_grid_of_variabilities_rises_from_none():
    assert VARIABILITIES[0] == 0
    assert (np.diff(VARIABILITIES) > 0).all()
    assert math.isfinite(VARIABILITIES[-1])
