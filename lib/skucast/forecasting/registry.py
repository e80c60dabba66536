"""Every forecasting method by name. A new method is one file of pure functions over a panel and one line here."""

from __future__ import annotations

from dataclasses import dataclass

from skucast.forecasting.arima import arima
from skucast.forecasting.baselines import mean, naive, seasonal_naive
from skucast.forecasting.fits import FitPanel, batched, per_series
from skucast.forecasting.intermittent import croston, sba, tsb
from skucast.forecasting.prophet import prophet
from skucast.forecasting.smoothing import ses


@dataclass(frozen=True)
class Method:
    """A forecasting method.

    Attributes:
        name: what configuration and tables call it.
        fit: fits all series of a panel.
        is_slow: fits one series after the other; tried only where the caller allows.
    """

    name: str
    fit: FitPanel
    is_slow: bool = False


METHODS: tuple[Method, ...] = (
    Method("naive", batched(naive)),
    Method("mean", batched(mean)),
    Method("seasonal_naive", batched(seasonal_naive)),
    Method("croston", batched(croston)),
    Method("sba", batched(sba)),
    Method("tsb", batched(tsb)),
    Method("ses", batched(ses)),
    Method("arima", per_series(arima), is_slow=True),
    Method("prophet", per_series(prophet), is_slow=True),
)
"""Cheapest first: of two equally good methods the earlier one is chosen."""

METHOD_NAMES: tuple[str, ...] = tuple(method.name for method in METHODS)
