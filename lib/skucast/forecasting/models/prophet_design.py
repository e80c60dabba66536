"""Prophet's columns of a series: scaled time, seasons, events, regressors and changepoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Literal

import numpy as np

from skucast.forecasting.models.library_prophet import DAILY_DAYS, WEEKLY_DAYS, YEARLY_DAYS
from skucast.forecasting.panel import BoolArray, FloatArray, IntArray, Panel

Mode = Literal["additive", "multiplicative"]

TREND_SD = 5.0
"""Standard deviation of the normal priors of slope and level."""


@dataclass(frozen=True)
class Fourier:
    """A season as a Fourier series.

    Attributes:
        period: calendar days. [P]
        order: number of sine and cosine pairs. [N]
        prior_scale: standard deviation of the normal prior of each coefficient; None: that of all seasons.
        mode: None: that of all seasons.
    """

    period: float
    order: int
    prior_scale: float | None = None
    mode: Mode | None = None


YEARLY, WEEKLY, DAILY = Fourier(365.25, 10), Fourier(7.0, 3), Fourier(1.0, 4)


@dataclass(frozen=True)
class Regressor:
    """How a driver of the panel enters: standardised over the known periods, unless it is 0 or 1 or constant there.

    Attributes:
        prior_scale: standard deviation of the prior; None: that of events.
        mode: None: that of seasons.
    """

    prior_scale: float | None = None
    mode: Mode | None = None


@dataclass(frozen=True)
class ProphetSettings:
    """What Prophet's constructor and its ``add_`` functions take; defaults are Prophet's.

    Attributes:
        growth: piecewise linear trend or a constant.
        seasonality_mode: seasons (and events, and regressors) add to the trend or multiply it.
        seasonality_prior_scale: standard deviation of the prior of Fourier coefficients.
        holidays_prior_scale: the same of events and regressors.
        changepoint_prior_scale: scale of the Laplace prior of slope changes. [τ]
        n_changepoints: evenly spaced over the known periods, fewer in short histories. [S]
        changepoint_range: share of the known periods in which they lie.
        changepoints: their days instead; those outside a series' history are left out.
        daily: None: for periods of hours from two days on.
        weekly: None: for periods of days and hours from two weeks on.
        yearly: None: from two years on.
        seasons: further Fourier series.
        event_windows: event name -> first and last period around the event with an effect of its own, such as (-1, 2).
        regressors: how drivers enter that do not enter as ``Regressor()``.
    """

    growth: Literal["linear", "flat"] = "linear"
    seasonality_mode: Mode = "additive"
    seasonality_prior_scale: float = 10.0
    holidays_prior_scale: float = 10.0
    changepoint_prior_scale: float = 0.05
    n_changepoints: int = 25
    changepoint_range: float = 0.8
    changepoints: tuple[date, ...] | None = None
    daily: bool | None = None
    weekly: bool | None = None
    yearly: bool | None = None
    seasons: tuple[Fourier, ...] = ()
    event_windows: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    regressors: Mapping[str, Regressor] = field(default_factory=dict)


@dataclass(frozen=True)
class Design:
    """The columns of one series.

    Attributes:
        time: 0 at the first known period, 1 at the last, shape (n_known,). [t]
        time_ahead: of the steps, shape (horizon,).
        changepoints: scaled times, shape (n_changepoints,); [0] where there are none, a second slope as in Prophet. [s]
        has_changepoints: False where that is so.
        effects: columns of seasons, events and regressors, shape (n_known, n_effects). [X]
        effects_ahead: the same of the steps, shape (horizon, n_effects).
        prior_sd: of their coefficients, shape (n_effects,).
        is_factor: they multiply the trend, shape (n_effects,).
        is_flat: the trend is a constant.
    """

    time: FloatArray
    time_ahead: FloatArray
    changepoints: FloatArray
    has_changepoints: bool
    effects: FloatArray
    effects_ahead: FloatArray
    prior_sd: FloatArray
    is_factor: BoolArray
    is_flat: bool

    @property
    def n_trend(self) -> int:
        """Coefficients of the trend beside the slope changes: slope and level, or the level."""
        return 1 if self.is_flat else 2

    @property
    def n_ridge(self) -> int:
        """Coefficients with normal priors: trend, then effects."""
        return self.n_trend + self.prior_sd.size

    @property
    def precision(self) -> FloatArray:
        """1/sd² of the normal priors, 0 for slope changes, shape (n_ridge + n_changepoints,)."""
        sd = np.concatenate([np.full(self.n_trend, TREND_SD), self.prior_sd])
        return np.concatenate([1.0 / sd**2, np.zeros(0 if self.is_flat else self.changepoints.size)])

    @cached_property
    def columns(self) -> FloatArray:
        """Trend, effects and hinges (t − s)₊ of the known periods, shape (n_known, n_ridge + n_changepoints)."""
        return self._columns(self.time, self.effects)

    @cached_property
    def columns_ahead(self) -> FloatArray:
        """The same of the steps, shape (horizon, n_ridge + n_changepoints)."""
        return self._columns(self.time_ahead, self.effects_ahead)

    @property
    def has_free_scale(self) -> bool:
        """Factors can be a constant, as without one day of the week: only the priors tell their scale from the trend's.

        The posterior then has several maxima; on real series without this none was found.
        """
        factors = np.hstack([np.ones((self.time.size, 1)), self.effects[:, self.is_factor]])
        spectrum = np.linalg.eigvalsh(factors.T @ factors)
        return not self.is_flat and bool(spectrum[0] < 1e-9 * spectrum[-1])

    def _columns(self, time: FloatArray, effects: FloatArray) -> FloatArray:
        level = np.ones((time.size, 1))
        if self.is_flat:
            return np.hstack([level, effects])
        hinges = np.maximum(time[:, None] - self.changepoints, 0.0)
        return np.hstack([time[:, None], level, effects, hinges])


class Designer:
    """Makes the designs of a panel; what all series share is made once."""

    def __init__(self, panel: Panel, settings: ProphetSettings) -> None:
        self._panel, self._settings = panel, settings
        periods = np.arange(panel.n_periods + panel.horizon)
        self._days = (np.datetime64(panel.first_day, "D").astype(np.int64) + periods * panel.period_days).astype(float)
        self._waves = {wave: fourier(self._days, wave) for wave in {YEARLY, WEEKLY, DAILY, *settings.seasons}}
        self._windows = _windows(panel, settings)
        unknown = sorted(set(settings.regressors) - set(panel.drivers))
        if unknown:
            known = ", ".join(panel.drivers) or "none"
            raise ValueError(f"unknown regressors {', '.join(unknown)}; the drivers of the panel are {known}")

    def key(self, row: int) -> bytes:
        """Equal for series with equal designs."""
        parts = [np.packbits(self._panel.is_known[row]).tobytes()]
        parts += [np.packbits(flags[row]).tobytes() for _, flags in self._windows]
        parts += [np.ascontiguousarray(values[row]).tobytes() for values in self._panel.drivers.values()]
        return b"".join(parts)

    def design(self, row: int) -> Design:
        """The design of a series with at least two known periods."""
        known = np.flatnonzero(self._panel.is_known[row])
        ahead = np.arange(self._panel.n_periods, self._days.size)
        first, span = self._days[known[0]], self._days[known[-1]] - self._days[known[0]]
        changepoints = self._changepoints(known, first, span)
        blocks = self._seasons(span) + self._events(row, known) + self._regressors(row, known)
        effects = np.hstack([block for block, _, _ in blocks]) if blocks else np.zeros((self._days.size, 0))
        widths = [block.shape[1] for block, _, _ in blocks]
        return Design(
            time=(self._days[known] - first) / span,
            time_ahead=(self._days[ahead] - first) / span,
            changepoints=changepoints if changepoints.size else np.zeros(1),
            has_changepoints=changepoints.size > 0,
            effects=effects[known],
            effects_ahead=effects[ahead],
            prior_sd=np.repeat([float(sd) for _, sd, _ in blocks], widths),
            is_factor=np.repeat([mode == "multiplicative" for _, _, mode in blocks], widths).astype(bool),
            is_flat=self._settings.growth == "flat",
        )

    def _changepoints(self, known: IntArray, first: float, span: float) -> FloatArray:
        chosen = self._settings.changepoints
        if chosen is not None:
            days = np.sort(np.array(chosen, dtype="datetime64[D]").astype(np.int64).astype(float))
            return (days[(days >= first) & (days <= first + span)] - first) / span
        n_rows = int(np.floor(known.size * self._settings.changepoint_range))
        places = changepoint_places(n_rows, self._settings.n_changepoints)
        result: FloatArray = (self._days[known[places]] - first) / span
        return result

    def _seasons(self, span: float) -> list[_Block]:
        settings = self._settings
        daily = self._panel.period_days < 1 and span >= DAILY_DAYS
        weekly = self._panel.period_days < 7 and span >= WEEKLY_DAYS
        used = {
            YEARLY: span >= YEARLY_DAYS if settings.yearly is None else settings.yearly,
            WEEKLY: weekly if settings.weekly is None else settings.weekly,
            DAILY: daily if settings.daily is None else settings.daily,
        }
        waves = [*settings.seasons, *(wave for wave, is_used in used.items() if is_used)]
        scale, mode = settings.seasonality_prior_scale, settings.seasonality_mode
        return [(self._waves[wave], wave.prior_scale or scale, wave.mode or mode) for wave in waves]

    def _events(self, row: int, known: IntArray) -> list[_Block]:
        """Windows that fell in a known period; the others have no effect to learn."""
        seen = [flags[row] for _, flags in self._windows if flags[row, known].any()]
        settings = self._settings
        return [
            (flags[:, None].astype(float), settings.holidays_prior_scale, settings.seasonality_mode) for flags in seen
        ]

    def _regressors(self, row: int, known: IntArray) -> list[_Block]:
        settings = self._settings
        drivers = [(values, settings.regressors.get(name, Regressor())) for name, values in self._panel.drivers.items()]
        return [
            (
                standardised(values[row], known)[:, None],
                each.prior_scale or settings.holidays_prior_scale,
                each.mode or settings.seasonality_mode,
            )
            for values, each in drivers
        ]


_Block = tuple[FloatArray, float, Mode]


def fourier(days: FloatArray, wave: Fourier) -> FloatArray:
    """Columns sin(2πnu/P), cos(2πnu/P) for n = 1 to N, shape (n_days, 2N); u counts days from 1970-01-01."""
    angle = np.arange(1, wave.order + 1) / wave.period * (2.0 * np.pi * days[:, None])
    return np.stack([np.sin(angle), np.cos(angle)], axis=2).reshape(days.size, 2 * wave.order)


def changepoint_places(n_rows: int, n_changepoints: int) -> IntArray:
    """Rows at which the slope may change: ``n_changepoints`` evenly over the first ``n_rows``, at most all but one."""
    n = min(n_changepoints, n_rows - 1)
    if n < 1:
        return np.zeros(0, dtype=np.int64)
    return np.linspace(0, n_rows - 1, n + 1).round().astype(np.int64)[1:]


def standardised(values: FloatArray, known: IntArray) -> FloatArray:
    """A regressor less its mean over its standard deviation in the known periods; 0/1 and constants as they are."""
    seen = values[known]
    levels = np.unique(seen)
    if levels.size < 2 or np.array_equal(levels, [0.0, 1.0]):
        return values
    result: FloatArray = (values - seen.mean()) / seen.std(ddof=1)
    return result


def _windows(panel: Panel, settings: ProphetSettings) -> list[tuple[str, BoolArray]]:
    """Flags of each event and offset, in Prophet's order of columns."""
    result: dict[str, BoolArray] = {}
    for name, flags in panel.events.items():
        first, last = settings.event_windows.get(name, (0, 0))
        for offset in range(first, last + 1):
            sign = "+" if offset >= 0 else "-"
            result[f"{name}_delim_{sign}{abs(offset)}"] = _shifted(flags, offset)
    return sorted(result.items())


def _shifted(flags: BoolArray, offset: int) -> BoolArray:
    """Flags ``offset`` periods later."""
    result = np.zeros_like(flags)
    width = flags.shape[1]
    if abs(offset) < width:
        result[:, max(offset, 0) : width + min(offset, 0)] = flags[:, max(-offset, 0) : width - max(offset, 0)]
    return result
