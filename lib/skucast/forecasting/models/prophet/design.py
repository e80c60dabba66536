"""Prophet's columns of a series: scaled time, seasons, events, regressors and changepoints."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skucast.forecasting.models.external.prophet import DAILY_DAYS, WEEKLY_DAYS, YEARLY_DAYS
from skucast.forecasting.models.prophet.settings import (
    DAILY,
    WEEKLY,
    YEARLY,
    Fourier,
    Mode,
    ProphetSettings,
    Regressor,
)
from skucast.forecasting.models.regression.effects import shown_drivers
from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray, Panel

TREND_SD = 5.0
"""Standard deviation of the normal priors of slope and level."""

DELIMITER = "_delim_"
"""Between the name of an event and the offset from it, as in Prophet."""


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
        names: what each effect column belongs to, such as season_yearly, event_Easter, driver_price.
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
    names: tuple[str, ...]
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
        parts += [np.ascontiguousarray(flags[row]).tobytes() for _, flags in self._windows]
        shown = sorted(self._shown(row))
        parts += [
            f"{name}\n".encode() + np.ascontiguousarray(self._panel.drivers[name][row]).tobytes() for name in shown
        ]
        return b"".join(parts)

    def _shown(self, row: int) -> frozenset[str]:
        """Drivers that have settings of their own, and those that show in a series."""
        return shown_drivers(self._panel, row) | set(self._settings.regressors)

    def design(self, row: int) -> Design:
        """The design of a series with at least two known periods."""
        known = np.flatnonzero(self._panel.is_known[row])
        ahead = np.arange(self._panel.n_periods, self._days.size)
        first, span = self._days[known[0]], self._days[known[-1]] - self._days[known[0]]
        changepoints = self._changepoints(known, first, span)
        blocks = self._seasons(span) + self._events(row, known) + self._regressors(row, known)
        effects = np.hstack([block.columns for block in blocks]) if blocks else np.zeros((self._days.size, 0))
        widths = [block.columns.shape[1] for block in blocks]
        return Design(
            time=(self._days[known] - first) / span,
            time_ahead=(self._days[ahead] - first) / span,
            changepoints=changepoints if changepoints.size else np.zeros(1),
            has_changepoints=changepoints.size > 0,
            effects=effects[known],
            effects_ahead=effects[ahead],
            prior_sd=np.repeat([float(block.prior_scale) for block in blocks], widths),
            is_factor=np.repeat([block.mode == "multiplicative" for block in blocks], widths).astype(bool),
            names=tuple(np.repeat([block.name for block in blocks], widths).tolist()),
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
        return [_Block(wave.name, self._waves[wave], wave.prior_scale or scale, wave.mode or mode) for wave in waves]

    def _events(self, row: int, known: IntArray) -> list[_Block]:
        """Windows that fell in a known period; the others have no effect to learn."""
        scale, mode = self._settings.holidays_prior_scale, self._settings.seasonality_mode
        return [
            _Block(f"event_{name.partition(DELIMITER)[0]}", flags[row][:, None].astype(float), scale, mode)
            for name, flags in self._windows
            if flags[row, known].any()
        ]

    def _regressors(self, row: int, known: IntArray) -> list[_Block]:
        settings, shown = self._settings, self._shown(row)
        drivers = [(name, settings.regressors.get(name, Regressor())) for name in self._panel.drivers if name in shown]
        return [
            _Block(
                f"driver_{name}",
                standardised(self._panel.drivers[name][row], known)[:, None],
                each.prior_scale or settings.holidays_prior_scale,
                each.mode or settings.seasonality_mode,
            )
            for name, each in drivers
        ]


@dataclass(frozen=True)
class _Block:
    """Columns that belong together, shape (n_periods + horizon, n)."""

    name: str
    columns: FloatArray
    prior_scale: float
    mode: Mode


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


def _windows(panel: Panel, settings: ProphetSettings) -> list[tuple[str, BoolArray | FloatArray]]:
    """Flags of each event and offset, in Prophet's order of columns."""
    result: dict[str, BoolArray | FloatArray] = {}
    for name, flags in panel.events.items():
        first, last = settings.event_windows.get(name, (0, 0))
        for offset in range(first, last + 1):
            sign = "+" if offset >= 0 else "-"
            result[f"{name}{DELIMITER}{sign}{abs(offset)}"] = _shifted(flags, offset)
    return sorted(result.items())


def _shifted(flags: BoolArray | FloatArray, offset: int) -> BoolArray | FloatArray:
    """Flags ``offset`` periods later."""
    result: BoolArray | FloatArray = np.zeros_like(flags)
    width = flags.shape[1]
    if abs(offset) < width:
        result[:, max(offset, 0) : width + min(offset, 0)] = flags[:, max(-offset, 0) : width - max(offset, 0)]
    return result
