"""The outlook of one item as plain loops over its paths."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from skucast.inventory.arrays import FloatArray


def lead_times(law: list[float], uniforms: FloatArray) -> list[int]:
    """Smallest period at which the law has passed each uniform number."""
    return [int(np.searchsorted(np.cumsum(law), u)) for u in uniforms]


def reference_outlook(
    paths: FloatArray,
    opening: float,
    receipts: FloatArray,
    first: list[int],
    second: list[int],
    review: int,
    *,
    is_lost: bool,
) -> dict[str, Any]:
    """``paths`` (horizon, n); ``first`` and ``second`` lead times of each path."""
    horizon, n = paths.shape
    needs, demand, before, arrivals = [], [], [], []
    stock, lost, out = np.zeros(horizon), np.zeros(horizon), np.zeros(horizon)
    for j in range(n):
        arrival, end = min(first[j], horizon - 1), min(second[j] + review, horizon)
        x, ran_out, wanted, supplied, need, at_arrival, missed_before = opening, False, 0.0, 0.0, -math.inf, 0.0, 0.0
        for t in range(horizon):
            x += receipts[t]
            if t == arrival:
                at_arrival = x
            if arrival <= t < end:
                wanted += paths[t, j]
                supplied += receipts[t] if t > arrival else 0
                need = max(need, wanted - supplied)
            served = min(paths[t, j], max(x, 0.0))
            missed = paths[t, j] - served
            missed_before += missed if t < arrival else 0
            x -= served if is_lost else paths[t, j]
            ran_out = ran_out or missed > 0
            stock[t] += x / n
            lost[t] += missed / n
            out[t] += ran_out / n
        needs.append((0.0 if need == -math.inf else need) - at_arrival)
        demand.append(wanted)
        before.append(missed_before)
        arrivals.append(at_arrival)
    return {
        "needs": np.sort(needs), "cycle_demand": np.mean(demand), "lost_before": np.mean(before),
        "stock_at_arrival": np.mean(arrivals), "stock": stock, "lost": lost, "ran_out": out,
    }  # fmt: skip
