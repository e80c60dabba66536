"""Seasons of groups of series: sums that buckets add up, and the curves that an origin takes as its prior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from skucast.forecasting.panel.panel import FloatArray, IntArray, Panel
from skucast.forecasting.seasons.calendar import (
    Weeks,
    calendar_of,
    clocks_of,
    day_clock,
    folded_days,
    weeks_of,
    year_of,
)
from skucast.forecasting.seasons.clocks import Clock
from skucast.forecasting.seasons.curves import Ratios, seasonal_curves, seasonal_signals

ALL = ""
"""Group of every series."""

FEWEST_SERIES = 3
"""Series that a group other than all needs to have a season of its own."""

GRAIN = 2.0**20
"""Parts of a unit that are summed: sums of such numbers are exact, in whatever order."""

BURST = 5.0
"""Multiples of the 90 % quantile of a series' positive demands to which its demand counts in its groups."""


@dataclass(frozen=True)
class GroupSums:
    """Sums over the series of g groups as one origin knew them; they add up over buckets.

    Attributes:
        n_series: shape (g,).
        signals: mean square of the season of the year and of the week of each series times its weight, shape (g, 2).
        weights: of the series whose season can be seen, same shape.
        weeks: demand beside usual demand of each week, shapes (g, w).
        days: the same of the days of the latest weeks, shapes (g, d); of weekly panels no days.
    """

    n_series: IntArray
    signals: FloatArray
    weights: FloatArray
    weeks: Ratios
    days: Ratios


@dataclass(frozen=True)
class GroupCurves:
    """Factors of g groups as one origin knew them.

    Attributes:
        week: of every week, history and ahead, shape (g, w_all).
        day: of each day of the week from the first of the panel on, shape (g, 7); 1 for weekly panels.
        effects: name of an event -> mean effect and variance among the series of each group, shape (g, 2).
    """

    week: FloatArray
    day: FloatArray
    effects: Mapping[str, FloatArray] = field(default_factory=dict)


@dataclass(frozen=True)
class SharedSeasons:
    """Curves of groups at the origins of a run.

    Attributes:
        places: group name -> row of the curves.
        curves: periods that the origin knew -> its curves.
    """

    places: Mapping[str, int] = field(default_factory=dict)
    curves: Mapping[int, GroupCurves] = field(default_factory=dict)

    def at(self, n_periods: int) -> GroupCurves | None:
        """The newest curves that knew no more than an origin; None where there are none."""
        usable = [origin for origin in self.curves if origin <= n_periods]
        return self.curves[max(usable)] if usable else None


LARGEST_RATIO = 3.0
"""Multiples of its mean to which a series counts in its groups: goods that sell in one season only do not make it that
of all. Where all are such goods, the level of the group restores the size of their season."""


def group_sums(panel: Panel, membership: FloatArray) -> GroupSums:
    """Sums over the series of each group.

    A series counts with the inverse root of its mean, between a vote a unit and a vote a series. Periods of events,
    of stock-outs and closed ones count for nothing.

    Args:
        panel: what an origin knew.
        membership: 1 where a series belongs to a group, shape (g, n).
    """
    demand = np.where(_in_event(panel), np.nan, panel.demand)
    known = np.isfinite(demand)
    mean = np.where(known, np.minimum(demand, _burst_limit(demand)[:, None]), 0.0).sum(axis=1)
    mean = mean / np.maximum(known.sum(axis=1), 1)
    demand = np.minimum(demand, LARGEST_RATIO * mean[:, None])
    weight = np.where(mean > 0, 1.0 / np.sqrt(np.where(mean > 0, mean, 1.0)), 0.0)[:, None]
    sold, usual = exact(np.where(known, demand, 0.0) * weight), exact(known * mean[:, None] * weight)
    weeks, days = weeks_of(panel, sold, usual), folded_days(panel, sold, usual)
    signals = _signals(weeks, days, year_of(calendar_of(panel)))
    votes = np.where(np.isfinite(signals), np.sqrt(mean)[:, None], 0.0)
    return GroupSums(
        (membership @ (mean > 0)).astype(np.int64),
        membership @ exact(np.nan_to_num(signals) * votes),
        membership @ exact(votes),
        Ratios(membership @ weeks.demand, membership @ weeks.usual),
        Ratios(membership @ days.demand, membership @ days.usual),
    )


def exact(values: FloatArray) -> FloatArray:
    """Values on the grid whose sums are exact."""
    return np.rint(GRAIN * values) / GRAIN


