"""Models of your own: a plain function of one item's history, named in the configuration by its import path."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib import import_module

import numpy as np
import pandas as pd

from skucast.forecasting.models.base import FitPanel, SeriesFit, per_series
from skucast.forecasting.panel.panel import FloatArray, Panel

OwnModel = Callable[[pd.DataFrame, int], pd.DataFrame]
"""History of one item at one location, with ``period_start`` and ``demand`` (NaN: unknown), and the number of periods
ahead → a frame with that many rows and the column ``mean``."""

SECONDS = 60.0
"""Time that a model may take for one series from one origin."""


def own_model(path: str) -> OwnModel:
    """The function at an import path such as ``my_shop.models:harmonic``.

    Raises:
        ValueError: the path has another form, nothing is there, or what is there cannot be called.
    """
    module, _, name = path.partition(":")
    if not module or not name:
        raise ValueError(f"found {path!r}, expected package.module:function")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as problem:
        raise ValueError(f"{path} cannot be imported: {problem}; install it, or name it in PYTHONPATH") from None
    if not callable(found):
        raise ValueError(f"{path} is {type(found).__name__}, expected a function of a history and a horizon")
    model: OwnModel = found
    return model


def own_method(path: str, seconds: float = SECONDS) -> FitPanel:
    """A method that calls the function at ``path`` for one series after the other, each behind the failure boundary."""
    return per_series(partial(_fit, path=path, seconds=seconds))


def _fit(panel: Panel, _previous: Mapping[str, float], *, path: str, seconds: float) -> SeriesFit:
    with _within(seconds):
        answer = own_model(path)(_history(panel), panel.horizon)
    return _mean_of(answer, panel.horizon), {}


def _history(panel: Panel) -> pd.DataFrame:
    periods = range(int(panel.start[0]), panel.n_periods)
    days = pd.to_datetime([panel.day(period) for period in periods])
    return pd.DataFrame({"period_start": days, "demand": panel.demand[0, panel.start[0] :]})


def _mean_of(answer: object, horizon: int) -> FloatArray:
    if not isinstance(answer, pd.DataFrame) or "mean" not in answer:
        found = list(answer) if isinstance(answer, pd.DataFrame) else type(answer).__name__
        raise ValueError(f"found {found}, expected a pandas.DataFrame with the column mean")
    if len(answer) != horizon:
        raise ValueError(f"found {len(answer)} rows, expected {horizon}, one for each period ahead")
    mean: FloatArray = answer["mean"].to_numpy(dtype=np.float64)
    return mean


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Stop Python code after so many seconds; where signals do not reach, in other threads, it runs to its end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise TimeoutError(f"took more than {seconds:g} s (forecast.seconds_per_fit)")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
