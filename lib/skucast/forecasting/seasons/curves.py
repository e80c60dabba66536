"""Seasonal curves of many entities (series, or groups of series) by what returns from cycle to cycle.

An entity's demand is compared with its own slowly moving level: the ratio of a week is 1 where the season says nothing.
What its ratios have in common in different cycles, beyond what a prior (that of its group) says, is signal; what they
do not, is noise. The covariance between cycles measures the one, their variance both, so that each entity gets as
much of its own season as the evidence carries (credibility, Bühlmann & Straub 1970), and the rest from its group.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skucast.forecasting.panel import BoolArray, FloatArray
from skucast.forecasting.seasons.clocks import YEAR, Clock

BANDWIDTHS = (0, 1, 2, 4)
"""Neighbouring places on each side that a place may be averaged with."""

LEAST_COVERAGE = 0.6
"""Share of a cycle that must be known for its level to count."""

DOUBTED, BELIEVED = 1.0, 3.0
"""Standard deviations of Fisher's z up to which agreement of cycles is chance, and from which it is no longer."""

EMPTY_NEIGHBOURS = 1
"""Places on each side that must be empty in every cycle, too, for a place to be empty for certain."""

MARGIN = 1.02
"""What a feast read first must explain more than the year read first."""

FELT = 0.5
"""Part of the level by which some week must differ for the season to be felt in the level of a year."""


@dataclass(frozen=True)
class Ratios:
    """Demand of n entities in w weeks beside what they sell on average.

    Attributes:
        demand: units, weighted, summed over the entity's series, shape (n, w); 0 where nothing is known.
        usual: what the same series sell in an average week, weighted alike, shape (n, w); 0 where nothing is known.
    """

    demand: FloatArray
    usual: FloatArray


def seasonal_curves(ratios: Ratios, prior: FloatArray, clocks: tuple[Clock, ...]) -> FloatArray:
    """Factor of every week, history and ahead, about 1 on average over a year; shape (n, w_all).

    The year is read first, then what a feast adds; or the feast first where that explains more: goods of a moving feast
    would else be smeared over the weeks in which it has fallen.

    A season that is felt is read twice. The first level does not know it yet: a year in which a feast falls twice, or
    not at all, has another mean at the same level. The second level expects what was read first.

    Args:
        ratios: of the weeks of history, shapes (n, w).
        prior: factor of every week believed before, history and ahead, shape (n, w_all), w_all >= w.
        clocks: over all w_all weeks, the year first.
    """
    block = clocks[0].block
    first = _curves(_scaled(ratios, prior, block), prior, clocks)
    rows = np.flatnonzero(np.abs(first - prior).max(axis=1, initial=0.0) > FELT)
    if rows.size:
        own = Ratios(ratios.demand[rows], ratios.usual[rows])
        first[rows] = _curves(_scaled(own, first[rows], block), prior[rows], clocks)
    return first


def _curves(scaled: _Scaled, prior: FloatArray, clocks: tuple[Clock, ...]) -> FloatArray:
    year, feasts = clocks[0], clocks[1:]
    first = _read(scaled, prior, year)
    best, gain = np.where(first.is_empty, 0.0, prior + first.added), first.gain
    for feast in feasts:
        after = _read(scaled, best, feast)
        alone = _read(scaled, prior, feast)
        rest = _read(scaled, prior + alone.added, year)
        again = _read(scaled, prior + rest.added, feast)
        is_better = alone.gain + rest.gain > (gain + after.gain) * MARGIN
        is_empty = rest.is_empty & (again.added <= 0.0)
        moving = np.where(is_empty, 0.0, prior + rest.added + again.added)
        best = np.where(is_better[:, None], moving, best + after.added)
        gain = np.where(is_better, alone.gain + rest.gain, gain + after.gain)
    return np.maximum(best, 0.0)


@dataclass(frozen=True)
class _Scaled:
    """Demand over its level and what is usual of it, shapes (n, w); 0 where nothing is known."""

    ratio: FloatArray
    weight: FloatArray


def _scaled(ratios: Ratios, prior: FloatArray, block: int) -> _Scaled:
    level = level_line(ratios.demand, ratios.usual * prior[:, : ratios.usual.shape[1]], ratios.usual, block)
    with np.errstate(divide="ignore", invalid="ignore"):
        known = (level > 0) & (ratios.usual > 0)
        return _Scaled(np.where(known, ratios.demand / level, 0.0), np.where(known, ratios.usual, 0.0))


