"""Rolling origins: from where each series is forecast again to see how well its methods would have done."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.panel.panel import BoolArray, IntArray, Panel

DAYS_PER_YEAR = 364
"""Whole weeks: the same days of the week."""

KNOWN_YEARS = 2
"""Years that an origin of a year ago must have known: with fewer it knew no season, and tells nothing of one."""


def rolling_origins(panel: Panel, count: int, step: int, min_periods: int) -> IntArray:
    """Origins of each series in rising order, shape (n_series, n_years + count); -1 where there is none.

    An origin is the number of periods it knew; its step 1 is the period with that index. First come those that stood
    where the coming periods stand two years and a year ago, where so much is known. The last one leaves exactly the
    horizon to be scored: n_periods - horizon. A series of which nothing is known in its last periods (closed, empty
    shelf) has its origins before the gap. A series too short for its earliest origin has all of them moved later
    together, up to n_periods - 1, where a single step is left to score.

    Args:
        panel: the whole history.
        count: origins asked for beside those of years ago.
        step: periods between them.
        min_periods: known periods, the last of them at or after the first positive demand, that an origin needs.
    """
    wanted = panel.n_periods - panel.horizon - step * np.arange(count - 1, -1, -1)
    earliest = _earliest_origin(panel, min_periods)
    recent = wanted[None, :] - _trailing_gap(panel)[:, None]
    recent = recent + np.clip(earliest - recent[:, 0], 0, panel.horizon - 1)[:, None]
    usable = (recent >= earliest[:, None]) & (recent < panel.n_periods)
    past = np.array(years_ago(panel.n_periods, panel.period_days), dtype=np.int64)
    known = past[None, :] - panel.start[:, None]
    remembered = (known >= 0.9 * KNOWN_YEARS * DAYS_PER_YEAR / panel.period_days) & (past >= earliest[:, None])
    origins = np.hstack([np.broadcast_to(past, (panel.n_series, past.size)), recent])
    return np.where(np.hstack([remembered, usable]) & _any_scored(panel, origins), origins, -1)


def _trailing_gap(panel: Panel) -> IntArray:
    """Periods at the end of which nothing is known, where these are a horizon or more; else 0. Shape (n_series,)."""
    if panel.n_periods == 0:
        return np.zeros(panel.n_series, dtype=np.int64)
    gap = np.argmax(panel.is_known[:, ::-1], axis=1)
    return np.where(panel.is_known.any(axis=1) & (gap >= panel.horizon), gap, 0).astype(np.int64)


def origins_of_a_run(n_periods: int, horizon: int, count: int, step: int, period_days: float) -> tuple[int, ...]:
    """Periods known at the origins that most series have, those of years ago among them, and at the end; rising."""
    recent = [n_periods - horizon - step * back for back in range(count)]
    return tuple(sorted({each for each in (*recent, *years_ago(n_periods, period_days), n_periods) if each > 0}))


def years_ago(n_periods: int, period_days: float) -> tuple[int, ...]:
    """Origins that stood where the coming periods stand two years and one ago, if years enough were known there."""
    year = round(DAYS_PER_YEAR / period_days)
    return tuple(origin for back in (2, 1) if (origin := n_periods - back * year) >= KNOWN_YEARS * year)


def usual_step(horizon: int, season_length: int, period_days: float) -> int:
    """Periods between origins unless configured: a quarter of the horizon, in whole seasons for days and hours.

    Origins next to each other score nearly the same periods when the horizon is long, and choose by the luck of these;
    days and hours forecast from other places of their season than the present one would be scored on other weekdays.
    """
    quarter = max(1, horizon // 4)
    return quarter if period_days > 1 else -(-quarter // season_length) * season_length


def _earliest_origin(panel: Panel, min_periods: int) -> IntArray:
    """Smallest origin that knows enough; n_periods + 1 if even the whole history does not."""
    enough = np.cumsum(panel.is_known, axis=1) >= max(min_periods, 1)
    enough &= np.logical_or.accumulate(panel.demand > 0, axis=1)
    never = panel.n_periods + 1
    return (
        np.where(enough.any(axis=1), np.argmax(enough, axis=1) + 1, never)
        if panel.n_periods
        else np.full(panel.n_series, never)
    )


def _any_scored(panel: Panel, origins: IntArray) -> BoolArray:
    """Whether any step after each origin has known demand, shape of ``origins``."""
    n_known = np.hstack([np.zeros((panel.n_series, 1), dtype=np.int64), np.cumsum(panel.is_known, axis=1)])
    before = np.clip(origins, 0, panel.n_periods)
    after = np.clip(origins + panel.horizon, 0, panel.n_periods)
    result: BoolArray = np.take_along_axis(n_known, after, axis=1) > np.take_along_axis(n_known, before, axis=1)
    return result
