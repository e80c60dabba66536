"""Stock along demand paths, one item after the other."""

from __future__ import annotations

import numpy as np

from skucast.inventory.demand.paths_kernel import fill_paths, sort_by_guess
from skucast.inventory.demand.quantile_distribution_kernel import is_whole
from skucast.numerics.arrays import FloatArray, IntArray
from skucast.numerics.compiled import compiled
from skucast.numerics.random import turn

_NOISE = 1e-9
_UNSURE = 1001
"""Turn of the first draw of a delivery: beyond all steps, so that it is independent of demand."""


@compiled
def fill_receipts(
    certain: FloatArray,
    quantities: FloatArray,
    laws: FloatArray,
    demand: FloatArray,
    pairings: IntArray,
    seed: int,
    into: FloatArray,
) -> None:
    """Deliveries of every path into ``into`` (paths, steps): the certain ones, and each other in a step of its own law.

    Each path takes an equal share of the law. Shares are spread evenly over the paths' ranks by stock: demand less the
    deliveries drawn so far, added up over the steps. Ranks and shares are scrambled for each delivery (Owen 1995), so
    that deliveries are independent of each other and of demand. What the law leaves open comes after the last step.
    """
    (n, horizon), n_rows = demand.shape, pairings.shape[0]
    owed, ends, by_owed = np.zeros(n), np.empty(4 * n, np.int64), np.arange(n)
    into[:] = certain
    for h in range(horizon if quantities.size else 0):
        owed += (horizon - h) * demand[:, h]
    for k in range(quantities.size):
        sort_by_guess(owed, by_owed.copy(), ends, by_owed)
        start, passed, row = turn(seed, _UNSURE + k, n), np.cumsum(laws[k, :horizon]), 3 * k
        ranks, others, places = pairings[row % n_rows], pairings[(row + 1) % n_rows], pairings[(row + 2) % n_rows]
        for i in range(n):
            path = by_owed[ranks[i]]
            step = np.searchsorted(passed, (places[(others[i] + start) % n] + 0.5) / n)
            if step < horizon:
                into[path, step] += quantities[k]
                owed[path] -= (horizon - step) * quantities[k]


@compiled
def walk(
    demand: FloatArray,
    receipts: FloatArray,
    opening: float,
    is_lost: bool,  # noqa: FBT001 - compiled functions take positions
    begin: FloatArray,
    stock: FloatArray,
    missed: FloatArray,
) -> None:
    """One path without a new order: the stock at both ends of every step, and the units that it could not serve.

    What is missing is lost, or is owed; what was owed from the beginning stays owed until it is delivered.
    """
    on_hand = opening
    for h in range(demand.size):
        on_hand += receipts[h]
        begin[h] = on_hand
        missed[h] = min(demand[h], max(demand[h] - on_hand, 0.0))
        on_hand -= demand[h] - missed[h] if is_lost else demand[h]
        stock[h] = on_hand


@compiled
def add_needs(
    demand: FloatArray, receipts: FloatArray, at_arrival: FloatArray, arrivals: FloatArray, ends: FloatArray,
    values: FloatArray, weights: FloatArray, first: int,
) -> int:  # fmt: skip
    """The needs of one path for every lead time of this order and of the next, and how probable both are together.

    A need is what must arrive at the start of the arrival step so that nothing is missed in the steps before the end.

    Returns:
        Where the next path's needs go.
    """
    place = first
    for arrival in range(demand.size):
        if arrivals[arrival] == 0.0:
            continue
        wanted, need = 0.0, 0.0
        for end in range(arrival + 1):  # the next order overtakes this one
            if ends[end] > 0.0:
                values[place], weights[place] = -at_arrival[arrival], arrivals[arrival] * ends[end]
                place += 1
        for h in range(arrival, demand.size):
            wanted += demand[h] - (receipts[h] if h > arrival else 0.0)
            need = max(need, wanted) if h > arrival else wanted
            if ends[h + 1] > 0.0:
                values[place], weights[place] = need - at_arrival[arrival], arrivals[arrival] * ends[h + 1]
                place += 1
    return place


