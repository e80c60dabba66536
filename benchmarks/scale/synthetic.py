"""A synthetic catalogue of any size: trend, season, intermittency, stock-outs, births and deaths; seeded by series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SEED = 20_111_205
BLOCK = 1_000
"""Series that share a random stream, so that a series does not depend on how many others are drawn."""


@dataclass(frozen=True)
class Catalogue:
    """Histories of ``n`` series over ``n_periods`` weeks.

    Attributes:
        demand: units wanted, integers, shape (n, n_periods).
        is_censored: stock ran out, same shape.
        birth: first period of life, shape (n,).
    """

    demand: NDArray[np.float64]
    is_censored: NDArray[np.bool_]
    birth: NDArray[np.int64]


def block(number: int, n_periods: int) -> Catalogue:
    """Series ``number``·BLOCK to the next block: half of them rare sellers.

    The mean is level × trend × season; demand is negative binomial about it. A fifth of the series are born inside
    the history, a tenth die inside it, and 4 % of the weeks of life begin with stock that runs out.
    """
    draw = np.random.default_rng([SEED, number])
    weeks = np.arange(n_periods)
    level = np.exp(draw.normal(0.5, 1.6, BLOCK))[:, None]
    slope = draw.normal(0.0, 0.25, BLOCK)[:, None] / 52
    swing, peak = draw.beta(1.5, 4.0, BLOCK)[:, None], draw.uniform(0, 52, BLOCK)[:, None]
    season = 1.0 + swing * np.cos(2 * np.pi * (weeks - peak) / 52)
    birth = np.where(draw.random(BLOCK) < 0.2, draw.integers(0, n_periods - 4, BLOCK), 0)
    death = np.where(draw.random(BLOCK) < 0.1, draw.integers(n_periods // 2, n_periods, BLOCK), n_periods)
    dispersion = draw.gamma(2.0, 0.5, BLOCK)[:, None] + 0.05
    mean = level * np.exp(slope * weeks) * season * (weeks < death[:, None])
    demand = draw.poisson(mean * draw.gamma(1.0 / dispersion, dispersion, (BLOCK, n_periods))).astype(np.float64)
    return Catalogue(demand, draw.random((BLOCK, n_periods)) < 0.04, birth)
