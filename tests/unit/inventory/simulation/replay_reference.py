"""A replay of one item as a plain loop over its periods: (R,S) with lost sales and a fixed lead time."""

from __future__ import annotations

from collections.abc import Callable


def reference_replay(
    demand: list[float], opening: float, arriving: list[float], lead: int, review: int, first: int, score_from: int,
    shortfall: Callable[[int, float, list[float]], float],
) -> dict[str, float]:  # fmt: skip
    """``shortfall(t, on_hand, due)``: what is lacking in period t; ``due[k]`` arrives in period t + k."""
    n = len(demand)
    due = [*arriving, *[0.0] * (n + lead + review - len(arriving))]
    stock, totals = opening, {"demanded": 0.0, "filled": 0.0, "on_hand": 0.0, "ordered": 0.0}
    for t in range(n):
        stock += due[t]
        if t >= first and (t - first) % review == 0:
            order = max(0.0, shortfall(t, stock, [0.0, *due[t + 1 :]]))
            due[t + lead] += order
            stock += order if lead == 0 else 0.0
            totals["ordered"] += order if t >= score_from else 0.0
        filled = min(stock, demand[t])
        stock -= filled
        if t >= score_from:
            totals["demanded"] += demand[t]
            totals["filled"] += filled
            totals["on_hand"] += stock
    return totals
