"""Readings of clocks, entity by entity, in compiled loops."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray
from skucast.numerics.compiled import compiled

BANDWIDTHS = (0, 1, 2, 4)
"""Neighbouring places on each side that a place may be averaged with."""

DOUBTED, BELIEVED = 1.6, 3.0
"""Standard deviations of Fisher's z up to which agreement of cycles is chance, and from which it is no longer."""

WHOLE, FEWEST_FREE = 40, 1.0
"""Pairs of places from which agreement counts as that of one free place at least, however smooth the curves are: goods
of one half of the year show two equal humps in two years, which as noise would be nearly the same place twice."""

MARGIN = 1.02
"""What a feast read first must explain more than the year read first."""


@compiled
def fill_curves(
    ratio: FloatArray,
    weight: FloatArray,
    prior: FloatArray,
    places: IntArray,
    cycles: IntArray,
    n_places: IntArray,
    curves: FloatArray,
) -> None:
    """The curve of every entity: see ``curves.seasonal_curves``.

    Args:
        ratio: demand over its level, 0 where unknown, shape (n, w).
        weight: what is usual of it, 0 where unknown, same shape.
        prior: factor believed before, shape (n, w_all).
        places: of all weeks on each clock, -1 for none, the year first, shape (k, w_all).
        cycles: same shape.
        n_places: of each clock, shape (k,).
        curves: filled, shape (n, w_all).
    """
    for row in range(ratio.shape[0]):
        seen = (ratio[row], weight[row])
        first, gain, empty = read(*seen, prior[row], places[0], cycles[0], n_places[0], True)
        best = np.where(empty, 0.0, prior[row] + first)
        for k in range(1, places.shape[0]):
            best, gain = with_feast(*seen, prior[row], places, cycles, n_places, k, best, gain)
        curves[row] = np.maximum(best, 0.0)


@compiled
def fill_signals(
    ratio: FloatArray, weight: FloatArray, place: IntArray, cycle: IntArray, n_places: int, signals: FloatArray
) -> None:
    """Mean square of what returns from cycle to cycle, entity by entity: see ``curves.seasonal_signals``.

    Args:
        ratio: demand over its level, 0 where unknown, shape (n, w).
        weight: what is usual of it, 0 where unknown, same shape.
        place: of each week on the clock, shape (w,).
        cycle: same shape.
        n_places: of the clock.
        signals: filled, shape (n,); NaN where no place is known in two cycles.
    """
    flat, n_cycles = np.ones(ratio.shape[1]), cycles_seen(place, cycle)
    for row in range(ratio.shape[0]):
        excess, mass, _ = cells(ratio[row], weight[row], flat, place, cycle, n_cycles, n_places)
        known: FloatArray = (mass > 0.0).astype(np.float64)
        seen = known.sum(axis=0)
        rough: FloatArray = excess / np.where(mass > 0.0, mass, 1.0)
        pairs = (seen * (seen - 1.0)).sum()
        signals[row] = crossed(rough, rough) / pairs if pairs > 0.0 else np.nan


@compiled
def with_feast(
    ratio: FloatArray,
    weight: FloatArray,
    prior: FloatArray,
    places: IntArray,
    cycles: IntArray,
    n_places: IntArray,
    k: int,
    best: FloatArray,
    gain: float,
) -> tuple[FloatArray, float]:
    """The best curve so far and what it explains, with feast ``k`` read after it, or before the year instead."""
    feast = (places[k], cycles[k], n_places[k], False)
    alone, alone_gain, _ = read(ratio, weight, prior, *feast)
    after, after_gain, _ = read(ratio, weight, best, *feast)
    if alone_gain > 0.0:
        year = (places[0], cycles[0], n_places[0], True)
        rest, rest_gain, empty = read(ratio, weight, prior + alone, *year)
        if alone_gain + rest_gain > (gain + after_gain) * MARGIN:
            again, _, _ = read(ratio, weight, prior + rest, *feast)
            moving = np.where(empty & (again <= 0.0), 0.0, prior + rest + again)
            return moving, alone_gain + rest_gain
    return best + after, gain + after_gain


@compiled
def read(
    ratio: FloatArray,
    weight: FloatArray,
    curve: FloatArray,
    place: IntArray,
    cycle: IntArray,
    n_places: int,
    is_circular: bool,  # noqa: FBT001
) -> tuple[FloatArray, float, BoolArray]:
    """What one clock adds to the curve of one entity, the squares it explains, and weeks in which nothing is ever sold.

    The last only of circular clocks, and where their season is certain.
    """
    added, empty = np.zeros(place.size), np.zeros(place.size, dtype=np.bool_)
    n_cycles = cycles_seen(place[: ratio.size], cycle)
    if n_cycles < 2:
        return added, 0.0, empty
    excess, mass, sold = cells(ratio, weight, curve, place, cycle, n_cycles, n_places)
    best, gain, belief = np.zeros(n_places), 0.0, 0.0
    for width in BANDWIDTHS:
        found, its_gain, its_belief = agreement(excess, mass, width, is_circular)
        if its_gain > gain:
            best, gain, belief = found, its_gain, its_belief
    nothing = np.zeros(n_places, dtype=np.bool_)
    if is_circular and belief >= 1.0:
        mark_empty(sold, mass, nothing)
    for t in range(place.size):
        if place[t] >= 0:
            added[t], empty[t] = best[place[t]], nothing[place[t]]
    return added, gain, empty


@compiled
def cycles_seen(place: IntArray, cycle: IntArray) -> int:
    """Cycles that weeks of history lie in."""
    found = 0
    for t in range(place.size):
        if place[t] >= 0:
            found = max(found, cycle[t] + 1)
    return found