@dataclass(frozen=True)
class _Reading:
    """What one clock says of n entities.

    Attributes:
        added: to the factor of every week, shape (n, w_all).
        gain: squares explained from cycle to cycle, shape (n,).
        is_empty: weeks at whose place in the year nothing is ever sold, shape (n, w_all).
    """

    added: FloatArray
    gain: FloatArray
    is_empty: BoolArray


def _read(scaled: _Scaled, curve: FloatArray, clock: Clock) -> _Reading:
    """What one clock adds to a curve."""
    cells, n = _cells(scaled, curve, clock), curve.shape[0]
    if cells is None:
        return _Reading(np.zeros_like(curve), np.zeros(n), np.zeros(curve.shape, dtype=bool))
    found = [_agreement(cells, width, is_circular=clock.is_circular) for width in BANDWIDTHS]
    gains = np.stack([each.gain for each in found], axis=1)
    chosen, rows = np.argmax(gains, axis=1), np.arange(n)
    added = np.stack([each.added for each in found], axis=1)[rows, chosen]
    at_week = np.where(clock.place >= 0, added[:, clock.place], 0.0)
    return _Reading(at_week, gains[rows, chosen], _is_empty(cells, clock, found, chosen))


@dataclass(frozen=True)
class _Cells:
    """Residuals by cycle and place, shapes (n, c, p): ``excess`` over what the curve expects, ``weight`` of each."""

    excess: FloatArray
    weight: FloatArray
    demand: FloatArray


def _cells(scaled: _Scaled, curve: FloatArray, clock: Clock) -> _Cells | None:
    """None where no two cycles have been seen."""
    n, w = scaled.ratio.shape
    place, cycle = clock.place[:w], clock.cycle[:w]
    within = place >= 0
    n_cycles = int(cycle[within].max(initial=0)) + 1
    if n_cycles < 2:
        return None
    values = (scaled.ratio - scaled.weight * curve[:, :w], scaled.weight, scaled.ratio)
    cell = cycle[within] * clock.n_places + place[within]
    is_in_cell = (cell[:, None] == np.arange(n_cycles * clock.n_places)).astype(np.float64)
    return _Cells(*((each[:, within] @ is_in_cell).reshape(n, n_cycles, clock.n_places) for each in values))


