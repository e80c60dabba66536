"""Windows of past forecasts, made by hand or drawn from the law that they promise."""

from __future__ import annotations

from typing import Any

import numpy as np

from skucast.forecasting.monitoring.realised import Past, Windows

LEVELS = np.array([0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.8, 0.9, 0.95, 0.975, 0.99])


def windows_of(demand: Any, law: Any, *, length: int = 1, is_known: Any = None, promised: Any = None) -> Windows:
    """Windows from every period on, each with the law promised (a frozen distribution of scipy)."""
    demand = np.asarray(demand, dtype=float)
    n, w = demand.shape
    law = promised or law
    quantiles = np.broadcast_to(law.ppf(LEVELS), (n, w, LEVELS.size))
    there = np.isfinite(demand)
    return Windows(
        levels=LEVELS,
        start=np.arange(w),
        length=np.full((n, w), length),
        demand=demand,
        is_known=there if is_known is None else there & is_known,
        mean=np.full((n, w), float(law.mean())),
        sd=np.full((n, w), float(law.std())),
        quantiles=quantiles,
    )


def drawn(law: Any, n: int, w: int, seed: int = 1) -> np.ndarray:
    """Demand by the law, shape (n, w)."""
    return np.asarray(law.rvs((n, w), random_state=np.random.default_rng(seed)), dtype=float)


def past_of(windows: Windows) -> Past:
    """Past forecasts whose protection period is one period, without a policy."""
    nothing = np.full(windows.length.shape, np.nan)
    return Past(windows, windows, np.ones(windows.length.shape), nothing, nothing)
