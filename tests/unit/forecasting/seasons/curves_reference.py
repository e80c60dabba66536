"""Panels of weeks and days with seasons, feasts and events that are known exactly."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from skucast.forecasting.panel.panel import Panel
from skucast.forecasting.seasons.adjustment import Adjusted, adjusted, effects_shown
from skucast.forecasting.seasons.calendar import calendar_of
from skucast.forecasting.seasons.group_events import effect_sums, group_effects, votes
from skucast.forecasting.seasons.shared import GroupCurves, group_curves, group_sums


def weekly(demand: Any, first: date, horizon: int = 8, **changes: Any) -> Panel:
    """Series by the week from a Monday on, all in one group."""
    return _panel(demand, first, horizon, 7, 52, changes)


def daily(demand: Any, first: date, horizon: int = 14, **changes: Any) -> Panel:
    """Series by the day."""
    return _panel(demand, first, horizon, 1, 7, changes)


def _panel(demand: Any, first: date, horizon: int, days: int, season: int, changes: dict[str, Any]) -> Panel:
    values = np.atleast_2d(np.array(demand, dtype=np.float64))
    n, w = values.shape
    closed = np.zeros((n, w + horizon), dtype=bool)
    panel = Panel(values, closed, np.zeros(n, dtype=np.int64), first, days, season, horizon, {})
    return replace(panel, group=np.zeros(n, dtype=np.int64), **changes)


def mondays(first: date, n: int) -> list[date]:
    """First days of n weeks."""
    return [first + timedelta(days=7 * week) for week in range(n)]


def curves_of(panel: Panel) -> GroupCurves:
    """Curves of all series of a panel together."""
    sums = group_sums(panel, np.ones((1, panel.n_series)))
    curves = group_curves(sums, [()], calendar_of(panel))
    own, error = effects_shown(panel, curves)
    effects = group_effects(effect_sums(own, error, votes(panel), np.ones((1, panel.n_series))), [()])
    return replace(curves, effects={name: effects[:, :, e] for e, name in enumerate(sorted(panel.events))})


def seen(panel: Panel, *, alone: bool = False) -> Adjusted:
    """The panel less its seasons and events; ``alone``: without a group."""
    return adjusted(panel, None if alone else curves_of(panel))


def mean_ahead(sight: Adjusted) -> np.ndarray:
    """What the mean of all that methods see says, with seasons and events; shape (n, horizon)."""
    level = np.nanmean(sight.panel.demand, axis=1, keepdims=True)
    return np.asarray(np.nan_to_num(level) * sight.ahead)


def poisson(mean: Any, seed: int = 1, n: int = 1) -> np.ndarray:
    """Draws about a mean of each period, n series."""
    rates = np.asarray(mean, dtype=np.float64)
    return np.random.default_rng(seed).poisson(rates, (n, rates.size)).astype(float)
