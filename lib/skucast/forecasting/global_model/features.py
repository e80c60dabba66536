"""What a model over all series sees of a series at an origin: numbers relative to its level, blind to its unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skucast.forecasting.models.baselines import known_mean
from skucast.forecasting.models.smoothing import smooth
from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray, Panel
from skucast.forecasting.panel.profile import profile
from skucast.forecasting.uncertainty.error_scale import spread_scale

ALPHA: FloatArray = np.array([0.1])
"""Smoothing constant of the level."""

PRIOR = 0.1
"""Weight of the mean of the whole history in the level: what a dead item keeps."""

LONGEST_SHORT_SEASON = 24
"""Periods up to which a season is short: several of it are averaged place by place. Longer ones are years."""

DAYS_PER_YEAR = 365.25

OLD = 0.5 * DAYS_PER_YEAR
"""Days after which an age says nothing more: beyond, it would only tell the date."""


@dataclass(frozen=True)
class Known:
    """Names of what is known ahead, in the order of the columns.

    Attributes:
        events: names of events.
        drivers: names of drivers.
    """

    events: tuple[str, ...] = ()
    drivers: tuple[str, ...] = ()

    @classmethod
    def of(cls, panel: Panel) -> Known:
        """Everything a panel knows ahead."""
        return cls(tuple(sorted(panel.events)), tuple(sorted(panel.drivers)))


@dataclass(frozen=True)
class Features:
    """Features of n series and h steps; NaN where unknown.

    Attributes:
        level: what features and forecasts are relative to, units per period, >= 0, shape (n,); NaN if nothing is known.
        scale: spread scale, units, > 0, shape (n,).
        of_series: shape (n, k).
        of_step: shape (n, h, m).
    """

    level: FloatArray
    scale: FloatArray
    of_series: FloatArray
    of_step: FloatArray


def learner_level(demand: FloatArray) -> FloatArray:
    """The present level with a trace of the mean of the whole history, units per period, shape (n_series,).

    NaN if nothing is known; 0 only without any demand.
    """
    smoothed: FloatArray = smooth(demand, ALPHA).level[:, 0]
    return (1.0 - PRIOR) * smoothed + PRIOR * known_mean(demand)


def features(panel: Panel, known: Known) -> Features:
    """What is known of every series at the end of the panel and of every step ahead. Uses nothing later.

    Args:
        panel: what the origin knew.
        known: events and drivers to look for; one that the panel does not have never happens.
    """
    level, scale = learner_level(panel.demand), spread_scale(panel.demand)
    unit = np.where(level > 0, level, np.nan)
    past = _Past.of(panel.demand)
    own = [*_lags(panel, unit), *_windows(panel, past, unit), *_shape(panel, scale / unit)]
    ahead = [*_calendar(panel), *_seasons(panel, past, unit), *_known_ahead(panel, known)]
    return Features(level, scale, np.stack(own, axis=1), np.stack(ahead, axis=2))


def feature_names(panel: Panel, known: Known) -> tuple[str, ...]:
    """Names of the columns, those of the series first."""
    base = _base(panel)
    own = [f"lag {lag}" for lag in _lag_range(panel)]
    own += [f"mean of {width}" for width in _widths(base)] + [f"zeros of {width}" for width in (2 * base, 8 * base)]
    own += ["spread", "interval", "size variation", "since demand", "age"]
    ahead = ["step", "closed before", "closed after", "sine of year", "cosine of year"]
    for season in panel.season_lengths:
        short = (f"place in {season}", f"mean of place in {season}")
        ahead += short if season <= LONGEST_SHORT_SEASON else (f"{season} ago", f"growth {season} ago")
    return (*own, *ahead, "any event", *(f"event {name}" for name in known.events), *known.drivers)


@dataclass(frozen=True)
class _Past:
    """Running totals of a history, from which means over any window follow.

    Attributes:
        total: known demand before each period, units, shape (n, n_periods + 1).
        count: known periods before each period, same shape.
        zeros: known periods without demand before each period, same shape.
    """

    total: FloatArray
    count: FloatArray
    zeros: FloatArray

    @classmethod
    def of(cls, demand: FloatArray) -> _Past:
        known = ~np.isnan(demand)
        return cls(*(_before(each) for each in (np.where(known, demand, 0.0), known, demand == 0)))

    def mean(self, first: IntArray, stop: IntArray) -> FloatArray:
        """Mean of known demand from ``first`` to before ``stop``, both cut to the history; shape (n, *first.shape)."""
        return self._ratio(self.total, first, stop)

    def share_zeros(self, first: IntArray, stop: IntArray) -> FloatArray:
        """Share of known periods without demand."""
        return self._ratio(self.zeros, first, stop)

    def _ratio(self, what: FloatArray, first: IntArray, stop: IntArray) -> FloatArray:
        end = self.count.shape[1] - 1
        low, high = np.clip(first, 0, end), np.clip(stop, 0, end)
        n = self.count[:, high] - self.count[:, low]
        with np.errstate(invalid="ignore", divide="ignore"):
            found: FloatArray = np.where(n > 0, (what[:, high] - what[:, low]) / n, np.nan)
        return found


def _before(values: FloatArray | BoolArray) -> FloatArray:
    total: FloatArray = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, out=total[:, 1:])
    return total


def _base(panel: Panel) -> int:
    """Periods that windows are multiples of: the season where it is short, else 4."""
    return panel.season_length if panel.season_length <= LONGEST_SHORT_SEASON else 4


def _lag_range(panel: Panel) -> range:
    return range(1, min(_base(panel), 14) + 1)


def _widths(base: int) -> tuple[int, ...]:
    return tuple(max(1, base * part // 2) for part in (1, 2, 4, 8, 16))


def _lags(panel: Panel, unit: FloatArray) -> list[FloatArray]:
    none = np.full(panel.n_series, np.nan)
    return [panel.demand[:, -lag] / unit if lag <= panel.n_periods else none for lag in _lag_range(panel)]


def _windows(panel: Panel, past: _Past, unit: FloatArray) -> list[FloatArray]:
    """Means and shares of zeros over the latest periods; NaN where the life does not reach half a window back."""
    base, end = _base(panel), np.array([panel.n_periods])
    age = panel.n_periods - panel.start
    found = [np.where(2 * age > w, past.mean(end - w, end)[:, 0] / unit, np.nan) for w in _widths(base)]
    return found + [past.share_zeros(end - w, end)[:, 0] for w in (2 * base, 8 * base)]


def _shape(panel: Panel, spread: FloatArray) -> list[FloatArray]:
    """Spread, intermittence, size variation, periods since the last demand, age."""
    found, positive = profile(panel), panel.demand > 0
    has_demand = positive.any(axis=1) if panel.n_periods else np.zeros(panel.n_series, dtype=bool)
    since = np.where(has_demand, positive[:, ::-1].argmax(axis=1) if panel.n_periods else 0, np.nan)
    age = np.minimum((panel.n_periods - panel.start) * panel.period_days, OLD)
    return [spread, found.adi, found.cv2, since.astype(np.float64), age]


def _calendar(panel: Panel) -> list[FloatArray]:
    """Step, closed neighbours, place in the year; the year only after two, when it has been seen to return."""
    shape, closed = (panel.n_series, panel.horizon), panel.is_closed.astype(np.float64)
    step = np.broadcast_to(np.arange(1.0, panel.horizon + 1), shape)
    padded = np.hstack([np.zeros((panel.n_series, 1)), closed, np.zeros((panel.n_series, 1))])
    before, after = padded[:, panel.n_periods : -2], padded[:, panel.n_periods + 2 :]
    days = [panel.day(panel.n_periods + each).timetuple().tm_yday for each in range(panel.horizon)]
    angle = 2.0 * np.pi * (np.array(days) + 0.5 * panel.period_days) / DAYS_PER_YEAR
    if panel.n_periods * panel.period_days < 2.0 * DAYS_PER_YEAR:
        angle = np.full(panel.horizon, np.nan)
    return [step, before, after, np.broadcast_to(np.sin(angle), shape), np.broadcast_to(np.cos(angle), shape)]


def _seasons(panel: Panel, past: _Past, unit: FloatArray) -> list[FloatArray]:
    """Of each season: where a step lies in it and what was sold there before."""
    found: list[FloatArray] = []
    target = panel.n_periods + np.arange(panel.horizon)
    for season in panel.season_lengths:
        if season <= LONGEST_SHORT_SEASON:
            place = np.broadcast_to((target % season).astype(np.float64), (panel.n_series, panel.horizon))
            found += [place, _mean_of_place(panel, season) / unit[:, None]]
        else:
            found += _a_season_ago(panel, past, unit, season, target)
    return found


def _mean_of_place(panel: Panel, season: int) -> FloatArray:
    """Mean of the latest four known or unknown seasons at the same place, shape (n, horizon)."""
    ahead = np.arange(panel.horizon) % season
    places = panel.n_periods + ahead[:, None] - season * np.arange(1, 5)
    seen = np.where(places >= 0, panel.demand[:, np.maximum(places, 0)] if panel.n_periods else np.nan, np.nan)
    return known_mean(seen.reshape(-1, 4)).reshape(panel.n_series, panel.horizon)


def _a_season_ago(
    panel: Panel, past: _Past, unit: FloatArray, season: int, target: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Demand around the same place of the last season, and how it compared with the periods before its origin."""
    around, ago = max(1, season // 26), target - season * (1 + np.arange(panel.horizon) // season)
    there = past.mean(ago - around, ago + around + 1)
    origin = np.array([panel.n_periods - season])
    then = past.mean(origin - 4 * around, origin)
    # A small part of the level keeps the growth of nearly nothing finite.
    growth = (there + PRIOR * unit[:, None]) / (then + PRIOR * unit[:, None])
    was_alive = panel.start[:, None] <= ago - around
    return np.where(was_alive, there / unit[:, None], np.nan), np.where(was_alive, growth, np.nan)


def _known_ahead(panel: Panel, known: Known) -> list[FloatArray]:
    """Events of each step, and drivers as deviations from their own past."""
    none = np.zeros((panel.n_series, panel.horizon))
    events = [panel.events[name][:, panel.n_periods :] * 1.0 if name in panel.events else none for name in known.events]
    drivers = [_deviation(panel, name) if name in panel.drivers else none for name in known.drivers]
    return [np.maximum.reduce([none, *events]), *events, *drivers]


def _deviation(panel: Panel, name: str) -> FloatArray:
    """A driver ahead, in standard deviations from the mean of its past; 0 where it never changed before."""
    past, ahead = panel.drivers[name][:, : panel.n_periods], panel.drivers[name][:, panel.n_periods :]
    if not panel.n_periods:
        return np.zeros_like(ahead)
    centre, spread = past.mean(axis=1, keepdims=True), past.std(axis=1, keepdims=True)
    return np.where(spread > 0, (ahead - centre) / np.where(spread > 0, spread, 1.0), 0.0)
