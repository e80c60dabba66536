"""Count laws of sums against scipy and simulation; fits of count methods, their calibration and their limits."""

import dataclasses

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from skucast.forecasting.models.counts import distribution as counts
from skucast.forecasting.models.counts.distribution import CountLaw, sum_quantiles
from skucast.forecasting.models.counts.methods import best_count, law_of, negative_binomial
from tests.unit.forecasting.reference import examples, panel_of

NAN, INF = np.nan, np.inf
METHODS = (negative_binomial, best_count)
LEVELS = np.array([0.005, 0.05, 0.5, 0.9, 0.95, 0.99, 0.999])


def law(mean, size=INF, zero_share=0.0, level_shape=INF, drift=0.0):
    return CountLaw(*(np.array([value], dtype=np.float64) for value in (mean, size, zero_share, level_shape, drift)))


def by_scipy(law, h, levels):
    """Quantiles of the mixture over the number of steps that are not forced to 0."""
    m, zero, v = law.mean[0] / (1 - law.zero_share[0]), law.zero_share[0], law.level_uncertainty(h)[0, -1]
    units = np.arange(int(h * m * 60 + 400))
    cdf = stats.binom.pmf(0, h, 1 - zero) * np.ones(units.size)
    for n in range(1, h + 1):
        inverse = (1 + v) / (n * law.size[0]) + v
        each = stats.nbinom(1 / inverse, 1 / (1 + n * m * inverse)) if inverse > 0 else stats.poisson(n * m)
        cdf += stats.binom.pmf(n, h, 1 - zero) * each.cdf(units)
    return np.array([np.argmax(cdf >= level - 1e-12) for level in levels])


@settings(deadline=None)
@given(
    st.floats(0.005, 6),
    st.sampled_from([0.1, 0.9, 4.0, INF]),
    st.sampled_from([0.0, 0.0, 0.3, 0.9]),
    st.sampled_from([1.0, 12.0, INF]),
    st.sampled_from([0.0, 0.01]),
)
def test_quantiles_of_sums_are_those_of_the_law(mean, size, zero_share, level_shape, drift):
    of_one = law(mean, size, zero_share, level_shape, drift)
    found = sum_quantiles(of_one, LEVELS, 6)[0]
    expected = np.array([by_scipy(of_one, h, LEVELS) for h in range(1, 7)])
    np.testing.assert_array_equal(found, np.maximum.accumulate(expected, axis=0))


def test_laws_too_wide_to_be_added_up_are_inverted_the_same(monkeypatch):
    """Both ways on the same laws; then far out, against scipy."""
    narrow = [law(40.0, 5.0), law(7.0, INF, 0.4), law(3.0, 0.7, 0.2, 9.0), law(0.2), law(25.0, INF, 0.0, 40.0, 0.001)]
    added = [sum_quantiles(each, LEVELS, 4) for each in narrow]
    monkeypatch.setattr(counts, "_quantiles", lambda *_: np.full((1, 4, LEVELS.size), INF))
    for each, found in zip(narrow, added, strict=True):
        np.testing.assert_array_equal(sum_quantiles(each, LEVELS, 4), found)
    monkeypatch.undo()
    np.testing.assert_array_equal(sum_quantiles(law(2e6), LEVELS, 1)[0, 0], stats.poisson.ppf(LEVELS, 2e6))
    wide = stats.nbinom.ppf(LEVELS, 6, 6 / (6 + 3e5))
    np.testing.assert_array_equal(sum_quantiles(law(1e5, 2.0), LEVELS, 3)[0, 2], wide)
    assert sum_quantiles(law(1e12, 1.0), np.array([0.5]), 1)[0, 0, 0] == pytest.approx(1e12 * np.log(2), rel=1e-9)


@examples
@given(st.floats(0.01, 500), st.floats(0.05, 50), st.floats(0, 0.95), st.floats(1, 200), st.floats(0, 0.05))
def test_quantiles_are_whole_and_rise_with_level_and_step(mean, size, zero_share, level_shape, drift):
    found = sum_quantiles(law(mean, size, zero_share, level_shape, drift), LEVELS, 8)
    assert (found == np.floor(found)).all()
    assert (np.diff(found, axis=1) >= 0).all()
    assert (np.diff(found, axis=2) >= 0).all()