@compiled
def cells(
    ratio: FloatArray,
    weight: FloatArray,
    curve: FloatArray,
    place: IntArray,
    cycle: IntArray,
    n_cycles: int,
    n_places: int,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Excess over the curve, weight and what was sold by cycle and place, each of shape (n_cycles, n_places)."""
    excess, mass, sold = (
        np.zeros((n_cycles, n_places)),
        np.zeros((n_cycles, n_places)),
        np.zeros((n_cycles, n_places)),
    )
    for t in range(ratio.size):
        if place[t] >= 0 and weight[t] > 0.0:
            c, p = cycle[t], place[t]
            excess[c, p] += ratio[t] - weight[t] * curve[t]
            mass[c, p] += weight[t]
            sold[c, p] += ratio[t]
    return excess, mass, sold


@compiled
def agreement(
    excess: FloatArray,
    mass: FloatArray,
    width: int,
    is_circular: bool,  # noqa: FBT001
) -> tuple[FloatArray, float, float]:
    """What cycles have in common: to be added at each place, squares explained from cycle to cycle, what is believed.

    Args:
        excess: over what the curve expects, by cycle and place, shape (c, p).
        mass: weight of each, same shape.
        width: neighbours on each side that a place is averaged with.
        is_circular: the last place borders on the first.
    """
    added = np.zeros(excess.shape[1])
    joint, squares, own, memory, pairs, n_cycles = between_cycles(excess, mass, width, is_circular)
    if joint <= 0.0 or squares <= 0.0 or own <= 0.0:
        return added, 0.0, 0.0
    believed, slope = belief_of(joint / np.sqrt(squares * own), memory, pairs), min(joint / squares, 1.0)
    credibility = believed * slope * n_cycles / (1.0 + slope * (n_cycles - 1.0))
    total, weights = excess.sum(axis=0), mass.sum(axis=0)
    for p in range(added.size):
        around = near(weights, p, width, is_circular)
        added[p] = credibility * near(total, p, width, is_circular) / around if around > 0.0 else 0.0
    return added, believed * joint * slope, believed


@compiled
def between_cycles(
    excess: FloatArray,
    mass: FloatArray,
    width: int,
    is_circular: bool,  # noqa: FBT001
) -> tuple[float, float, float, float, float, int]:
    """Sums over places and ordered pairs of different cycles, from which agreement follows.

    Returns:
        Products of the one's residual with the other's average, squares of averages, squares of residuals; then the
        autocorrelation of residuals, the unordered pairs, and the cycles seen.
    """
    n_cycles, n_places = excess.shape
    largest, rough, smooth = max(mass.max(), 1e-300), np.zeros(excess.shape), np.zeros(excess.shape)
    for c in range(n_cycles):
        for p in range(n_places):
            if mass[c, p] > 0.0:
                rough[c, p] = excess[c, p] / mass[c, p]
                smooth[c, p] = near(excess[c], p, width, is_circular) / near(mass[c], p, width, is_circular)
    weight: FloatArray = mass / largest
    seen: FloatArray = (mass > 0.0).astype(np.float64)
    roughs = (rough * rough).sum()
    memory = (rough[:, 1:] * rough[:, :-1]).sum() / roughs if roughs > 0.0 else 0.0
    joint = crossed(weight * rough, smooth)
    squares, own = crossed(weight, smooth * smooth), crossed(weight * rough * rough, seen)
    n_seen = seen.sum(axis=0)
    pairs = (n_seen * (n_seen - 1.0)).sum() / 2.0
    return joint, squares, own, memory, pairs, (seen.sum(axis=1) > 0.0).sum()


@compiled
def crossed(left: FloatArray, right: FloatArray) -> float:
    """Sum over places and ordered pairs of different cycles of left in the one times right in the other."""
    total: float = (left.sum(axis=0) * right.sum(axis=0)).sum() - (left * right).sum()
    return total


@compiled
def belief_of(alike: float, memory: float, pairs: float) -> float:
    """Share of the agreement that is no chance: Fisher's z with as many places as are independent of each other.

    Source: Fisher (1921); Bartlett (1946) for the number of independent places under autocorrelation.
    """
    memory = min(max(memory, 0.0), 0.95)
    free = pairs * (1.0 - memory * memory) / (1.0 + memory * memory)
    z = np.arctanh(min(max(alike, 0.0), 0.999999)) * np.sqrt(max(free - 3.0, FEWEST_FREE if pairs >= WHOLE else 0.0))
    share: float = min(max((z - DOUBTED) / (BELIEVED - DOUBTED), 0.0), 1.0)
    return share


@compiled
def near(values: FloatArray, p: int, width: int, is_circular: bool) -> float:  # noqa: FBT001
    """Sum of a place and its neighbours; their weight falls to 0 at ``width`` + 1 places."""
    n = values.size
    total: float = values[p]
    for step in range(1, width + 1):
        share, after, before = 1.0 - step / (width + 1.0), p + step, p - step
        if is_circular:
            after, before = after - n if after >= n else after, before + n if before < 0 else before
        if after < n:
            total += share * values[after]
        if before >= 0:
            total += share * values[before]
    return total


@compiled
def mark_empty(sold: FloatArray, mass: FloatArray, nothing: BoolArray) -> None:
    """Places seen in two cycles at which, with their neighbours, nothing was sold in any."""
    for p in range(nothing.size):
        total, cycles = 0.0, 0
        for c in range(sold.shape[0]):
            total += near(sold[c], p, 1, True)
            cycles += 1 if near(mass[c], p, 1, True) > 0.0 else 0
        nothing[p] = cycles >= 2 and total <= 0.0
