"""Demand paths reproduce the law of every sum, whatever forecast they come from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from skucast.config.forecast import Forecast
from skucast.inventory.demand.paths import demand_paths
from skucast.numerics.arrays import FloatArray

LEVELS = np.array((0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.8, 0.9, 0.95, 0.975, 0.99))
N_PATHS = 256
MIDDLES_OF_4096 = (np.arange(4096) + 0.5) / 4096
MIDDLES = (np.arange(N_PATHS) + 0.5) / N_PATHS


def normal(horizon: int, mean: float, sd: float, correlation: float) -> tuple[FloatArray, FloatArray]:
    """Quantiles of steps and sums of equally correlated normal demand, none below 0; shapes (1, horizon, levels)."""
    n = np.arange(1, horizon + 1)[:, None]
    sums = stats.norm.ppf(LEVELS, n * mean, sd * np.sqrt(n * (1 + correlation * (n - 1))))
    return np.tile(np.maximum(stats.norm.ppf(LEVELS, mean, sd), 0), (1, horizon, 1)), np.maximum(sums, 0)[None]


def counts(horizon: int, mean: float, variance: float, correlation: float) -> tuple[FloatArray, FloatArray]:
    """The same for negative binomial demand."""
    n = np.arange(1, horizon + 1)[:, None]
    means, variances = n * mean, n * variance * (1 + correlation * (n - 1))
    sums = stats.nbinom.ppf(LEVELS, means**2 / (variances - means), means / variances)
    return np.tile(sums[:1], (1, horizon, 1)), np.maximum.accumulate(sums)[None]


FORECASTS = {
    "even": normal(4, 100, 10, 0),
    "correlated": normal(7, 100, 30, 0.5),
    "over-dispersed": counts(7, 2, 5, 0.2),
    "rare": counts(28, 0.1, 0.2, 0.1),
    "narrowing": normal(6, 50, 10, -0.15),
    "nothing": (np.zeros((1, 3, 11)), np.zeros((1, 3, 11))),
}


@pytest.mark.parametrize("name", ["even", "correlated", "narrowing"])
def test_every_sum_has_the_quantiles_of_the_forecast(name: str) -> None:
    steps, sums = FORECASTS[name]
    paths = demand_paths(LEVELS, steps, sums, np.array([7]), N_PATHS)
    found, known = np.sort(paths.cumsum(axis=1), axis=2)[0], MIDDLES <= LEVELS[-1]
    wanted = np.array([np.interp(MIDDLES[known], LEVELS, row) for row in sums[0]])
    assert (paths >= 0).all()
    np.testing.assert_allclose(found[:, known], wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["even", "correlated"])
def test_beyond_the_outer_level_the_tail_falls_exponentially(name: str) -> None:
    steps, sums = FORECASTS[name]
    paths = demand_paths(LEVELS, steps, sums, np.array([7]), 4096)
    for row, last in zip(np.sort(paths.cumsum(axis=1), axis=2)[0], sums[0], strict=True):
        scale = (last[-1] - last[-3]) / np.log(0.05 / 0.01)  # from 95 %, the next level with a tail of 4 %
        beyond = row[MIDDLES_OF_4096 > LEVELS[-1]] - last[-1]
        assert beyond.mean() == pytest.approx(scale, rel=0.02)


@pytest.mark.parametrize("name", ["over-dispersed", "rare"])
def test_whole_goods_have_whole_demand_within_what_the_levels_say(name: str) -> None:
    steps, sums = FORECASTS[name]
    paths = demand_paths(LEVELS, steps, sums, np.array([7]), N_PATHS)[0]
    assert (paths == np.rint(paths)).all()
    for total, row in zip(paths.cumsum(axis=0), sums[0], strict=True):
        for level, quantile in zip(LEVELS, row, strict=True):
            assert (total <= quantile).mean() >= level - 1 / N_PATHS
            assert (total < quantile).mean() <= level + 1 / N_PATHS


@pytest.mark.parametrize(("mean", "size"), [(0.1, np.inf), (0.3, np.inf), (0.3, 0.15), (5, np.inf), (4, 4 / 9)])
def test_independent_whole_steps_have_the_law_of_each_step(mean: float, size: float) -> None:
    """Of Poisson and negative binomial demand, from its quantiles at the default levels."""
    law = (
        (lambda n: stats.poisson(n * mean))
        if size == np.inf
        else (lambda n: stats.nbinom(n * size, size / (size + mean)))
    )
    levels = np.array(Forecast().quantile_levels)
    sums = np.array([law(n).ppf(levels) for n in (1, 2, 3)])[None]
    paths = demand_paths(levels, np.repeat(sums[:, :1], 3, axis=1), sums, np.array([0]), 1024)[0]
    k = np.arange(int(law(1).ppf(0.999)) + 1)
    for step in paths:
        np.testing.assert_allclose((step[:, None] <= k).mean(axis=0), law(1).cdf(k), atol=0.02)
    assert np.corrcoef(paths[0] + paths[1], paths[2])[0, 1] == pytest.approx(0, abs=0.05)
    assert paths.mean() == pytest.approx(mean, rel=0.06)


@pytest.mark.parametrize("name", ["even", "correlated", "narrowing"])
def test_steps_keep_their_own_law_about(name: str) -> None:
    steps, sums = FORECASTS[name]
    paths = demand_paths(LEVELS, steps, sums, np.array([7]), 4096)
    for level in (0.1, 0.5, 0.9):
        wanted = steps[0, :, list(LEVELS).index(level)]
        np.testing.assert_allclose(np.quantile(paths[0], level, axis=1), wanted, rtol=0.04)


def test_demand_of_later_steps_is_as_correlated_as_the_sums_say() -> None:
    steps, sums = normal(6, 100, 20, 0.5)
    paths = demand_paths(LEVELS, steps, sums, np.array([3]), 4096)
    # Equally correlated: variance of the sum of the last three steps, though only sums from the first are given.
    expected = 20 * np.sqrt(3 * (1 + 0.5 * 2))
    assert paths[0, 3:].sum(axis=0).std() == pytest.approx(expected, rel=0.06)


@given(st.permutations(range(5)), st.integers(1, 4))
def test_paths_depend_on_the_items_own_seed_and_forecast_alone(order: list[int], batch: int) -> None:
    kinds = [normal(5, 10 * (i + 1), 3, 0.1 * i) for i in range(5)]
    steps, sums = (np.concatenate(each) for each in zip(*kinds, strict=True))
    seeds = np.arange(5) * 104729
    whole = demand_paths(LEVELS, steps, sums, seeds, 64)
    for i in range(0, 5, batch):
        chosen = np.array(order[i : i + batch])
        np.testing.assert_array_equal(
            demand_paths(LEVELS, steps[chosen], sums[chosen], seeds[chosen], 64), whole[chosen]
        )


def test_seeds_differ() -> None:
    steps, sums = (np.repeat(each, 2, axis=0) for each in FORECASTS["correlated"])
    one, other = demand_paths(LEVELS, steps, sums, np.array([1, 2]))
    assert not np.allclose(one[1:], other[1:])