def level_line(demand: FloatArray, expected: FloatArray, usual: FloatArray, block: int) -> FloatArray:
    """Slowly moving level in every known week, relative to the usual: lines between the levels of blocks.

    NaN where no block of an entity is known well enough. Blocks are counted back from the last known week, whatever the
    clock, so that a feast is compared with its own year.

    Args:
        demand: units, shape (n, w); 0 where nothing is known.
        expected: units expected of the usual level, same shape; 0 where nothing is known.
        usual: > 0 where known, same shape.
        block: weeks.
    """
    w = demand.shape[1]
    n_blocks = -(-w // block)
    starts = np.maximum(w - block * np.arange(n_blocks, 0, -1), 0)
    if w == 0:
        return np.zeros((demand.shape[0], 0))
    total, sold, seen = (np.add.reduceat(each, starts, axis=1) for each in (expected, demand, usual > 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        level = np.where((seen >= LEAST_COVERAGE * block) & (total > 0), sold / total, np.nan)
    centre = w - block * (np.arange(n_blocks, 0, -1) - 0.5) - 0.5
    return _lines(level, centre, w)


def _lines(level: FloatArray, centre: FloatArray, w: int) -> FloatArray:
    """Lines through the finite levels of each row, carried on beyond them within a factor of two."""
    found = np.full((level.shape[0], w), np.nan)
    week = np.arange(w, dtype=np.float64)
    patterns, kind = np.unique(np.isfinite(level), axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        rows, own = np.flatnonzero(kind.ravel() == number), np.flatnonzero(pattern)
        if own.size == 0:
            continue
        at, values = centre[own], level[np.ix_(rows, own)]
        if own.size == 1:
            found[rows] = values
            continue
        place = np.clip(np.searchsorted(at, week) - 1, 0, own.size - 2)
        share = (week - at[place]) / (at[place + 1] - at[place])
        line = values[:, place] + share * (values[:, place + 1] - values[:, place])
        nearest = np.where(share < 0, values[:, [0]], np.where(share > 1, values[:, [-1]], line))
        found[rows] = np.clip(line, 0.5 * nearest, 2.0 * nearest)
    return found


@dataclass(frozen=True)
class _Agreement:
    """What cycles have in common at one bandwidth.

    Attributes:
        added: to the factor of each place, shape (n, p).
        gain: squares explained from one cycle to another, shape (n,).
        belief: share of it that is believed, shape (n,).
    """

    added: FloatArray
    gain: FloatArray
    belief: FloatArray


def _agreement(cells: _Cells, width: int, *, is_circular: bool) -> _Agreement:
    rough = _divided(cells.excess, cells.weight)
    smooth = _divided(
        _around(cells.excess, width, circular=is_circular), _around(cells.weight, width, circular=is_circular)
    )
    seen = cells.weight > 0
    weight = cells.weight / np.maximum(cells.weight.max(axis=(1, 2), keepdims=True), 1e-300)
    # Sums over ordered pairs of different cycles follow from sums over all pairs.
    joint = _between(weight * rough, np.where(seen, smooth, 0.0))
    squares = _between(weight * seen, np.where(seen, smooth**2, 0.0))
    own = _between(weight * rough**2, seen.astype(np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(squares > 0, joint / squares, 0.0)
        alike = np.where((squares > 0) & (own > 0), joint / np.sqrt(squares * own), 0.0)
    belief = _belief(alike, rough, seen)
    slope = np.clip(slope, 0.0, 1.0)
    n_cycles = np.maximum((seen.any(axis=2)).sum(axis=1), 1)
    credibility = belief * slope * n_cycles / (1.0 + slope * (n_cycles - 1.0))
    total = _around(cells.excess.sum(axis=1)[:, None, :], width, circular=is_circular)[:, 0]
    mass = _around(cells.weight.sum(axis=1)[:, None, :], width, circular=is_circular)[:, 0]
    added = credibility[:, None] * _divided(total, mass)
    gain = belief * np.where(joint > 0, joint * slope, 0.0)
    return _Agreement(added, gain, belief)


def _between(left: FloatArray, right: FloatArray) -> FloatArray:
    """Sum over places and ordered pairs of different cycles of left in the one times right in the other."""
    every = (left.sum(axis=1) * right.sum(axis=1)).sum(axis=1)
    result: FloatArray = every - (left * right).sum(axis=(1, 2))
    return result


def _belief(alike: FloatArray, rough: FloatArray, seen: BoolArray) -> FloatArray:
    """Share of the agreement that is no chance: Fisher's z with as many places as are independent of each other.

    Source: Fisher (1921); Bartlett (1946) for the number of independent places under autocorrelation.
    """
    next_to = rough[:, :, 1:] * rough[:, :, :-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        memory = np.where((rough**2).sum(axis=(1, 2)) > 0, next_to.sum(axis=(1, 2)) / (rough**2).sum(axis=(1, 2)), 0.0)
    memory = np.clip(memory, 0.0, 0.95)
    n_seen = seen.sum(axis=1)
    pairs = (n_seen * (n_seen - 1) / 2.0).sum(axis=1)
    free = pairs * (1.0 - memory**2) / (1.0 + memory**2)
    z = np.arctanh(np.clip(alike, 0.0, 0.999999)) * np.sqrt(np.maximum(free - 3.0, 0.0))
    belief: FloatArray = np.clip((z - DOUBTED) / (BELIEVED - DOUBTED), 0.0, 1.0)
    return belief


def _is_empty(cells: _Cells, clock: Clock, found: list[_Agreement], chosen: np.ndarray) -> BoolArray:
    """Weeks of the year at which, with their neighbours, nothing was ever sold, of entities whose season is certain."""
    rows = np.arange(chosen.size)
    belief = np.stack([each.belief for each in found], axis=1)[rows, chosen]
    seen = (_around(cells.weight, EMPTY_NEIGHBOURS, circular=clock.is_circular) > 0).sum(axis=1) >= 2
    sold = _around(cells.demand.sum(axis=1)[:, None, :], EMPTY_NEIGHBOURS, circular=clock.is_circular)[:, 0]
    empty = seen & (sold <= 0) & (belief >= 1.0)[:, None] & (clock.name == YEAR)
    result: BoolArray = np.where(clock.place >= 0, empty[:, clock.place], False)
    return result


def _around(values: FloatArray, width: int, *, circular: bool) -> FloatArray:
    """Sums of each place and its neighbours, over the last axis; the weight falls to 0 at ``width`` + 1 places."""
    if width == 0:
        return values
    p = values.shape[-1]
    steps = np.arange(-width, width + 1)
    places, weight = np.arange(p)[:, None] + steps, 1.0 - np.abs(steps) / (width + 1.0)
    if circular:
        found: FloatArray = values[..., places % p] @ weight
        return found
    inside = (places >= 0) & (places < p)
    cut: FloatArray = np.where(inside, values[..., np.clip(places, 0, p - 1)], 0.0) @ weight
    return cut


def _divided(total: FloatArray, weight: FloatArray) -> FloatArray:
    """Totals over weights, 0 where nothing is known."""
    return np.where(weight > 0, total / np.where(weight > 0, weight, 1.0), 0.0)
