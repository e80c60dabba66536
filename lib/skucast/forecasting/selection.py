"""Which methods a series may try, and which of those tried is its champion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from skucast.forecasting.panel import BoolArray, FloatArray, IntArray
from skucast.forecasting.registry import Method, Tier

TIE = 1e-12
"""Relative difference of RMSSE below which two methods are equally good: the cheaper one is chosen."""


def candidate_methods(
    classes: Sequence[str],
    allowed: Sequence[str],
    by_class: Mapping[str, Sequence[str]],
    revenue_share_before: FloatArray,
    tier_shares: Mapping[Tier, float],
    methods: Sequence[Method],
) -> BoolArray:
    """Methods to try on each series, shape (n_series, n_methods).

    A method is tried if the plan allows it at all, the class of the series lists it and the series is among those that
    make the method's tier's share of all revenue.

    Args:
        classes: demand class of each series on the whole history.
        allowed: names of the methods allowed at all.
        by_class: class -> names of its candidates; a class that is not listed has none.
        revenue_share_before: share of all revenue made by series that earn more, shape (n_series,).
        tier_shares: tier -> share of revenue, from the series that earn most down; a tier that is absent is for all.
        methods: the registry.

    Raises:
        ValueError: a name that is not in the registry.
    """
    names = [method.name for method in methods]
    unknown = sorted({*allowed, *(name for listed in by_class.values() for name in listed)} - set(names))
    if unknown:
        raise ValueError(f"unknown forecasting methods {', '.join(unknown)}; known are {', '.join(names)}")
    listed = {
        demand_class: np.array([name in allowed and name in by_class.get(demand_class, ()) for name in names])
        for demand_class in set(classes)
    }
    shares = np.array([tier_shares.get(method.tier, 1.0) for method in methods])
    rows = np.array([listed[demand_class] for demand_class in classes], dtype=bool).reshape(len(classes), len(names))
    result: BoolArray = rows & ((revenue_share_before[:, None] < shares) | (shares >= 1.0))
    return result


def champions(rmsse: FloatArray) -> IntArray:
    """Index of the best method of each series, shape (n_series,); -1 where none was scored.

    Args:
        rmsse: shape (n_series, n_methods), methods in rising order of cost, infinite where not scored.
    """
    best = rmsse.min(axis=1, keepdims=True)
    first = np.argmax(rmsse <= best * (1.0 + TIE), axis=1)
    return np.where(np.isfinite(best[:, 0]), first, -1)
