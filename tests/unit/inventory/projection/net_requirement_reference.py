"""The outlook of one item as plain loops over its paths."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from skucast.numerics.arrays import FloatArray


def reference_outlook(
    paths: FloatArray, opening: float, receipts: FloatArray, law: list[float], review: int, *, is_lost: bool
) -> dict[str, Any]:
    """``paths`` (horizon, n); every pair of lead times on every path."""
    horizon, n = paths.shape
    needs, shares = [], []
    totals = dict.fromkeys(("cycle_demand", "lost_before", "stock_at_arrival"), 0.0)
    stock, lost, out = np.zeros(horizon), np.zeros(horizon), np.zeros(horizon)
    for j in range(n):
        followed = _followed(paths[:, j], opening, receipts, is_lost=is_lost)
        for t, (_, x, missed) in enumerate(followed):
            stock[t] += x / n
            lost[t] += missed / n
            out[t] += any(each[2] > 0 for each in followed[: t + 1]) / n
        for (first, p), (second, q) in itertools.product(enumerate(law), enumerate(law)):
            arrival, end = min(first, horizon - 1), min(second + review, horizon)
            wanted, supplied, need = 0.0, 0.0, -math.inf
            for t in range(arrival, end):
                wanted += paths[t, j]
                supplied += receipts[t] if t > arrival else 0
                need = max(need, wanted - supplied)
            needs.append((0.0 if need == -math.inf else need) - followed[arrival][0])
            shares.append(p * q / n)
            totals["cycle_demand"] += p * q / n * wanted
            totals["lost_before"] += p * q / n * sum(each[2] for each in followed[:arrival])
            totals["stock_at_arrival"] += p * q / n * followed[arrival][0]
    return {
        "needs": np.array(needs),
        "shares": np.array(shares),
        "stock": stock,
        "lost": lost,
        "ran_out": out,
        **totals,
    }


def _followed(
    path: FloatArray, opening: float, receipts: FloatArray, *, is_lost: bool
) -> list[tuple[float, float, float]]:
    """Stock at the beginning and the end of each step, and what it missed."""
    x, found = opening, []
    for demand, receipt in zip(path, receipts, strict=True):
        begin = x + receipt
        served = min(demand, max(begin, 0.0))
        x = begin - (served if is_lost else demand)
        found.append((begin, x, demand - served))
    return found
