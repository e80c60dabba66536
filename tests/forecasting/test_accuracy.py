"""Accuracy as sums, beside plain loops."""

import numpy as np
import pytest
from skucast.forecasting.error_law import GRID, Pool, error_law, group_keys

from skucast.forecasting.accuracy import accuracy
from skucast.forecasting.error_group import GROUPS
from skucast.forecasting.trials import Trials

NAMES, LEVELS = ("naive", "ses"), np.array([0.25, 0.9])
N, ORIGINS, HORIZON = 6, 4, 3


@pytest.fixture
def trials() -> Trials:
    rng = np.random.default_rng(4)
    actuals = rng.poisson(4, (N, ORIGINS, HORIZON)).astype(float)
    actuals[0, 0, 1], actuals[1], actuals[2, :, 2] = np.nan, np.nan, np.nan
    forecasts = rng.uniform(0, 9, (N, ORIGINS, 2, HORIZON))
    origin, group = np.tile(np.arange(9, 13), (N, 1)), rng.integers(0, len(GROUPS), (N, ORIGINS))
    origin[5, 0] = group[5, 0] = -1
    actuals[5, 0], forecasts[5, 0] = np.nan, np.nan
    scales = [rng.uniform(1, 3, (N, ORIGINS)) for _ in range(3)]
    return Trials(NAMES, origin, forecasts, actuals, ~np.isnan(actuals), *scales, group)


@pytest.fixture
def law():
    rng = np.random.default_rng(5)
    pools = {}
    for group in range(len(GROUPS)):
        for name in NAMES:
            for step in range(1, HORIZON + 1):
                sums = np.sort(rng.normal(size=(ORIGINS, LEVELS.size)), axis=1)
                pools[group_keys(group)[0], name, step] = Pool(99, sums[0], sums[1], 1.0, GRID, sums)
    return error_law(pools, NAMES, LEVELS.tolist(), HORIZON, ORIGINS, 50)


def slow(trials, law, row, k, span, *, is_count):
    """Every measure of one series by its definition: (basis, metric, level) -> (numerator, denominator)."""
    pairs, sums = [], []
    complete = [
        h for h in range(1, span + 1) if any(np.isfinite(trials.actuals[row, o, :h]).all() for o in range(ORIGINS))
    ]
    reached = max(complete, default=0)
    for o in range(ORIGINS):
        squared, absolute = trials.naive_mean_square[row, o], trials.naive_mean_absolute[row, o]
        pairs += [
            (trials.actuals[row, o, h], trials.forecasts[row, o, k, h], squared, absolute)
            for h in range(HORIZON)
            if trials.is_scored[row, o, h]
        ]
        if reached and np.isfinite(trials.actuals[row, o, :reached]).all():
            actual, forecast = trials.actuals[row, o, :reached].sum(), trials.forecasts[row, o, k, :reached].sum()
            errors = law.sum_quantiles_without[trials.group[row, o], k, reached - 1, o]
            quantiles = np.maximum(forecast + trials.scale[row, o] * errors, 0)
            quantiles = np.ceil(quantiles - 0.5) if is_count else quantiles
            sums.append((actual, forecast, squared * reached**2, absolute * reached, quantiles, trials.scale[row, o]))
    found = {}
    for basis, rows in (("period", pairs), ("protection_period", sums)):
        y, f, sq, ab = (np.array([each[place] for each in rows]) for place in range(4))
        n, e = len(rows), y - f
        found |= {
            (basis, "mae", 0.0): (np.abs(e).sum(), n),
            (basis, "mse", 0.0): ((e**2).sum(), n),
            (basis, "r2", 0.0): ((e**2).sum(), ((y - y.mean()) ** 2).sum() if n else 0.0),
            (basis, "mase", 0.0): ((np.abs(e) / ab).sum(), n),
            (basis, "rmsse", 0.0): ((e**2 / sq).sum(), n),
            (basis, "bias", 0.0): (e.sum(), y.sum()),
            (basis, "wape", 0.0): (np.abs(e).sum(), y.sum()),
        }
    losses = []
    for place, level in enumerate(LEVELS.tolist()):
        q = [(y, quantiles[place], scale) for y, _, _, _, quantiles, scale in sums]
        loss = [max(level * (y - x), (level - 1) * (y - x)) for y, x, _ in q]
        losses += [each / scale / LEVELS.size for each, (_, _, scale) in zip(loss, q, strict=True)]
        found["protection_period", "pinball", level] = (sum(loss), len(q))
        found["protection_period", "coverage", level] = (sum(y <= x for y, x, _ in q), len(q))
        found["protection_period", "coverage_below", level] = (sum(y < x for y, x, _ in q), len(q))
    found["protection_period", "scaled_pinball", 0.0] = (sum(losses), len(sums))
    return found


def test_every_measure_is_that_of_plain_loops(trials, law):
    column, span = np.array([0, 1, 0, 1, 0, 1]), np.array([3, 2, 3, 1, 2, 3])
    is_count = np.array([True, False] * 3)
    spans, measures = accuracy(trials, column, law, span, is_count)
    assert [3, 2, 2, 1, 2, 3] == spans.tolist()
    for row in range(N):
        expected = slow(trials, law, row, column[row], span[row], is_count=is_count[row])
        keys = [(str(each.basis), each.metric, each.level) for each in measures]
        assert set(expected) == set(keys)
        assert len(keys) == len(set(keys))
        for key, each in zip(keys, measures, strict=True):
            np.testing.assert_allclose((each.numerator[row], each.denominator[row]), expected[key], atol=1e-9)
