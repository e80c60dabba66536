"""Models that tests name by their import path."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd


def last_four(history: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """Mean of the last four known values."""
    return pd.DataFrame({"mean": np.full(horizon, history["demand"].dropna().tail(4).mean())})


def seen(history: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """Number of rows, day of the week of the last, first value."""
    told = [len(history), history["period_start"].iloc[-1].dayofweek, history["demand"].iloc[0]]
    return pd.DataFrame({"mean": told[:horizon]})


def too_few(history: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """One row less than asked for."""
    return pd.DataFrame({"mean": np.ones(horizon - 1)})


def no_frame(history: pd.DataFrame, horizon: int) -> list[float]:
    """No frame at all."""
    return [1.0] * horizon


def for_ever(history: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """No end."""
    while True:
        time.sleep(0.01)


NOT_A_FUNCTION = 3