def _in_event(panel: Panel) -> FloatArray:
    """Periods of any event, shape (n, n_periods)."""
    past = np.zeros(panel.demand.shape, dtype=bool)
    for flags in panel.events.values():
        past |= flags[:, : panel.n_periods] > 0
    return past


def _burst_limit(demand: FloatArray) -> FloatArray:
    """``BURST`` times the 90 % quantile of the positive demands of each row, infinite without any; shape (n,)."""
    ordered = np.sort(np.where(demand > 0, demand, np.inf), axis=1)
    count = np.isfinite(ordered).sum(axis=1)
    place = np.clip(np.ceil(0.9 * count).astype(np.int64) - 1, 0, max(demand.shape[1] - 1, 0))
    found = (
        np.take_along_axis(ordered, place[:, None], axis=1)[:, 0] if demand.shape[1] else np.full(len(demand), np.inf)
    )
    return np.where(count > 0, BURST * found, np.inf)


def group_curves(sums: GroupSums, parents: Sequence[Sequence[int]], calendar: Weeks) -> GroupCurves:
    """Curves of groups, each shrunk toward those of its parents, and to none as far as its series are not alike.

    Args:
        sums: of every group.
        parents: of each group the rows of its parents, which come before it, the first being parent of the others;
            their curves multiply to its prior. None: a flat prior.
        calendar: of the panel.
    """
    clocks, g = clocks_of(calendar), sums.n_series.size
    week, day, alike = np.ones((g, calendar.n_all)), np.ones((g, 7)), _alike(sums, clocks[0])
    for depth in sorted({len(own) for own in parents}):
        rows = np.array([row for row, own in enumerate(parents) if len(own) == depth], dtype=np.int64)
        prior_week, prior_day = (np.stack([_product(each[list(parents[row])]) for row in rows]) for each in (week, day))
        is_told = (sums.n_series[rows] >= FEWEST_SERIES) | (depth == 0)
        own_week = seasonal_curves(_rows(sums.weeks, rows), prior_week, clocks)
        own_day = day_curves(_rows(sums.days, rows), prior_day)
        share_week, share_day = np.where(is_told[:, None], alike[rows], 0.0).T[:, :, None]
        week[rows] = np.where(is_told[:, None], 1.0 + share_week * (own_week - 1.0), prior_week)
        day[rows] = np.where(is_told[:, None], 1.0 + share_day * (own_day - 1.0), prior_day)
    return GroupCurves(week, day)


def _signals(weeks: Ratios, days: Ratios, year: Clock) -> FloatArray:
    """Mean squares of the season of the year and of the week of each entity, shape (n, 2)."""
    of_days = seasonal_signals(days, day_clock(days.demand.shape[1]))
    return np.stack([seasonal_signals(weeks, year), of_days], axis=1)


def _alike(sums: GroupSums, year: Clock) -> FloatArray:
    """Share of the seasons of its series that a group's are, in 0 to 1, shape (g, 2): 1 where all have the same.

    It is the mean square of the season of the group over that of its series. Of a group in which a few series sell in
    one season and the others all year, it is small: the mean season fits none of them.
    """
    own = np.divide(sums.signals, sums.weights, out=np.zeros_like(sums.signals), where=sums.weights > 0)
    shared = np.maximum(np.nan_to_num(_signals(sums.weeks, sums.days, year)), 0.0)
    return np.divide(shared, own, out=np.ones_like(own), where=own > shared * (1 + 1e-3))


def _product(curves: FloatArray) -> FloatArray:
    """The first times what each of the others changes of it."""
    if curves.shape[0] == 0:
        return np.ones(curves.shape[1])
    base = curves[0]
    changes = np.divide(curves[1:], base, out=np.ones_like(curves[1:]), where=base > 0)
    product: FloatArray = base * changes.prod(axis=0)
    return product


def _rows(ratios: Ratios, index: IntArray) -> Ratios:
    return Ratios(ratios.demand[index], ratios.usual[index])


def day_curves(days: Ratios, prior: FloatArray) -> FloatArray:
    """Factor of each day of the week, mean 1, shape (n, 7).

    Args:
        days: of whole weeks from the first day of the panel's week on, shapes (n, d); empty: the prior.
        prior: shape (n, 7).
    """
    n_days = days.demand.shape[1]
    if n_days < 14:
        return prior
    clock = day_clock(n_days)
    curves = seasonal_curves(days, np.tile(prior, (1, n_days // 7)), (clock,))[:, -7:]
    mean = curves.mean(axis=1, keepdims=True)
    return np.where(mean > 0, curves / np.where(mean > 0, mean, 1.0), 1.0)