@pytest.mark.parametrize("of_one", [law(0.7), law(2.0, 0.8), law(2.0, 3.0, 0.4, 25.0), law(1.5, INF, 0.6, 10.0, 0.004)])
def test_moments_are_those_of_simulated_demand(of_one):
    """Level gamma with its shape, then steps independent; a drift adds to the level's variance only."""
    rng, n, h = np.random.default_rng(2), 200_000, 4
    v = of_one.level_uncertainty(h)[0, -1]
    relative = rng.gamma(1 / v, v, (n, 1)) if v > 0 else np.ones((n, 1))
    size, active = of_one.size[0], of_one.mean[0] / (1 - of_one.zero_share[0])
    factor = rng.gamma(size, 1 / size, (n, h)) if np.isfinite(size) else np.ones((n, h))
    demand = rng.poisson(active * relative * factor) * (rng.random((n, h)) >= of_one.zero_share[0])
    assert demand.sum(axis=1).std() == pytest.approx(of_one.spread(h)[1][0, -1], rel=0.015)
    if of_one.drift[0] == 0:
        assert demand[:, 0].std() == pytest.approx(of_one.spread(h)[0][0, 0], rel=0.015)


def test_levels_must_rise_within_0_and_1():
    for wrong in ([0.5, 0.5], [0.9, 0.1], [0.0], [1.0]):
        with pytest.raises(ValueError, match="levels must rise"):
            sum_quantiles(law(1.0), np.array(wrong), 2)


SIMULATED = {
    "poisson 0.3": lambda rng, shape: rng.poisson(0.3, shape),
    "poisson 4": lambda rng, shape: rng.poisson(4.0, shape),
    "sparse negative binomial": lambda rng, shape: rng.negative_binomial(0.5, 0.5 / 1.1, shape),
    "negative binomial": lambda rng, shape: rng.negative_binomial(2.0, 0.2, shape),
    "forced zeros": lambda rng, shape: rng.poisson(6.0, shape) * (rng.random(shape) < 0.4),
}


@pytest.mark.parametrize("name", SIMULATED)
def test_quantiles_of_sums_are_calibrated(name):
    """share(y < q) <= level <= share(y <= q), within 3.5 standard errors."""
    n, t = 800, 120
    demand = SIMULATED[name](np.random.default_rng(11), (n, t + 4)).astype(np.float64)
    fits = best_count(panel_of(demand[:, :t], horizon=4))
    levels = np.array([0.25, 0.5, 0.75, 0.9, 0.95, 0.99])
    quantiles = sum_quantiles(law_of(fits), levels, 4)
    slack = 3.5 * np.sqrt(levels * (1 - levels) / n)
    for h in (1, 4):
        total = demand[:, t : t + h].sum(axis=1)[:, None]
        assert ((total < quantiles[:, h - 1]).mean(axis=0) <= levels + slack).all()
        assert (levels - slack <= (total <= quantiles[:, h - 1]).mean(axis=0)).all()
        squared_error = np.mean(np.square(total[:, 0] - h * fits.mean[:, 0]))
        assert np.sqrt(squared_error / np.mean(np.square(fits.sum_sd[:, h - 1]))) == pytest.approx(1.0, abs=0.1)


def test_the_law_that_made_the_data_is_mostly_chosen():
    rng = np.random.default_rng(4)
    found = {}
    for name, draw in SIMULATED.items():
        chosen = best_count(panel_of(draw(rng, (100, 200)).astype(np.float64))).parameters
        found[name] = (chosen["dispersion"] > 0).mean(), (chosen["zero_share"] > 0).mean()
    assert max(*found["poisson 0.3"], *found["poisson 4"]) < 0.2
    assert found["negative binomial"][0] > 0.9
    assert found["forced zeros"][1] > 0.9


def test_dispersion_and_zeros_are_recovered_from_long_histories():
    demand = np.random.default_rng(8).negative_binomial(2.0, 0.2, (40, 1500)).astype(np.float64)
    found = 1 / negative_binomial(panel_of(demand)).parameters["dispersion"]
    assert np.median(found) == pytest.approx(2.0, rel=0.1)


