"""Which methods a series may try, how good they were, and which of those tried is its champion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from skucast.forecasting.models.registry import Method, Tier
from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray

TIE = 1e-12
"""Relative difference of scores below which two methods are equally good: the cheaper one is chosen."""


def candidate_methods(
    classes: Sequence[str],
    allowed: Sequence[str],
    by_class: Mapping[str, Sequence[str]],
    revenue_share_before: FloatArray,
    tier_shares: Mapping[Tier, float],
    has_season: BoolArray,
    methods: Sequence[Method],
) -> BoolArray:
    """Methods to try on each series, shape (n_series, n_methods).

    A method is tried if the plan allows it at all, the class of the series lists it, the series is among those that
    make the method's tier's share of all revenue, and its history has the season twice if the method needs that.

    Args:
        classes: demand class of each series on the whole history.
        allowed: names of the methods allowed at all.
        by_class: class -> names of its candidates; a class that is not listed has none.
        revenue_share_before: share of all revenue made by series that earn more, shape (n_series,).
        tier_shares: tier -> share of revenue, from the series that earn most down; a tier that is absent is for all.
        has_season: history has the season twice, shape (n_series,).
        methods: the columns.
    """
    names = [method.listing for method in methods]
    listed = {
        demand_class: np.array([name in allowed and name in by_class.get(demand_class, ()) for name in names])
        for demand_class in set(classes)
    }
    shares = np.array([tier_shares.get(method.tier, 1.0) for method in methods])
    rows = np.array([listed[demand_class] for demand_class in classes], dtype=bool).reshape(len(classes), len(names))
    needs_none = ~np.array([method.needs_season for method in methods], dtype=bool)
    is_affordable = (revenue_share_before[:, None] < shares) | (shares >= 1.0)
    result: BoolArray = rows & is_affordable & (has_season[:, None] | needs_none)
    return result


def drawn_scores(losses: FloatArray, usual: FloatArray, is_tried: BoolArray, weight: float) -> FloatArray:
    """Mean loss of each candidate, drawn to the usual one of its group; shape (n, k), infinite where not tried.

    The usual loss counts as if it had been seen at ``weight`` origins more: few origins do not choose by luck. Without
    any own loss, or any weight, the group decides.

    Args:
        losses: at each origin, shape (n, o, k); NaN where unknown.
        usual: of the candidate in the group of the series, shape (n, k).
        is_tried: shape (n, k).
        weight: origins that a group counts for.
    """
    n_seen = np.isfinite(losses).sum(axis=1)
    blended = (np.nansum(losses, axis=1) + weight * usual) / np.maximum(n_seen + weight, 1e-300)
    return np.where(is_tried, np.where(n_seen + weight > 0, blended, usual), np.inf)


def champions(scores: FloatArray) -> IntArray:
    """Index of the best candidate of each series, shape (n_series,); -1 where none was scored.

    Args:
        scores: shape (n_series, n_candidates), candidates in rising order of cost, infinite where not scored.
    """
    best = scores.min(axis=1, keepdims=True)
    first = np.argmax(scores <= best * (1.0 + TIE), axis=1)
    return np.where(np.isfinite(best[:, 0]), first, -1)
