"""Prophet per series, by the prophet package. Each fit runs Stan in a process of its own: the slow path."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from skucast.forecasting.models.base import SeriesFit
from skucast.forecasting.models.regression.effects import shown_drivers
from skucast.forecasting.panel.panel import FloatArray, IntArray, Panel

if TYPE_CHECKING:
    import pandas as pd

YEARLY_DAYS, WEEKLY_DAYS, DAILY_DAYS = 730, 14, 2
"""Shortest histories with a yearly, weekly and daily season, the last two for shorter periods: Prophet's own rule."""

SLOPE_IN_USE = 1e-4
"""Smallest change of slope (share of the largest demand over the whole history) counted as one."""

NOISY_LOGGERS = ("prophet", "prophet.plot", "prophet.models", "cmdstanpy", "stan")


def prophet(panel: Panel, _previous: Mapping[str, float]) -> SeriesFit:
    """Fit one series; unknown and closed periods are absent rows.

    Linear trend with Prophet's default changepoints, weekly season for days, yearly season from two years on, events as
    holidays. No uncertainty sampling: spread comes from the backtest. Optimised by L-BFGS whatever the length, with
    Prophet's own retry by Newton; Prophet would take Newton below 100 rows, at four times the cost.
    Stan's files go to a temporary folder that is removed here: Spark workers never run the package's exit handlers.

    Args:
        panel: one series.
        _previous: not used: a start value saves nothing beside the process that each fit starts.

    Source: Taylor & Letham (2018), The American Statistician 72, 37-45.
    """
    with (
        _silenced_loggers(),
        warnings.catch_warnings(),
        tempfile.TemporaryDirectory(prefix="skucast-prophet-") as folder,
    ):
        warnings.simplefilter("ignore")
        model = _model(panel)
        known = np.flatnonzero(panel.is_known[0])
        model.fit(_with_drivers(panel, known).assign(y=panel.demand[0, known]), algorithm="LBFGS", output_dir=folder)
        ahead = np.arange(panel.n_periods, panel.n_periods + panel.horizon)
        mean = model.predict(_with_drivers(panel, ahead))["yhat"].to_numpy(dtype=np.float64)
    return mean, _parameters(model)


def _model(panel: Panel) -> Any:
    import prophet as package

    known = np.flatnonzero(panel.is_known[0])
    span = float(known[-1] - known[0]) * panel.period_days if known.size else 0.0
    model = package.Prophet(
        growth="linear",
        daily_seasonality=panel.period_days < 1 and span >= DAILY_DAYS,
        weekly_seasonality=panel.period_days < 7 and span >= WEEKLY_DAYS,
        yearly_seasonality=span >= YEARLY_DAYS,
        holidays=_holidays(panel),
        uncertainty_samples=0,
    )
    for name in _drivers(panel):
        model.add_regressor(name)
    return model


def _drivers(panel: Panel) -> Mapping[str, FloatArray]:
    """Drivers that show in the series, shape (n_periods + horizon,)."""
    shown = shown_drivers(panel, 0)
    return {name: values[0] for name, values in panel.drivers.items() if name in shown}


def _with_drivers(panel: Panel, periods: IntArray) -> pd.DataFrame:
    """One row per period: when it begins, and what drives demand in it."""
    return _frame(panel, periods).assign(**{name: values[periods] for name, values in _drivers(panel).items()})


def _frame(panel: Panel, periods: IntArray) -> pd.DataFrame:
    """One row per period, column ``ds``: when it begins."""
    import pandas as pd

    seconds = np.round(periods * panel.period_days * 86_400.0).astype(np.int64)
    return pd.DataFrame({"ds": np.datetime64(panel.first_day, "ns") + seconds * np.timedelta64(1_000_000_000, "ns")})


def _holidays(panel: Panel) -> pd.DataFrame | None:
    """Events that fell in at least one known period (others have no effect to learn), one row per event and period."""
    import pandas as pd

    frames = [
        _frame(panel, np.flatnonzero(flags[0])).assign(holiday=name)
        for name, flags in sorted(panel.events.items())
        if flags[0, : panel.n_periods][panel.is_known[0]].any()
    ]
    return pd.concat(frames, ignore_index=True) if frames else None


def _parameters(model: Any) -> Mapping[str, float]:
    """Trend slope, level and noise in units (slope: units over the whole history), and slope changes in use."""
    scale = float(model.y_scale)
    fitted = {name: np.asarray(values, dtype=np.float64) for name, values in model.params.items()}
    return {
        "trend": scale * float(fitted["k"].mean()),
        "level": scale * float(fitted["m"].mean()),
        "noise": scale * float(fitted["sigma_obs"].mean()),
        "n_changepoints": float(np.count_nonzero(np.abs(fitted["delta"]) > SLOPE_IN_USE)),
    }


@contextmanager
def _silenced_loggers() -> Iterator[None]:
    """Drop the per-fit messages of prophet and cmdstanpy: at one fit per item they are noise; failures are raised."""
    loggers = [logging.getLogger(name) for name in NOISY_LOGGERS]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger, was_disabled in zip(loggers, before, strict=True):
            logger.disabled = was_disabled
