"""Which methods a series may try, how good they were, and which of those tried is its champion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from skucast.forecasting.error_law import ErrorLaw
from skucast.forecasting.panel import BoolArray, FloatArray, IntArray
from skucast.forecasting.registry import Method, Tier
from skucast.forecasting.trials import Trials

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


def pinball_scores(trials: Trials, law: ErrorLaw, group: IntArray, span: IntArray, weight: float) -> FloatArray:
    """Pinball loss of demand summed over the span, of each candidate's calibrated quantiles; shape (n, k).

    In units of the scale, averaged over the levels of the law and the origins of the series, and drawn to the expected
    loss of the candidate in the group as if that had been seen at ``weight`` origins more: few origins do not choose by
    luck. An origin's quantiles are those of the group that it saw the series in. Of a span that no origin has seen to
    its end, the longest part that one has; without any, the group decides.
    Infinite where a candidate was not tried.

    Args:
        trials: the backtest.
        law: pooled errors of each group and candidate.
        group: of each series on the whole history, shape (n,).
        span: steps that are summed, shape (n,).
        weight: origins that a group counts for.
    """
    last, rows = trials.last_step(span), np.arange(span.size)
    errors, losses = trials.scaled_sums()[rows, :, :, last], law.losses[group, :, last]
    found = np.zeros_like(errors)
    for place, level in enumerate(law.levels):
        missed = errors - law.sum_quantiles[trials.group, :, last[:, None], place]
        found += np.maximum(level * missed, (level - 1.0) * missed) / law.levels.size
    n_seen = np.isfinite(found).sum(axis=1)
    blended = (np.nansum(found, axis=1) + weight * losses) / np.maximum(n_seen + weight, 1e-300)
    return np.where(trials.is_tried, np.where(n_seen + weight > 0, blended, losses), np.inf)


def champions(scores: FloatArray) -> IntArray:
    """Index of the best candidate of each series, shape (n_series,); -1 where none was scored.

    Args:
        scores: shape (n_series, n_candidates), candidates in rising order of cost, infinite where not scored.
    """
    best = scores.min(axis=1, keepdims=True)
    first = np.argmax(scores <= best * (1.0 + TIE), axis=1)
    return np.where(np.isfinite(best[:, 0]), first, -1)