def test_no_sales_in_n_periods_say_one_sale_in_n():
    """Zero for h steps with probability n / (n + h); the level below 3/n with probability 0.95."""
    for method in METHODS:
        fits = method(panel_of([[0.0] * 100], horizon=28))
        np.testing.assert_array_equal(fits.mean, 0.0)
        of_one = law_of(fits)
        assert stats.gamma.ppf(0.95, of_one.level_shape[0]) * 0.01 == pytest.approx(0.03, rel=0.002)
        around = np.array([100 / 128 - 1e-6, 100 / 128 + 1e-6])
        np.testing.assert_array_equal(sum_quantiles(of_one, around, 28)[0, -1], [0, 1])


@pytest.mark.parametrize("method", METHODS)
def test_an_item_that_dies_is_expected_to_sell_less_and_less(method):
    rows = [[3.0, 1.0, 0.0, 2.0] * 20 + [0.0] * n + [NAN] * (300 - n) for n in (0, 30, 100, 300)]
    fits = method(panel_of(rows, horizon=14))
    assert (np.diff(fits.mean[:, 0]) < 0).all()
    assert 1e-2 > fits.mean[-1, 0]
    upper = sum_quantiles(law_of(fits), np.array([0.95]), 14)[:, -1, 0]
    assert (np.diff(upper) <= 0).all()
    assert upper[-1] <= 1


@pytest.mark.parametrize("method", METHODS)
def test_demand_that_is_not_counted_gets_a_spread_but_no_count_law(method):
    weighed = np.random.default_rng(1).gamma(2.0, 1.5, (3, 60))
    fits = method(panel_of([*weighed, np.round(weighed[0])], horizon=4))
    np.testing.assert_array_equal(fits.parameters["is_count"], [0, 0, 0, 1])
    assert np.isfinite(fits.mean).all()
    assert np.isfinite(fits.sum_sd).all()
    quantiles = sum_quantiles(law_of(fits), LEVELS, 4)
    assert np.isnan(quantiles[:3]).all()
    assert np.isfinite(quantiles[3]).all()


@pytest.mark.parametrize("method", METHODS)
def test_the_ends_of_the_domain_are_defined(method):
    rows = [[0.0] * 40, [7.0] + [NAN] * 39, [4.0] * 40, [3.0, 4.0] + [NAN] * 38, [0.0] * 39 + [9.0]]
    rows += [[9.0] + [0.0] * 39, [1.0, NAN] * 20, [1.0] * 20 + [1000.0] * 20, [1e12, 0.0] * 20, [1e-12, 0.0] * 20]
    fits = method(panel_of(rows, horizon=400))
    for array in (fits.mean, fits.step_sd, fits.sum_sd):
        assert np.isfinite(array).all()
        assert (array >= 0).all()
    assert np.isfinite(sum_quantiles(law_of(fits), LEVELS, 3)[:-1]).all()
    nothing = method(panel_of([[NAN] * 5]))
    assert np.isnan(nothing.mean).all()
    assert np.isnan(sum_quantiles(law_of(nothing), LEVELS, 3)).all()


@pytest.mark.parametrize("method", METHODS)
@examples
@given(
    hnp.arrays(
        np.float64, st.tuples(st.integers(1, 4), st.integers(1, 15)), elements=st.sampled_from([NAN, 0, 0, 1, 5])
    ),
    st.integers(0, 99),
)
def test_a_law_depends_on_its_own_series_only_and_passes_over_unknown_periods(method, demand, seed):
    order = np.random.default_rng(seed).permutation(len(demand))
    together, mixed = method(panel_of(demand)), method(panel_of(demand[order]))
    spaced = method(panel_of(np.insert(demand, [0, demand.shape[1]], NAN, axis=1)))
    for field in ("mean", "step_sd", "sum_sd"):
        np.testing.assert_array_equal(getattr(mixed, field), getattr(together, field)[order])
        np.testing.assert_array_equal(getattr(spaced, field), getattr(together, field))
    laws = law_of(together), law_of(mixed)
    for field in dataclasses.fields(CountLaw):
        np.testing.assert_array_equal(getattr(laws[1], field.name), getattr(laws[0], field.name)[order])
