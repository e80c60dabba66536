"""Stock-outs as plain loops: histories with known truth, and the recovery of one series written from its formulas."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from skucast.forecasting.panel.panel import Panel
from skucast.forecasting.stock_outs.timed_kernel import MEMORIES, VARIABILITIES
from tests.unit.forecasting.reference import panel_of

Floats = NDArray[np.float64]


def cut_short(sold: Sequence[Sequence[float]] | Floats, exposure: object, season_length: int = 7) -> Panel:
    """A panel of what was sold in periods in stock for a share of the time: 1 is to the end, NaN an unknown share."""
    amounts, share = np.array(sold, dtype=np.float64), np.array(exposure, dtype=np.float64)
    ran_out = ~(share == 1.0)
    panel = panel_of(np.where(ran_out, np.nan, amounts), season_length=season_length)
    start = np.zeros(panel.n_series, dtype=np.int64)
    bound = np.where(ran_out, amounts, np.nan)
    return replace(panel, start=start, lower_bound=bound, exposure=np.where(ran_out, share, np.nan))


def simulated(
    n_series: int, n_periods: int, mean: float, variability: float, stock: float, seed: int = 1
) -> tuple[Floats, Panel]:
    """Negative binomial demand (Poisson without variability) that arrives at random times and exhausts a stock level.

    Returns:
        Demand as wanted, and what was seen of it.
    """
    rng = np.random.default_rng(seed)
    shape = (n_series, n_periods)
    rate = mean * (rng.gamma(1 / variability, variability, shape) if variability else np.ones(shape))
    demand, level = rng.poisson(rate).astype(float), np.maximum(rng.poisson(stock * mean, shape), 1)
    sold, exposure = demand.copy(), np.ones(shape)
    for place in zip(*np.nonzero(demand >= level), strict=True):
        times = np.sort(rng.random(int(demand[place])))
        sold[place], exposure[place] = level[place], times[level[place] - 1]
    return demand, cut_short(sold, exposure)


def tail(mean: float, shape: float, least: int) -> tuple[float, float]:
    """Mean and variance of a negative binomial given that it is at least ``least``."""
    chance = mean / (mean + shape)
    total = first = second = 0.0
    for k in range(least, least + 400):
        log = math.lgamma(shape + k) - math.lgamma(shape) - math.lgamma(k + 1)
        p = math.exp(log + shape * math.log1p(-chance) + k * math.log(chance))
        total, first, second = total + p, first + k * p, second + k * k * p
    return first / total, second / total - (first / total) ** 2


def expected_demand(sold: Floats, exposure: Floats, season_length: int, seasons: int) -> list[float]:
    """Known demand, and what is expected of periods that ran out at a known time."""
    share = [0.0 if math.isnan(s) else 1.0 if math.isnan(e) else float(e) for s, e in zip(sold, exposure, strict=True)]
    amounts = [0.0 if o == 0 else float(s) for s, o in zip(sold, share, strict=True)]
    if not any(amounts):
        return [math.nan if o == 0 else 0.0 for o in share]
    unit = quantum([a for a, o in zip(amounts, share, strict=True) if o > 0])
    counts = [a / unit for a in amounts]
    length = season_length if len(counts) >= seasons * season_length else 1
    rate, size, q = fit(counts, share, length)
    result = []
    for count, o, m in zip(counts, share, rate, strict=True):
        left = (1 - o) * m * (1 + q * count / size) / (1 + q * o * m / size)
        result.append(math.nan if o == 0 else unit * (count + left))
    return result


def quantum(amounts: list[float]) -> float:
    """Least gap between amounts, 0 among them, the topmost left out where it is not the only one."""
    ranked = sorted({0.0, *amounts})
    gaps = [b - a for a, b in pairwise(ranked)]
    return min(gaps[:-1] if len(gaps) > 1 else gaps)


def fit(counts: list[float], share: list[float], length: int) -> tuple[list[float], float, float]:
    """Rate of every period, purchase size and variability."""
    mean = sum(counts) / sum(share)
    rate, factor, size, q = [mean] * len(counts), [1.0] * len(counts), 1.0, 0.12
    memory = 1.0
    for turn in range(4):
        before = memory, size, q
        weight = [1 / (1 + o * m * q / size) for o, m in zip(share, rate, strict=True)]

        def level(memory: float, weight: list[float] = weight, factor: list[float] = factor) -> list[float]:
            return [level_at(t, counts, share, weight, factor, memory) for t in range(len(counts))]

        def score(memory: float, factor: list[float] = factor, size: float = size, q: float = q) -> float:
            means = [a * f for a, f in zip(level(memory), factor, strict=True)]
            return likelihood(counts, share, means, size, q) - 2.0 * (memory < 1)

        memory = max(MEMORIES.tolist(), key=score)
        best = level(memory)
        if length > 1:
            factor = season(counts, share, weight, best, size / mean + q, length)
        rate = [a * f for a, f in zip(best, factor, strict=True)]
        scores = []
        for each in VARIABILITIES.tolist():
            wide = max(1.0, 0.02 / 0.98 * each * mean)
            scores.append((likelihood(counts, share, rate, wide, each) - each / 1.0, -each, wide))
        _, minus, size = max(scores)
        q = -minus
        if turn > 0 and before == (memory, size, q):
            break
    return rate, size, q


def level_at(
    t: int, counts: list[float], share: list[float], weight: list[float], factor: list[float], memory: float
) -> float:
    above = below = whole_above = whole_below = 0.0
    for s, (count, o, w, f) in enumerate(zip(counts, share, weight, factor, strict=True)):
        near = 0.0 if s == t else memory ** abs(s - t)
        above, below = above + near * w * count, below + near * w * o * f
        whole_above, whole_below = whole_above + w * count, whole_below + w * o * f
    half = 0.5 / sum(o > 0 for o in share)
    return (above + half * whole_above) / (below + half * whole_below)


def likelihood(counts: list[float], share: list[float], rate: list[float], size: float, q: float) -> float:
    total = 0.0
    for count, o, m in zip(counts, share, rate, strict=True):
        if o == 0:
            continue
        mean, k = o * m / size, count / size
        if q == 0:
            total += k * math.log(mean) - mean - math.lgamma(k + 1) - math.log(size)
        else:
            r = 1 / q
            total += math.lgamma(r + k) - math.lgamma(r) - math.lgamma(k + 1) - math.log(size)
            total += r * math.log(r / (r + mean)) + k * math.log(mean / (r + mean))
    return total


def season(
    counts: list[float], share: list[float], weight: list[float], level: list[float], noise: float, length: int
) -> list[float]:
    places = [[t for t in range(len(counts)) if t % length == place] for place in range(length)]
    base = [sum(weight[t] * share[t] * level[t] for t in own) for own in places]
    if min(base) <= 0:
        return [1.0] * len(counts)
    raw = [sum(weight[t] * counts[t] for t in own) / b for own, b in zip(places, base, strict=True)]
    raw = [each * length / sum(raw) for each in raw]
    error = [noise / sum(share[t] for t in own) for own in places]
    spread = sum((each - 1) ** 2 for each in raw) / (length - 1) - sum(error) / length
    if spread <= 0:
        return [1.0] * len(counts)
    drawn = [1 + (each - 1) * spread / (spread + e) for each, e in zip(raw, error, strict=True)]
    drawn = [max(each * length / sum(drawn), 0.01) for each in drawn]
    return [drawn[t % length] for t in range(len(counts))]
