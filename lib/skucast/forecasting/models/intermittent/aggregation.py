"""ADIDA and IMAPA: intermittent demand summed into longer buckets, smoothed there and spread evenly again."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.models.base import ModelFit, flat
from skucast.forecasting.models.shared.level_search import (
    HIGHEST,
    LOWEST,
    best_alpha,
    known_values,
    level_spread,
    smoothed,
)
from skucast.forecasting.panel.panel import FloatArray, Panel
from skucast.numerics.compiled import compiled

LEVEL, ALPHA, BUCKET, VARIANCE, INFORMATION, DRIFT = range(6)
"""Columns of a kernel's result."""


def adida(panel: Panel) -> ModelFit:
    """Aggregate to the mean inter-demand interval, smooth with an optimised constant, disaggregate equally.

    Unknown periods are passed over: a bucket holds so many known periods. The oldest ones that fill no bucket are
    dropped. A series without sales has mean 0.

    Source: Nikolopoulos, Syntetos, Boylan, Petropoulos & Assimakopoulos (2011), JORS 62, 544-554.
    """
    return _fits(_fit_adida(np.ascontiguousarray(panel.demand), LOWEST, HIGHEST, True), panel)


def imapa(panel: Panel) -> ModelFit:
    """The mean of such forecasts over buckets of 1, 2, ... up to the mean inter-demand interval.

    The largest bucket is the rounded mean interval, as in statsforecast. The spread takes the forecasts of all buckets
    as moving together, which is an upper bound.

    Source: Petropoulos & Kourentzes (2015), JORS 66, 914-924.
    """
    return _fits(_fit_imapa(np.ascontiguousarray(panel.demand), LOWEST, HIGHEST, True), panel)


def _fits(found: FloatArray, panel: Panel) -> ModelFit:
    level = found[:, LEVEL]
    step_sd, sum_sd = level_spread(found[:, VARIANCE], found[:, INFORMATION], found[:, DRIFT], panel.horizon)
    parameters = {"alpha": found[:, ALPHA], "level": level, "bucket": found[:, BUCKET]}
    return ModelFit(flat(level, panel.horizon), parameters, step_sd=step_sd, sum_sd=sum_sd)


@compiled
def mean_interval(values: FloatArray) -> int:
    """Mean inter-demand interval of known values, in whole periods, half to even; 1 without demand."""
    last, count = 0, 0
    for index in range(values.size):
        if values[index] > 0.0:
            last, count = index + 1, count + 1
    return 1 if count == 0 else int(np.rint(last / count))


@compiled
def bucket_sums(values: FloatArray, bucket: int) -> FloatArray:
    """Sums over successive buckets, the last one ending with the last value."""
    n_buckets = values.size // bucket
    first = values.size - n_buckets * bucket
    sums = np.zeros(n_buckets)
    for index in range(n_buckets * bucket):
        sums[index // bucket] += values[first + index]
    return sums


@compiled
def _period_variance(values: FloatArray, sums: FloatArray, bucket: int, alpha: float, starts_as_mean: bool) -> float:  # noqa: FBT001
    """Variance of single periods around the level of the buckets before; of a single bucket, around its mean."""
    first = values.size - sums.size * bucket
    level, spread, squared, expected = sums[0], 1.0, 0.0, 0.0
    for index in range(sums.size):
        if index > 0 or sums.size == 1:
            inflation = 1.0 + spread / bucket if sums.size > 1 else 1.0
            for period in range(first + index * bucket, first + (index + 1) * bucket):
                squared += (values[period] - level / bucket) ** 2
                expected += inflation
        weight = max(alpha, 1.0 / (index + 1)) if starts_as_mean else alpha
        level += weight * (sums[index] - level)
        spread = (1.0 - weight) ** 2 * spread + weight**2 if index > 0 else 1.0
    return squared / expected


@compiled
def _fit_adida(demand: FloatArray, lowest: float, highest: float, starts_as_mean: bool) -> FloatArray:  # noqa: FBT001
    """One row per series, NaN where nothing is known, shape (n_series, 6)."""
    found = np.full((demand.shape[0], 6), np.nan)
    for row in range(demand.shape[0]):
        values = known_values(demand[row])
        if values.size == 0:
            continue
        bucket = mean_interval(values)
        sums = bucket_sums(values, bucket)
        alpha = best_alpha(sums, lowest, highest, starts_as_mean)
        level, _, _, information = smoothed(sums, alpha, starts_as_mean)
        variance = _period_variance(values, sums, bucket, alpha, starts_as_mean)
        found[row, LEVEL], found[row, ALPHA], found[row, BUCKET] = level / bucket, alpha, bucket
        found[row, VARIANCE] = variance if values.size > 1 else level**2
        found[row, INFORMATION], found[row, DRIFT] = information * bucket, alpha / bucket
    return found


@compiled
def _fit_imapa(demand: FloatArray, lowest: float, highest: float, starts_as_mean: bool) -> FloatArray:  # noqa: FBT001
    """One row per series, NaN where nothing is known, shape (n_series, 6); alpha is the mean over the buckets."""
    found = np.full((demand.shape[0], 6), np.nan)
    for row in range(demand.shape[0]):
        values = known_values(demand[row])
        if values.size == 0:
            continue
        largest = mean_interval(values)
        level_sum, alpha_sum, uncertainty, drift, variance = 0.0, 0.0, 0.0, 0.0, values[0] ** 2
        for bucket in range(1, largest + 1):
            sums = bucket_sums(values, bucket)
            alpha = best_alpha(sums, lowest, highest, starts_as_mean)
            level, squared, expected, information = smoothed(sums, alpha, starts_as_mean)
            level_sum += level / bucket
            alpha_sum += alpha
            uncertainty += 1.0 / (information * bucket)
            drift += alpha / bucket
            if bucket == 1 and values.size > 1:
                variance = squared / expected
        found[row, LEVEL], found[row, ALPHA] = level_sum / largest, alpha_sum / largest
        found[row, BUCKET], found[row, VARIANCE] = largest, variance
        found[row, INFORMATION], found[row, DRIFT] = largest / uncertainty, drift / largest
    return found
