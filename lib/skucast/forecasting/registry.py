"""Every forecasting method by name. A new method is one file of pure functions over a panel and one line here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from skucast.forecasting.arima import arima
from skucast.forecasting.baselines import mean, naive, seasonal_naive
from skucast.forecasting.fits import FitPanel, batched, per_series
from skucast.forecasting.intermittent import croston, sba, tsb
from skucast.forecasting.prophet import prophet
from skucast.forecasting.smoothing import ses


class Tier(StrEnum):
    """What a method costs, and so on which series it is tried: on all, or on those that make most of the revenue."""

    CHEAP = "cheap"
    """Microseconds a series."""
    FULL = "full"
    """Up to milliseconds a series: a search for parameters."""
    LIBRARY = "library"
    """A tenth of a second and more: one series after the other through another package."""


@dataclass(frozen=True)
class Method:
    """A forecasting method.

    Attributes:
        name: what configuration and tables call it.
        fit: fits all series of a panel.
        tier: what it costs.
    """

    name: str
    fit: FitPanel
    tier: Tier = Tier.CHEAP


METHODS: tuple[Method, ...] = (
    Method("naive", batched(naive)),
    Method("mean", batched(mean)),
    Method("seasonal_naive", batched(seasonal_naive)),
    Method("croston", batched(croston)),
    Method("sba", batched(sba)),
    Method("tsb", batched(tsb)),
    Method("ses", batched(ses)),
    Method("arima", per_series(arima), Tier.LIBRARY),
    Method("prophet", per_series(prophet), Tier.LIBRARY),
)
"""Cheapest first: of two equally good methods the earlier one is chosen."""

METHOD_NAMES: tuple[str, ...] = tuple(method.name for method in METHODS)
