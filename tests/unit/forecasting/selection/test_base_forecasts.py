"""The most accurate candidate beside a loop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skucast.forecasting.selection.base_forecasts import most_accurate
from skucast.forecasting.selection.choice import Candidates
from tests.unit.forecasting.reference import contest_of, trials_of

N, ORIGINS, NAMES, HORIZON = 12, 4, ("naive", "mean", "ses"), 3


@pytest.fixture
def contest() -> Candidates:
    """Series with unknown and closed steps; some have no origin, some candidates no forecast."""
    rng = np.random.default_rng(4)
    actuals = rng.poisson(6, (N, ORIGINS, HORIZON)).astype(float)
    actuals[rng.random(actuals.shape) < 0.2] = np.nan
    forecasts = rng.uniform(0, 12, (N, ORIGINS, len(NAMES), HORIZON))
    forecasts[2, :, 1] = np.nan
    origin = np.tile(np.arange(ORIGINS), (N, 1))
    origin[:2] = -1
    origin[3, 0] = -1
    mean = rng.uniform(0, 12, (N, len(NAMES), HORIZON))
    mean[4, 0] = np.nan
    none = (origin < 0)[:, :, None]
    trials = trials_of(
        NAMES, np.where(none[..., None], np.nan, forecasts), np.where(none, np.nan, actuals), origin=origin
    )
    return contest_of(trials, mean=mean)


def test_the_candidate_of_lowest_squared_error_and_its_error(contest: Candidates):
    best, error = most_accurate(contest)
    trials = contest.trials
    for row in range(N):
        scores = {}
        for place in range(len(NAMES)):
            squared = [
                (trials.actuals[row, o, h] - trials.forecasts[row, o, place, h]) ** 2
                for o in range(ORIGINS)
                for h in range(HORIZON)
                if trials.is_scored[row, o, h]
            ]
            if squared and np.isfinite(squared).all() and np.isfinite(contest.mean[row, place]).all():
                scores[place] = np.mean(squared)
        if not scores:
            assert best[row] == -1
            assert np.isnan(error[row])
        else:
            assert best[row] == min(scores, key=scores.__getitem__)
            assert error[row] == pytest.approx(scores[best[row]])
    assert {-1, 0, 1, 2} == set(best.tolist())


def test_of_equals_the_cheaper(contest: Candidates):
    same = np.repeat(contest.trials.forecasts[:, :, :1], len(NAMES), axis=2)
    best, _ = most_accurate(replace(contest, trials=replace(contest.trials, forecasts=same)))
    assert set(best.tolist()) == {-1, 0, 1}
    assert best[4] == 1
