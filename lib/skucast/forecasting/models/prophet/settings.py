"""What Prophet takes: seasons, priors, changepoints, events and drivers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Mode = Literal["additive", "multiplicative"]


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

    @property
    def name(self) -> str:
        """What its component is called."""
        usual = {365.25: "yearly", 7.0: "weekly", 1.0: "daily"}
        return f"season_{usual.get(self.period, f'{self.period:g}_days')}"


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
