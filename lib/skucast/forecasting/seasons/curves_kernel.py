"""Readings of clocks, entity by entity, in compiled loops."""

from __future__ import annotations

import numpy as np

from skucast.compiled import compiled
from skucast.forecasting.panel import BoolArray, FloatArray, IntArray

BANDWIDTHS = (0, 1, 2, 4)
"""Neighbouring places on each side that a place may be averaged with."""

DOUBTED, BELIEVED = 1.0, 3.0
"""Standard deviations of Fisher's z up to which agreement of cycles is chance, and from which it is no longer."""

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
        year, n = (places[0], cycles[0]), n_places[0]
        first, gain, empty = read(ratio[row], weight[row], prior[row], year[0], year[1], n, True)
        best = prior[row] + first
        for t in range(best.size):
            if empty[t]:
                best[t] = 0.0
        for k in range(1, places.shape[0]):
            alone, alone_gain, _ = read(ratio[row], weight[row], prior[row], places[k], cycles[k], n_places[k], False)
            after, after_gain, _ = read(ratio[row], weight[row], best, places[k], cycles[k], n_places[k], False)
            if alone_gain > 0.0:
                rest, rest_gain, empty = read(ratio[row], weight[row], prior[row] + alone, year[0], year[1], n, True)
                if alone_gain + rest_gain > (gain + after_gain) * MARGIN:
                    beside = prior[row] + rest
                    again, _, _ = read(ratio[row], weight[row], beside, places[k], cycles[k], n_places[k], False)
                    best, gain = beside + again, alone_gain + rest_gain
                    for t in range(best.size):
                        if empty[t] and again[t] <= 0.0:
                            best[t] = 0.0
                    continue
            best, gain = best + after, gain + after_gain
        curves[row] = np.maximum(best, 0.0)


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
    w, n_cycles = ratio.size, 0
    for t in range(w):
        if place[t] >= 0 and cycle[t] + 1 > n_cycles:
            n_cycles = cycle[t] + 1
    added, empty = np.zeros(place.size), np.zeros(place.size, dtype=np.bool_)
    if n_cycles < 2:
        return added, 0.0, empty
    shape = (n_cycles, n_places)
    excess, mass, sold = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for t in range(w):
        if place[t] >= 0 and weight[t] > 0.0:
            c, p = cycle[t], place[t]
            excess[c, p] += ratio[t] - weight[t] * curve[t]
            mass[c, p] += weight[t]
            sold[c, p] += ratio[t]
    best, gain, belief = np.zeros(n_places), 0.0, 0.0
    for width in BANDWIDTHS:
        found, its_gain, its_belief = agreement(excess, mass, width, is_circular)
        if its_gain > gain:
            best, gain, belief = found, its_gain, its_belief
    if gain <= 0.0:
        return added, 0.0, empty
    nothing = np.zeros(n_places, dtype=np.bool_)
    if is_circular and belief >= 1.0:
        mark_empty(sold, mass, nothing)
    for t in range(place.size):
        if place[t] >= 0:
            added[t], empty[t] = best[place[t]], nothing[place[t]]
    return added, gain, empty


@compiled
def agreement(excess: FloatArray, mass: FloatArray, width: int, is_circular: bool) -> tuple[FloatArray, float, float]:  # noqa: FBT001
    """What cycles have in common: to be added at each place, squares explained from cycle to cycle, what is believed.

    Args:
        excess: over what the curve expects, by cycle and place, shape (c, p).
        mass: weight of each, same shape.
        width: neighbours on each side that a place is averaged with.
        is_circular: the last place borders on the first.
    """
    n_cycles, n_places = excess.shape
    largest = max(mass.max(), 1e-300)
    joint, squares, own, roughs, next_to, pairs, seen_cycles = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0
    total, weights = np.zeros(n_places), np.zeros(n_places)
    # Sums over ordered pairs of different cycles follow from sums over all pairs, less those of a cycle with itself.
    left, right = np.zeros((4, n_places)), np.zeros((3, n_places))
    for c in range(n_cycles):
        before, any_seen = 0.0, False
        for p in range(n_places):
            around_excess, around_mass = near(excess[c], p, width, is_circular), near(mass[c], p, width, is_circular)
            rough = excess[c, p] / mass[c, p] if mass[c, p] > 0.0 else 0.0
            roughs += rough * rough
            next_to += rough * before if p > 0 else 0.0
            before = rough
            if mass[c, p] > 0.0:
                smooth, v, any_seen = around_excess / around_mass, mass[c, p] / largest, True
                left[0, p] += v * rough
                left[1, p] += v
                left[2, p] += v * rough * rough
                left[3, p] += 1.0
                right[0, p] += smooth
                right[1, p] += smooth * smooth
                joint -= v * rough * smooth
                squares -= v * smooth * smooth
                own -= v * rough * rough
        seen_cycles += 1 if any_seen else 0
    for p in range(n_places):
        joint += left[0, p] * right[0, p]
        squares += left[1, p] * right[1, p]
        own += left[2, p] * left[3, p]
        pairs += left[3, p] * (left[3, p] - 1.0) / 2.0
        for c in range(n_cycles):
            total[p] += excess[c, p]
            weights[p] += mass[c, p]
    if joint <= 0.0 or squares <= 0.0 or own <= 0.0:
        return total, 0.0, 0.0
    believed = belief_of(joint / np.sqrt(squares * own), next_to / roughs, pairs)
    slope = min(joint / squares, 1.0)
    credibility = believed * slope * seen_cycles / (1.0 + slope * (seen_cycles - 1.0))
    added = np.zeros(n_places)
    for p in range(n_places):
        around = near(weights, p, width, is_circular)
        added[p] = credibility * near(total, p, width, is_circular) / around if around > 0.0 else 0.0
    return added, believed * joint * slope, believed


@compiled
def belief_of(alike: float, memory: float, pairs: float) -> float:
    """Share of the agreement that is no chance: Fisher's z with as many places as are independent of each other.

    Source: Fisher (1921); Bartlett (1946) for the number of independent places under autocorrelation.
    """
    memory = min(max(memory, 0.0), 0.95)
    free = pairs * (1.0 - memory * memory) / (1.0 + memory * memory)
    z = np.arctanh(min(max(alike, 0.0), 0.999999)) * np.sqrt(max(free - 3.0, 0.0))
    return min(max((z - DOUBTED) / (BELIEVED - DOUBTED), 0.0), 1.0)


@compiled
def near(values: FloatArray, p: int, width: int, is_circular: bool) -> float:  # noqa: FBT001
    """Sum of a place and its neighbours; their weight falls to 0 at ``width`` + 1 places."""
    total, n = values[p], values.size
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