@compiled
def steps_of(law: FloatArray, further: int, last: int, into: FloatArray) -> int:
    """Probability of each step that a lead time and further periods reach, none beyond the last; how many there are."""
    into[:] = 0.0
    for periods in range(law.size):
        into[min(periods + further, last)] += law[periods]
    return int((into > 0.0).sum())


@compiled
def order_statistic(rising: FloatArray, passed: FloatArray, level: float) -> float:
    """The least value that a share of ``level`` does not exceed; ``passed``: the share up to each value."""
    return float(rising[min(int(np.searchsorted(passed, level - _NOISE)), rising.size - 1)])


@compiled
def between_middles(rising: FloatArray, passed: FloatArray, level: float) -> float:
    """Quantile, straight between the middles of the values' shares (Hazen 1914)."""
    last = rising.size - 1
    i = np.searchsorted(passed, level)
    if i > last:
        return float(rising[last])
    middle = 0.5 * (passed[i] + (passed[i - 1] if i > 0 else 0.0))
    if level < middle:
        i -= 1
        if i < 0:
            return float(rising[0])
        middle = 0.5 * (passed[i] + (passed[i - 1] if i > 0 else 0.0))
    if i == last:
        return float(rising[last])
    following = 0.5 * (passed[i + 1] + passed[i])
    return float(rising[i] + (rising[i + 1] - rising[i]) * (level - middle) / (following - middle))


@compiled
def least_with_shortage(rising: FloatArray, passed: FloatArray, allowed: float) -> float:
    """The least q with E(need − q)⁺ ≤ allowed: the mean excess runs straight between the values."""
    above = 0.0
    for j in range(rising.size - 1, 0, -1):
        share = 1.0 - passed[j - 1]
        more = above + share * (rising[j] - rising[j - 1])
        if more > allowed:
            return float(rising[j] - (allowed - above) / share)
        above = more
    return float(rising[0] - (allowed - above))


@compiled
def needed(rising: FloatArray, passed: FloatArray, mean_demand: float, aim: FloatArray, whole: bool) -> float:  # noqa: FBT001
    """The least quantity that reaches the aim (level, fill rate or NaN, lot or NaN)."""
    level, fill_rate, lot = aim
    if not np.isnan(fill_rate) and mean_demand > 0.0:
        demand = max(mean_demand, lot) if lot > 0.0 else mean_demand
        found = least_with_shortage(rising, passed, (1.0 - fill_rate) * demand)
    else:
        found = order_statistic(rising, passed, level) if whole else between_middles(rising, passed, level)
    return float(np.ceil(np.round(found, 9))) if whole else found


@compiled
def tell_points(
    rising: FloatArray,
    passed: FloatArray,
    levels: FloatArray,
    whole: bool,  # noqa: FBT001
    points: FloatArray,
) -> None:
    """Quantities at which the law of the need is told: quantiles at the levels.

    Whole needs are told unit by unit, if they lie close enough together; else the quantiles, each above the one before.
    """
    span = rising[rising.size - 1] - rising[0]
    for i in range(levels.size):
        if not whole:
            points[i] = between_middles(rising, passed, levels[i])
        elif span < levels.size:
            points[i] = rising[0] + i
        else:
            points[i] = order_statistic(rising, passed, levels[i])
            if i > 0:
                points[i] = max(points[i], points[i - 1] + 1.0)


