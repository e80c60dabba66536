"""Stock of policies at equal service, and how sure their difference is: a bootstrap over items."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skucast.numerics.arrays import FloatArray


def resampled(n: int, draws: int, seed: int) -> NDArray[np.float64]:
    """How often each of n independent parts enters a sample of n with replacement (Efron 1979).

    The same parts for all policies make their differences paired.

    Args:
        n: parts, items or groups of items chosen at random.
        draws: number of samples.
        seed: of the draws.

    Returns:
        Counts, shape (draws + 1, n); the first row is the parts as they are, each once.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    drawn = generator.multinomial(n, np.full(n, 1 / n), size=draws)
    return np.concatenate([np.ones((1, n)), drawn])


def stock_at_fill(fill: FloatArray, rival_fill: FloatArray, rival_stock: FloatArray) -> FloatArray:
    """Stock that a swept policy needs for a fill rate, on the line between the points of its sweep.

    Args:
        fill: fill rates, shape (n,).
        rival_fill: of the sweep, shape (n, k), in any order.
        rival_stock: of the sweep, same shape.

    Returns:
        Stock, shape (n,); NaN where the sweep does not reach: nothing is extrapolated.
    """
    order = np.argsort(rival_fill, axis=1, kind="stable")
    xs, ys = np.take_along_axis(rival_fill, order, 1), np.take_along_axis(rival_stock, order, 1)
    rows = (np.interp(f, x, y, left=np.nan, right=np.nan) for f, x, y in zip(fill, xs, ys, strict=True))
    return np.fromiter(rows, np.float64, fill.size)


def interval(samples: FloatArray, coverage: float = 0.9) -> tuple[float, float]:
    """Percentile interval of bootstrap samples, NaN among them left out; NaN where nothing is left."""
    known = samples[~np.isnan(samples)]
    if known.size == 0:
        return np.nan, np.nan
    low, high = np.quantile(known, [(1 - coverage) / 2, (1 + coverage) / 2])
    return float(low), float(high)
