"""Combinations of a series' candidates: forecasts of many methods, averaged evenly or by how they did before."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from skucast.forecasting.models.registry import METHODS
from skucast.forecasting.panel.panel import BoolArray, FloatArray
from skucast.forecasting.selection.choice import INCUMBENT, Candidates
from skucast.forecasting.selection.weights import ClassErrors, Earlier, class_places, earlier_errors, member_weights

WEIGHTED = INCUMBENT

COMBINATIONS = ("combination_mean", "combination_median", WEIGHTED)
"""Names of the combinations, in the order of the arrays."""

MEMBERS = frozenset(method.name for method in METHODS if not method.is_anchor)
"""Methods that are combined; in the weighted combination with the settings that did best."""

FEWEST_MEMBERS = 2


def combined(forecasts: FloatArray, members: BoolArray, weights: FloatArray) -> FloatArray:
    """Mean, median and weighted mean of the members' forecasts, step by step.

    Args:
        forecasts: units per period, shape (n, ..., k, h); finite where there is a member.
        members: candidates that are combined, shape (n, k).
        weights: of the members, adding up to 1, shape (n, ..., k); 0 for others.

    Returns:
        Shape (n, ..., 3, h), in the order of ``COMBINATIONS``; NaN with fewer than ``FEWEST_MEMBERS`` members.

    Source: Bates & Granger (1969), "The combination of forecasts"; for the median Petropoulos & Svetunkov (2020),
    "A simple combination of univariate models".
    """
    n, k = members.shape
    is_in = members & (members.sum(axis=1, keepdims=True) >= FEWEST_MEMBERS)
    chosen = np.where(is_in.reshape(n, *(1,) * (forecasts.ndim - 3), k, 1), forecasts, np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy warns of rows without a member, which are NaN by intent
        mean, median = np.nanmean(chosen, axis=-2), np.nanmedian(chosen, axis=-2)
    weighted = np.nansum(chosen * weights[..., None], axis=-2)
    return np.stack([mean, median, np.where(np.isnan(mean), np.nan, weighted)], axis=-2)


def combined_components(
    components: Mapping[str, FloatArray], members: BoolArray, weights: FloatArray, mean: FloatArray
) -> Mapping[str, FloatArray]:
    """What the combinations are made of: the members' components in the members' shares; of a median all is level.

    Args:
        components: name, "level" among them -> units per period, shape (n, k, h); none at all is none again.
        members: candidates that are combined, shape (n, k).
        weights: of the members, adding up to 1, shape (n, k).
        mean: of the combinations, shape (n, 3, h).

    Returns:
        Name -> shape (n, 3, h), together the mean; NaN where that is.
    """
    even = members / np.maximum(members.sum(axis=1, keepdims=True), 1)
    shares = np.stack([even, np.zeros_like(even), weights], axis=1)
    parts = {
        name: np.einsum("nck,nkh->nch", shares, np.nan_to_num(each)) + 0.0 * mean for name, each in components.items()
    }
    if parts:
        parts["level"] += mean - sum(parts.values())
    return parts


def errors_of_classes(contest: Candidates) -> ClassErrors:
    """How the members of the weighted combination did, summed over the series of each class."""
    return ClassErrors.of(_earlier(contest)[0], contest.demand_class)


def reweighed(contest: Candidates, errors: ClassErrors | None) -> Candidates:
    """The contest with the weighted combination's members weighed by the errors of their class too.

    Args:
        contest: candidates; of a series without the combination its forecasts are NaN, and stay so.
        errors: sums over all series; None: only a series' own errors count.
    """
    trials = contest.trials
    if WEIGHTED not in trials.names:
        return contest
    earlier, members = _earlier(contest)
    usual = np.ones(1) if errors is None else errors.usual()[class_places(contest.demand_class)]
    methods = [_method(name) for name in trials.names]
    weights, place = member_weights(earlier, members, usual, methods), trials.names.index(WEIGHTED)
    forecasts, mean = trials.forecasts.copy(), contest.mean.copy()
    tried, ahead = forecasts[:, :, place], mean[:, place]
    forecasts[:, :, place] = np.maximum(_weighted(trials.forecasts, weights[:, :-1], tried), trials.floor)
    mean[:, place] = np.maximum(_weighted(contest.mean, weights[:, -1], ahead), contest.floor)
    return replace(contest, trials=replace(trials, forecasts=forecasts), mean=mean, weights=weights[:, -1])


def _earlier(contest: Candidates) -> tuple[Earlier, BoolArray]:
    """Earlier errors of the members, and which candidates these are, shape (n, k)."""
    is_member = np.array([_method(name) in MEMBERS for name in contest.trials.names])
    members: BoolArray = contest.trials.is_tried & np.isfinite(contest.mean).all(axis=2) & is_member
    return earlier_errors(contest.trials, members), members


def _method(name: str) -> str:
    """Method of a candidate, which may be one with other settings: ``method(settings)``."""
    return name.partition("(")[0]


def _weighted(forecasts: FloatArray, weights: FloatArray, before: FloatArray) -> FloatArray:
    """Weighted sums over the candidates, shape (n, ..., h); NaN where they were."""
    total = np.einsum("...kh,...k->...h", np.nan_to_num(forecasts), weights)
    return np.where(np.isnan(before), np.nan, total)