@compiled
def mean_excess(rising: FloatArray, weights: FloatArray, points: FloatArray, into: FloatArray) -> None:
    """E(need − q)⁺ at rising points q."""
    j, above, share = rising.size, 0.0, 0.0
    for i in range(points.size - 1, -1, -1):
        while j > 0 and rising[j - 1] > points[i]:
            j -= 1
            above += weights[j] * rising[j]
            share += weights[j]
        into[i] = above - share * points[i]


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
    seeds: IntArray,
    unsure: FloatArray,
    unsure_laws: FloatArray,
    unsure_starts: IntArray,
    is_lost: bool,  # noqa: FBT001
    aims: FloatArray,
    scores: FloatArray,
    pairings: IntArray,
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
    for i in range(opening.size):
        horizon = n_steps[i]
        paths, begin, held, missed = np.empty((horizon, n)), np.empty(horizon), np.empty(horizon), np.empty(horizon)
        fill_paths(levels, steps[i, :horizon], sums[i, :horizon], scores, pairings, seeds[i], paths)
        arrivals, ends = np.empty(horizon), np.empty(horizon + 1)
        n_pairs = steps_of(laws[i], 0, horizon - 1, arrivals) * steps_of(laws[i], review[i], horizon, ends)
        # In the cycle the order has arrived, and the next one has not.
        in_cycle = np.cumsum(arrivals) * (1.0 - np.cumsum(ends)[:horizon])
        demand, values, weights, place = paths.T.copy(), np.empty(n * n_pairs), np.empty(n * n_pairs), 0
        own, came = slice(unsure_starts[i], unsure_starts[i + 1]), np.empty((n, horizon))
        fill_receipts(receipts[i, :horizon], unsure[own], unsure_laws[own], demand, pairings, seeds[i], came)
        for j in range(n):
            walk(demand[j], came[j], opening[i], is_lost, begin, held, missed)
            place = add_needs(demand[j], came[j], begin, arrivals, ends, values, weights, place)
            add_means(demand[j], begin, missed, arrivals, in_cycle, means[i])
            add_step_means(held, missed, stock[i], lost[i], ran_out[i])
        means[i] /= n
        stock[i] /= n
        lost[i] /= n
        ran_out[i] /= n
        whole = is_whole(sums[i, :horizon]) and is_whole(steps[i, :horizon])
        rising, share, passed = sorted_shares(values[:place], weights[:place])
        means[i, 3] = (rising * share).sum()
        means[i, 4] = needed(rising, passed, means[i, 0], aims[i], whole)
        # Needs of whole units lie whole units apart, unless deliveries are of parts of one.
        tell_points(rising, passed, need_levels, whole and is_whole(rising - rising[0]), need[i])
        mean_excess(rising, share, need[i], shortage[i])


@compiled
def sorted_shares(values: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The values, rising, their shares of the weight, and the share up to each."""
    by_value, ends = np.empty(values.size, np.int64), np.empty(4 * values.size, np.int64)
    sort_by_guess(values, np.arange(values.size), ends, by_value)
    rising, share = values[by_value], weights[by_value] / weights.sum()
    for k in range(1, rising.size):  # what lies within one step of the sorting
        value, weight, at = rising[k], share[k], k
        while at > 0 and rising[at - 1] > value:
            rising[at], share[at] = rising[at - 1], share[at - 1]
            at -= 1
        rising[at], share[at] = value, weight
    return rising, share, np.cumsum(share)


@compiled
def add_means(
    demand: FloatArray, at_arrival: FloatArray, missed: FloatArray, arrivals: FloatArray, in_cycle: FloatArray,
    means: FloatArray,
) -> None:  # fmt: skip
    """Add a path's demand of the arrival cycle, what is missed before it, and the stock when it begins."""
    lost_before = 0.0
    for h in range(demand.size):
        means[0] += demand[h] * in_cycle[h]
        means[1] += arrivals[h] * lost_before
        means[2] += arrivals[h] * at_arrival[h]
        lost_before += missed[h]


@compiled
def add_step_means(
    held: FloatArray, missed: FloatArray, stock: FloatArray, lost: FloatArray, ran_out: FloatArray
) -> None:
    """Add one path to the sums of its steps; ``ran_out`` from the first missed unit on."""
    is_out = False
    for h in range(held.size):
        is_out = is_out or missed[h] > 0.0
        stock[h] += held[h]
        lost[h] += missed[h]
        ran_out[h] += is_out
