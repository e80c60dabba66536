"""Rolling origins: from where each series is forecast again to see how well its methods would have done."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.panel import BoolArray, IntArray, Panel


def rolling_origins(panel: Panel, count: int, step: int, min_periods: int) -> IntArray:
    """Origins of each series in rising order, shape (n_series, count); -1 where a series is too short for one.

    An origin is the number of periods it knew; its step 1 is the period with that index. The last one leaves exactly
    the horizon to be scored: n_periods - horizon. A series too short for its earliest origin has all of them moved
    later together, up to n_periods - 1, where a single step is left to score.

    Args:
        panel: the whole history.
        count: origins asked for.
        step: periods between them.
        min_periods: known periods, the last of them at or after the first positive demand, that an origin needs.
    """
    wanted = panel.n_periods - panel.horizon - step * np.arange(count - 1, -1, -1)
    earliest = _earliest_origin(panel, min_periods)
    later = np.clip(earliest - wanted[0], 0, panel.horizon - 1)
    origins = wanted[None, :] + later[:, None]
    usable = (origins >= earliest[:, None]) & (origins < panel.n_periods)
    return np.where(usable & _any_scored(panel, origins), origins, -1)


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
