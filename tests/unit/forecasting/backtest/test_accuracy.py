"""Accuracy as sums, beside plain loops."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from skucast.forecasting.backtest.accuracy import accuracy
from skucast.forecasting.selection.choice import Candidates
from skucast.forecasting.uncertainty.dispersion import Dispersion
from skucast.forecasting.uncertainty.distribution import PredictiveDistribution
from skucast.forecasting.uncertainty.error_pool import GROUPS
from tests.unit.forecasting.reference import contest_of, trials_of, unlearned_law

NAMES, LEVELS = ("naive", "ses"), np.array([0.25, 0.9])
N, ORIGINS, HORIZON = 6, 4, 3
PHI = 2.0


@pytest.fixture
def contest() -> Candidates:
    rng = np.random.default_rng(4)
    actuals = rng.poisson(4, (N, ORIGINS, HORIZON)).astype(float)
    actuals[0, 0, 1], actuals[1], actuals[2, :, 2] = np.nan, np.nan, np.nan
    forecasts = rng.uniform(0, 9, (N, ORIGINS, 2, HORIZON))
    origin, group = np.tile(np.arange(9, 13), (N, 1)), rng.integers(0, len(GROUPS), (N, ORIGINS))
    origin[5, 0] = group[5, 0] = -1
    actuals[5, 0], forecasts[5, 0] = np.nan, np.nan
    once = np.ones((N, ORIGINS))
    trials = trials_of(
        NAMES, forecasts, actuals, group=group, origin=origin, scale=rng.uniform(1, 3, (N, ORIGINS)),
        dispersion=Dispersion(PHI * once, 4.0 * once, np.full_like(once, 1e12)),
    )  # fmt: skip
    trials = replace(trials, naive_mean_square=rng.uniform(1, 3, once.shape), naive_mean_absolute=1.5 * once)
    span, is_count = np.array([3, 2, 3, 1, 2, 3]), np.array([True, False] * 3)
    return contest_of(trials, span=span, is_count=is_count)


@pytest.fixture
def law() -> PredictiveDistribution:
    """Levels read elsewhere than they stand, by group, candidate and step."""
    prior = unlearned_law(NAMES, HORIZON, LEVELS)
    moved = np.random.default_rng(5).uniform(-0.3, 0.3, (*prior.scores.shape[:3], 1))
    return replace(prior, scores=prior.scores + moved)


def quantiles_of(forecast, steps, scores, *, is_count):
    """Variance φ·M·(1 + 0.05 h) + (0.05 M)²: negative binomial of whole goods, gamma of others."""
    variance = PHI * forecast * (1 + 0.05 * steps) + (0.05 * forecast) ** 2
    if is_count:
        return stats.nbinom.ppf(stats.norm.cdf(scores), forecast**2 / (variance - forecast), forecast / variance)
    return stats.gamma.ppf(stats.norm.cdf(scores), forecast**2 / variance, scale=variance / forecast)


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
            scores = law.scores[trials.group[row, o], k, reached - 1]
            quantiles = quantiles_of(forecast, reached, scores, is_count=is_count)
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


def test_every_measure_is_that_of_plain_loops(contest, law):
    column = np.array([0, 1, 0, 1, 0, 1])
    spans, measures = accuracy(contest, column, law)
    assert [3, 2, 2, 1, 2, 3] == spans.tolist()
    for row in range(N):
        is_count, span = bool(contest.is_count[row]), contest.evaluation_span[row]
        expected = slow(contest.trials, law, row, column[row], span, is_count=is_count)
        # The table of gamma quantiles is good to a thousandth.
        near = 0.0 if is_count else 5e-3
        keys = [(str(each.basis), each.metric, each.level) for each in measures]
        assert set(expected) == set(keys)
        assert len(keys) == len(set(keys))
        for key, each in zip(keys, measures, strict=True):
            found = each.numerator[row], each.denominator[row]
            np.testing.assert_allclose(found, expected[key], atol=1e-9, rtol=1e-9 + near, err_msg=str(key))
