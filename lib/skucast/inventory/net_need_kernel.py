"""Stock along demand paths, one item after the other."""

from __future__ import annotations

import numpy as np

from skucast.compiled import compiled
from skucast.inventory.arrays import FloatArray, IntArray
from skucast.inventory.paths_kernel import fill_paths, turn

_FIRST, _SECOND, _UNSURE = 1001, 1002, 1003
"""Turns of the draws of lead times and, from the third on, of deliveries: beyond all steps, so that they are
independent of demand."""


@compiled
def draw_lead_times(law: FloatArray, shuffled: IntArray, row: int, start: int, into: IntArray) -> None:
    """Lead times in equal shares of probability, in an order that is independent of the paths'."""
    n = into.size
    for j in range(n):
        p, periods, passed = (shuffled[row, (j + start) % n] + 0.5) / n, 0, law[0]
        while passed < p and periods < law.size - 1:
            periods += 1
            passed += law[periods]
        into[j] = periods


@compiled
def draw_receipts(
    certain: FloatArray,
    quantities: FloatArray,
    laws: FloatArray,
    shuffled: IntArray,
    seed: int,
    j: int,
    n: int,
    into: FloatArray,
) -> None:
    """Deliveries of path ``j`` of ``n``: those whose step is certain, and each of the others in a step of its own law.

    What the law leaves open comes after the last step.
    """
    into[:] = certain
    for k in range(quantities.size):
        place = (j + turn(seed, _UNSURE + k, n)) % n
        p, passed = (shuffled[shuffled.shape[0] - 1 - k % shuffled.shape[0], place] + 0.5) / n, 0.0
        for h in range(into.size):
            passed += laws[k, h]
            if passed >= p:
                into[h] += quantities[k]
                break


@compiled
def walk(
    demand: FloatArray,
    receipts: FloatArray,
    opening: float,
    is_lost: bool,  # noqa: FBT001 - compiled functions take positions
    stock: FloatArray,
    missed: FloatArray,
) -> None:
    """One path without a new order: the stock at the end of every step, and the units that it could not serve.

    What is missing is lost, or is owed; what was owed from the beginning stays owed until it is delivered.
    """
    on_hand = opening
    for h in range(demand.size):
        on_hand += receipts[h]
        missed[h] = min(demand[h], max(demand[h] - on_hand, 0.0))
        on_hand -= demand[h] - missed[h] if is_lost else demand[h]
        stock[h] = on_hand


@compiled
def net_need(demand: FloatArray, receipts: FloatArray, at_arrival: float, arrival: int, end: int) -> float:
    """What must arrive at the start of ``arrival`` so that nothing is missed in the steps arrival … end − 1."""
    wanted, supplied, need = 0.0, 0.0, 0.0
    for h in range(arrival, end):
        wanted += demand[h]
        supplied += receipts[h] if h > arrival else 0.0
        need = max(need, wanted - supplied) if h > arrival else wanted
    return need - at_arrival


@compiled
def summarise(need: FloatArray, levels: FloatArray, quantiles: FloatArray, shortages: FloatArray) -> None:
    """Quantiles of equally likely needs, between their middles linear, and the mean excess over each quantile."""
    n = need.size
    rising = np.sort(need)
    above = np.zeros(n + 1)
    for j in range(n - 1, -1, -1):
        above[j] = above[j + 1] + rising[j]
    for i in range(levels.size):
        at = min(max(levels[i] * n - 0.5, 0.0), n - 1.0)
        low = int(at)
        high = min(low + 1, n - 1)
        quantiles[i] = rising[low] + (at - low) * (rising[high] - rising[low])
        first = np.searchsorted(rising, quantiles[i])
        shortages[i] = (above[first] - (n - first) * quantiles[i]) / n


@compiled
def fill_outlook(
    levels: FloatArray,
    steps: FloatArray,
    sums: FloatArray,
    n_steps: IntArray,
    opening: FloatArray,
    receipts: FloatArray,
    laws: FloatArray,
    review: IntArray,
    unsure: FloatArray,
    unsure_laws: FloatArray,
    unsure_starts: IntArray,
    is_lost: bool,  # noqa: FBT001
    seeds: IntArray,
    scores: FloatArray,
    shuffled: IntArray,
    need_levels: FloatArray,
    need: FloatArray,
    shortage: FloatArray,
    means: FloatArray,
    stock: FloatArray,
    lost: FloatArray,
    ran_out: FloatArray,
) -> None:
    """The outlook of every item, into the last six arrays, which come as zeros: see ``net_need.Outlook``."""
    n = scores.size
    needs, first, second = np.empty(n), np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    for i in range(opening.size):
        horizon = n_steps[i]
        demand, held, missed = np.empty((horizon, n)), np.empty(horizon), np.empty(horizon)
        came, of = np.empty(horizon), slice(unsure_starts[i], unsure_starts[i + 1])
        fill_paths(levels, steps[i, :horizon], sums[i, :horizon], scores, shuffled, seeds[i], demand)
        draw_lead_times(laws[i], shuffled, 0, turn(seeds[i], _FIRST, n), first)
        draw_lead_times(laws[i], shuffled, 1, turn(seeds[i], _SECOND, n), second)
        for j in range(n):
            path, arrival, end = demand[:, j], min(first[j], horizon - 1), min(second[j] + review[i], horizon)
            draw_receipts(receipts[i, :horizon], unsure[of], unsure_laws[of], shuffled, seeds[i], j, n, came)
            walk(path, came, opening[i], is_lost, held, missed)
            at_arrival = came[arrival] + (held[arrival - 1] if arrival > 0 else opening[i])
            needs[j] = net_need(path, came, at_arrival, arrival, end)
            means[i, 0] += path[arrival:end].sum() / n
            means[i, 1] += missed[:arrival].sum() / n
            means[i, 2] += at_arrival / n
            add_step_means(held, missed, n, stock[i], lost[i], ran_out[i])
        summarise(needs, need_levels, need[i], shortage[i])
        means[i, 3] = needs.mean()


@compiled
def add_step_means(
    held: FloatArray, missed: FloatArray, n: int, stock: FloatArray, lost: FloatArray, ran_out: FloatArray
) -> None:
    """Add one of ``n`` paths to the means of its steps; ``ran_out`` from the first missed unit on."""
    is_out = False
    for h in range(held.size):
        is_out = is_out or missed[h] > 0.0
        stock[h] += held[h] / n
        lost[h] += missed[h] / n
        ran_out[h] += is_out / n
