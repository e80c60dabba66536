"""The panel: many series over one calendar, as arrays. What every forecasting function takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skucast.forecasting.panel.covariates import Record

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Panel:
    """Demand histories of many series over equally spaced periods, and what is known of the horizon.

    Attributes:
        demand: units per period, shape (n_series, n_periods). NaN where unknown: before the series' life, censored,
            closed. Never negative, never infinite. Values given for closed periods are dropped.
        is_closed: shape (n_series, n_periods + horizon). A closed period carries no demand; its forecast is 0.
        start: index of the first period of each series' life, shape (n_series,); n_periods if it has no history.
        first_day: first calendar day of period 0.
        period_days: calendar days per period: 1, 7, 1/24 for hours, 365.25/12 for months.
        season_length: periods in the dominant season (7 for days, 52 for weeks, 24 for hours, 12 for months).
        horizon: periods to forecast. [H]
        events: event name -> shape (n_series, n_periods + horizon): the event falls in that period and was known; or
            how many days of it do.
        longer_seasons: periods of further seasons, rising (365 for days, 168 for hours).
        drivers: name -> finite values, shape (n_series, n_periods + horizon): price, weather, known ahead.
        lower_bound: units sold in periods in which stock ran out, shape (n_series, n_periods); NaN in the others. None:
            stock never ran out.
        exposure: share of the selling time with stock of those periods, in [0, 1), same shape; NaN where it is unknown.
        variance: of demand that is an estimate, units squared, same shape; 0 where demand was seen. None: all was seen.
        known_from: event name -> periods an origin must know to know of the event, of the shape of ``events``; absent
            where it was always known.
        records: driver name -> how it came to be known; its values in ``drivers`` are those at the end of the history.
        group: row of each series' group among those whose seasons are shared, -1 for none, shape (n_series,). None: no
            series has a group.
    """

    demand: FloatArray
    is_closed: BoolArray
    start: IntArray
    first_day: date
    period_days: float
    season_length: int
    horizon: int
    events: Mapping[str, BoolArray | FloatArray]
    longer_seasons: tuple[int, ...] = ()
    drivers: Mapping[str, FloatArray] = field(default_factory=dict)
    lower_bound: FloatArray | None = None
    exposure: FloatArray | None = None
    variance: FloatArray | None = None
    known_from: Mapping[str, IntArray] = field(default_factory=dict)
    records: Mapping[str, Record] = field(default_factory=dict)
    group: IntArray | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together; drop values of closed periods.

        Raises:
            ValueError: a shape that does not fit, a horizon below 1, negative or infinite demand, a driver with a gap,
                a lower bound beside known demand, an exposure outside [0, 1) or without a lower bound.
        """
        self._check_shapes()
        gaps = sorted(name for name, values in self.drivers.items() if not np.isfinite(values).all())
        if gaps:
            raise ValueError(f"drivers must be known in every period and step, found gaps in {', '.join(gaps)}")
        closed = self.is_closed[:, : self.n_periods]
        object.__setattr__(self, "demand", np.where(closed, np.nan, self.demand))
        with np.errstate(invalid="ignore"):
            impossible = (self.demand < 0) | np.isinf(self.demand)
        if impossible.any():
            row, period = (int(i) for i in np.argwhere(impossible)[0])
            raise ValueError(
                f"demand must be a finite number >= 0 or NaN where unknown, found {self.demand[row, period]} "
                f"in series {row}, period {period}"
            )
        self._check_stock_outs(closed)

    def _check_stock_outs(self, closed: BoolArray) -> None:
        if self.lower_bound is None:
            if self.exposure is not None:
                raise ValueError("exposure needs a lower_bound beside it: units sold in the periods that ran out")
            return
        bound = np.where(closed, np.nan, self.lower_bound)
        exposure = np.full(bound.shape, np.nan) if self.exposure is None else np.where(closed, np.nan, self.exposure)
        is_bound = ~np.isnan(bound)
        impossible = {
            "lower_bound must be a finite number >= 0, or NaN where stock lasted": is_bound
            & ~((bound >= 0) & (bound < np.inf)),
            "lower_bound must be NaN where demand is known": is_bound & self.is_known,
            "exposure (in_stock_share) of a period that ran out must lie in [0, 1)": ~np.isnan(exposure)
            & ~(is_bound & (exposure >= 0) & (exposure < 1)),
        }
        for rule, is_broken in impossible.items():
            if is_broken.any():
                row, period = (int(i) for i in np.argwhere(is_broken)[0])
                raise ValueError(
                    f"{rule}; found demand {self.demand[row, period]}, lower_bound {bound[row, period]} and exposure "
                    f"{exposure[row, period]} in series {row}, period {period}"
                )
        object.__setattr__(self, "lower_bound", bound)
        object.__setattr__(self, "exposure", exposure)

    def _check_shapes(self) -> None:
        if self.horizon < 1:
            raise ValueError(f"horizon must be at least 1 period, found {self.horizon}")
        n_series, n_periods = self.demand.shape
        wide = (n_series, n_periods + self.horizon)
        shapes = {"is_closed": (self.is_closed.shape, wide), "start": (self.start.shape, (n_series,))}
        shapes |= {f"events[{name!r}]": (flags.shape, wide) for name, flags in self.events.items()}
        shapes |= {f"drivers[{name!r}]": (values.shape, wide) for name, values in self.drivers.items()}
        optional = {"lower_bound": self.lower_bound, "exposure": self.exposure, "variance": self.variance}
        past = self.demand.shape
        shapes |= {name: (values.shape, past) for name, values in optional.items() if values is not None}
        shapes |= {f"known_from[{name!r}]": (since.shape, wide) for name, since in self.known_from.items()}
        wrong = [
            f"{name} has shape {found}, expected {asked}" for name, (found, asked) in shapes.items() if found != asked
        ]
        if wrong:
            raise ValueError(
                f"demand has shape {self.demand.shape} and the horizon is {self.horizon}: " + "; ".join(wrong)
            )

    @property
    def n_series(self) -> int:
        """Number of series."""
        return int(self.demand.shape[0])

    @property
    def n_periods(self) -> int:
        """Number of periods of history."""
        return int(self.demand.shape[1])

    @property
    def season_lengths(self) -> tuple[int, ...]:
        """Periods of every season, rising."""
        return (self.season_length, *self.longer_seasons)

    @cached_property
    def is_known(self) -> BoolArray:
        """Periods whose demand is known, shape (n_series, n_periods)."""
        return ~np.isnan(self.demand)

    @property
    def has_stock_outs(self) -> bool:
        """Whether stock ran out in any period of any series."""
        return bool(self.is_censored.any())

    @cached_property
    def is_censored(self) -> BoolArray:
        """Periods in which stock ran out, shape (n_series, n_periods)."""
        if self.lower_bound is None:
            return np.zeros(self.demand.shape, dtype=bool)
        return ~np.isnan(self.lower_bound)

    @cached_property
    def is_partial(self) -> BoolArray:
        """Those of them that say something of demand: stock was there for a while, or something was sold."""
        if self.lower_bound is None or self.exposure is None:
            return self.is_censored
        is_partial: BoolArray = self.is_censored & ((self.exposure > 0) | (self.lower_bound > 0))
        return is_partial

    @property
    def sold(self) -> FloatArray:
        """Demand where known, what was sold in partly available periods, else NaN; shape (n_series, n_periods)."""
        return self.demand if self.lower_bound is None else np.where(self.is_partial, self.lower_bound, self.demand)

    @property
    def is_closed_ahead(self) -> BoolArray:
        """Closed steps of the horizon, shape (n_series, horizon)."""
        return self.is_closed[:, self.n_periods :]

    def day(self, period: int) -> date:
        """First calendar day of the period with index ``period``."""
        return self.first_day + timedelta(days=period * self.period_days)

    def until(self, n_periods: int) -> Panel:
        """What an origin knew: the first ``n_periods`` periods of demand, calendar and events to its own horizon.

        Args:
            n_periods: periods the origin knew, 0 to the panel's own. Step 1 is the period with this index.
        """
        if not 0 <= n_periods <= self.n_periods:
            raise ValueError(f"an origin knows 0 to {self.n_periods} periods, asked for {n_periods}")
        end, past = n_periods + self.horizon, np.s_[:, :n_periods]
        drivers = {name: values[:, :end] for name, values in self.drivers.items()}
        drivers |= {name: record.at(n_periods, self.horizon) for name, record in self.records.items()}
        return replace(
            self,
            demand=self.demand[:, :n_periods],
            is_closed=self.is_closed[:, :end],
            start=np.minimum(self.start, n_periods),
            events={name: self._event_until(name, n_periods) for name in self.events},
            drivers=drivers,
            known_from={name: since[:, :end] for name, since in self.known_from.items()},
            lower_bound=_at(self.lower_bound, past),
            exposure=_at(self.exposure, past),
            variance=_at(self.variance, past),
        )

    def _event_until(self, name: str, n_periods: int) -> BoolArray | FloatArray:
        """An event as an origin knew it."""
        flags = self.events[name][:, : n_periods + self.horizon]
        return flags * (self.known_from[name][:, : flags.shape[1]] <= n_periods) if name in self.known_from else flags

    def rows(self, index: IntArray) -> Panel:
        """The series at ``index``, in that order."""
        return replace(
            self,
            demand=self.demand[index],
            is_closed=self.is_closed[index],
            start=self.start[index],
            events={name: flags[index] for name, flags in self.events.items()},
            drivers={name: values[index] for name, values in self.drivers.items()},
            lower_bound=_at(self.lower_bound, index),
            exposure=_at(self.exposure, index),
            variance=_at(self.variance, index),
            known_from={name: since[index] for name, since in self.known_from.items()},
            records={name: record.rows(index) for name, record in self.records.items()},
            group=_at(self.group, index),
        )

    def with_demand(self, demand: FloatArray, variance: FloatArray | None = None) -> Panel:
        """The same with other demand, in which nothing is left of the stock-outs."""
        return replace(self, demand=demand, variance=variance, lower_bound=None, exposure=None)

    def actuals(self, origin: int) -> FloatArray:
        """Demand of the steps after an origin that knew ``origin`` periods, shape (n_series, horizon).

        NaN where unknown or not yet happened; 0 in closed periods that have happened.
        """
        ahead = np.full((self.n_series, self.horizon), np.nan)
        seen = slice(origin, min(origin + self.horizon, self.n_periods))
        ahead[:, : seen.stop - origin] = np.where(self.is_closed[:, seen], 0.0, self.demand[:, seen])
        return ahead


def _at(values: Any, index: Any) -> Any:
    """Values at an index, if there are any."""
    return None if values is None else values[index]
