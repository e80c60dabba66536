"""Seasonal curves of many entities (series, or groups of series) by what returns from cycle to cycle.

An entity's demand is compared with its own slowly moving level: the ratio of a week is 1 where the season says nothing.
What its ratios have in common in different cycles, beyond what a prior (that of its group) says, is signal; what they
do not, is noise. The covariance between cycles measures the one, their variance both, so that each entity gets as
much of its own season as the evidence carries (credibility, Bühlmann & Straub 1970), and the rest from its group.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skucast.forecasting.panel.panel import FloatArray
from skucast.forecasting.seasons.clocks import Clock
from skucast.forecasting.seasons.curves_kernel import fill_curves, fill_signals

LEAST_COVERAGE = 0.6
"""Share of a cycle that must be known for its level to count."""

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
    first = _read(_scaled(ratios, prior, block), prior, clocks)
    rows = np.flatnonzero(np.abs(first - prior).max(axis=1, initial=0.0) > FELT)
    if rows.size:
        own = Ratios(ratios.demand[rows], ratios.usual[rows])
        first[rows] = _read(_scaled(own, first[rows], block), prior[rows], clocks)
    return first


def seasonal_signals(ratios: Ratios, clock: Clock) -> FloatArray:
    """Mean square of the season of each entity without that of its noise, shape (n,); NaN before a place returns.

    The product of deviations at the same place of two cycles has the square of the season as its mean, since noise of
    different cycles is independent.

    Args:
        ratios: of the weeks of history, shapes (n, w).
        clock: over at least those weeks.
    """
    w = ratios.demand.shape[1]
    scaled = _scaled(ratios, np.ones_like(ratios.demand), clock.block)
    signals = np.empty(ratios.demand.shape[0])
    fill_signals(*scaled, clock.place[:w], clock.cycle[:w], clock.n_places, signals)
    return signals


def _read(scaled: tuple[FloatArray, FloatArray], prior: FloatArray, clocks: tuple[Clock, ...]) -> FloatArray:
    curves = np.empty_like(prior)
    places, cycles = (np.stack([getattr(clock, name) for clock in clocks]) for name in ("place", "cycle"))
    fill_curves(*scaled, prior, places, cycles, np.array([clock.n_places for clock in clocks]), curves)
    return curves


def _scaled(ratios: Ratios, prior: FloatArray, block: int) -> tuple[FloatArray, FloatArray]:
    """Demand over its level, and what is usual of it, shapes (n, w); 0 where nothing is known."""
    level = level_line(ratios.demand, ratios.usual * prior[:, : ratios.usual.shape[1]], ratios.usual, block)
    with np.errstate(divide="ignore", invalid="ignore"):
        known = (level > 0) & (ratios.usual > 0)
        return np.where(known, ratios.demand / level, 0.0), np.where(known, ratios.usual, 0.0)


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
