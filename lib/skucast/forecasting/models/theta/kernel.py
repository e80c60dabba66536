"""One series of the Theta models: the search for alpha, the forecast and its law.

mu_t = l_{t-1} + (1 - 1/theta) (A_{t-1} (1 - alpha)^{t-1} + B_{t-1} (t - u_{t-1})), with l smoothing the values from l_0
and u smoothing the time from 0; A and B are intercept and slope of the line, through all values (OTM) or those so far
(DOTM). Without unknown values t - u_{t-1} = (1 - (1 - alpha)^t) / alpha, as published. For a given alpha the errors are
linear in l_0 and 1 - 1/theta, which are solved for. Source: Fiorucci et al. (2016), equations 12 to 20.
"""

from __future__ import annotations

import numpy as np

from skucast.forecasting.models.theta.line import add_point, intercept_slope, lines
from skucast.forecasting.models.theta.season import is_seasonal, seasonal_indices
from skucast.forecasting.panel.panel import FloatArray
from skucast.numerics.compiled import compiled

LOWEST, HIGHEST = 0.1, 0.99
"""Bounds of alpha. Source: Fiorucci et al. (2016), their implementation."""

BURN_IN = 3
"""Known values whose errors do not count, where there are at least twice as many more: the line has not settled."""

GRID = 8
"""Points of the first round of the search, each bracket then being narrowed by golden sections."""

GOLDEN = 0.3819660112501051
PRECISION = 1e-4
"""Width of the bracket of alpha at which the search ends."""

FEW = 4
"""Known values below which alpha is ``FEW_ALPHA`` and there is no line."""

FEW_ALPHA = 0.1


@compiled
def profiled(
    values: FloatArray, line: FloatArray, alpha: float, has_line: int, counts_late: int
) -> tuple[float, float, float, float, float, float]:
    """Least squares of l_0 and 1 - 1/theta for one alpha.

    Returns:
        Sum of squared errors, share of the line, and after the last period: level, (1 - alpha)^n, smoothed time.
    """
    first, seen, skipped = values[0], 0, BURN_IN if counts_late else 0
    level, fading, time = first, 1.0, 0.0
    ee, pp, dd, pd, pe, de = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for t in range(values.size):
        if np.isnan(values[t]):
            continue
        late = t + 1.0 - time
        drift = line[t, 0] * fading + line[t, 1] * late
        error = values[t] - level
        seen += 1
        if seen > skipped:
            ee += error * error
            pp += fading * fading
            dd += drift * drift
            pd += fading * drift
            pe += fading * error
            de += drift * error
        level += alpha * error
        time += alpha * late
        fading *= 1.0 - alpha
    left = dd - pd * pd / pp
    share = (de - pd * pe / pp) / left if has_line and left > 1e-12 * dd else 0.0
    share = min(max(share, 0.0), 1.0)
    start = (pe - share * pd) / pp
    sse = ee - 2.0 * (start * pe + share * de) + start * start * pp + 2.0 * start * share * pd + share * share * dd
    return max(sse, 0.0), share, level + start * fading, fading, time, start + first


@compiled
def best_alpha(values: FloatArray, line: FloatArray, has_line: int, counts_late: int) -> float:
    """Alpha of the smallest sum of squares: a grid, then golden sections of the bracket around its best point."""
    spacing = (HIGHEST - LOWEST) / (GRID - 1)
    best, lowest, low, high, tried = LOWEST, np.inf, LOWEST, HIGHEST, 0
    while tried < GRID or high - low > PRECISION:
        is_right = high - best > best - low
        alpha = LOWEST + spacing * tried
        if tried >= GRID:
            alpha = best + GOLDEN * (high - best if is_right else low - best)
        sse = profiled(values, line, alpha, has_line, counts_late)[0]
        tried += 1
        if tried > GRID:
            low, high = narrowed(low, best, high, alpha, sse < lowest)
        if sse < lowest:
            lowest, best = sse, alpha
        if tried == GRID:
            low, high = max(best - spacing, LOWEST), min(best + spacing, HIGHEST)
    return best


@compiled
def narrowed(low: float, best: float, high: float, alpha: float, is_better: int) -> tuple[float, float]:
    """The bracket after one more point: between its neighbours if it is the best so far, else with it as an end."""
    if is_better:
        return (best, high) if alpha > best else (low, best)
    return (low, alpha) if alpha > best else (alpha, high)


@compiled
def ahead(
    n: int,
    alpha: float,
    fit: tuple[float, float, float, float, float, float],
    sums: FloatArray,
    is_dynamic: int,
    mean: FloatArray,
    slopes: FloatArray,
) -> None:
    """Means of the steps ahead, each taken as if observed by the next.

    Args:
        n: periods of the history.
        alpha: smoothing constant.
        fit: what ``profiled`` returned.
        sums: of the line through all known values, shape (5,).
        is_dynamic: whether the line goes on with the means.
        mean: filled, shape (horizon,).
        slopes: filled with what an error of 1 in the sums of y and of t y adds to each mean, shape (horizon, 2).
    """
    level, fading, time, share = fit[2], fit[3], fit[4], fit[1]
    own = sums.copy()
    for h in range(mean.size):
        intercept, slope = intercept_slope(own)
        late = n + h + 1.0 - time
        mean[h] = level + share * (intercept * fading + slope * late)
        level += alpha * (mean[h] - level)
        time += alpha * late
        if is_dynamic:
            spread = max(own[0] * own[2] - own[1] * own[1], 1.0)
            slopes[h, 0] = share * (own[2] * fading - own[1] * late) / spread
            slopes[h, 1] = share * (own[0] * late - own[1] * fading) / spread
            add_point(own, n + h + 1.0, mean[h])
        fading *= 1.0 - alpha


@compiled
def law(
    n: int, gap: int, alpha: float, slopes: FloatArray, index: FloatArray, step: FloatArray, total: FloatArray
) -> None:
    """Variances of each step and of the sum over steps 1 to h, in units of the error variance.

    An error of 1 raises the level by alpha; in the dynamic form it also turns the line, and both are felt by all later
    means. The ``gap`` unknown periods before step 1 each add one error more to the level.

    Args:
        n: periods of the history.
        gap: how many of them follow the last known value.
        alpha: smoothing constant.
        slopes: what an error of 1 in the sums of the line adds to each mean, shape (horizon, 2); 0 in a fixed line.
        index: factors of the season of each step, shape (horizon,).
        step: filled, shape (horizon,).
        total: filled, shape (horizon,).
    """
    step[:], total[:] = 0.0, 0.0
    for at in range(-1 if gap else 0, step.size):
        weight, level, y, ty, part = 1.0, alpha, 1.0, n + at + 1.0, 0.0
        if at < 0:
            weight, y, ty = float(gap), 0.0, 0.0
        else:
            part = index[at]
            step[at] += part * part
            total[at] += part * part
        for h in range(at + 1, step.size):
            moved = level + slopes[h, 0] * y + slopes[h, 1] * ty
            level += alpha * (moved - level)
            y += moved
            ty += moved * (n + h + 1.0)
            part += index[h] * moved
            step[h] += weight * (index[h] * moved) ** 2
            total[h] += weight * part * part


@compiled
def adjusted(values: FloatArray, season: int, indices: FloatArray) -> tuple[int, bool]:
    """Take a significant season out of the values, in place; returns its length (1 if none) and whether it multiplies.

    Args:
        values: shape (n_periods,), NaN where unknown.
        season: periods of the season.
        indices: filled, shape (season or more,); factors, or units.
    """
    indices[:] = 0.0
    if not is_seasonal(values, season):
        return 1, False
    smallest = np.inf
    for value in values:
        smallest = min(smallest, value) if not np.isnan(value) else smallest
    is_multiplicative = smallest > 0.0 and seasonal_indices(values, season, True, indices)
    if not is_multiplicative:
        seasonal_indices(values, season, False, indices)
    for t in range(values.size):
        if is_multiplicative:
            values[t] /= indices[t % season]
        else:
            values[t] -= indices[t % season]
    return season, is_multiplicative


@compiled
def fit_one(
    values: FloatArray,
    season_length: int,
    is_dynamic: int,
    mean: FloatArray,
    step: FloatArray,
    total: FloatArray,
    parameters: FloatArray,
) -> None:
    """Fit one series, known in its first period and of size about 1; fills its outputs, in the same unit."""
    n, horizon, n_known, gap = values.size, mean.size, 0, 0
    for value in values:
        gap = gap + 1 if np.isnan(value) else 0
        n_known += 0 if np.isnan(value) else 1
    indices, index, line, sums = np.zeros(season_length), np.ones(horizon), np.empty((n, 2)), np.zeros(5)
    season, is_multiplicative = adjusted(values, season_length, indices)
    lines(values, is_dynamic, line, sums)
    has_line, n_errors = n_known >= FEW, n_known - BURN_IN if n_known >= 3 * BURN_IN else n_known
    alpha = best_alpha(values, line, has_line, n_errors < n_known) if has_line else FEW_ALPHA
    fit = profiled(values, line, alpha, has_line, n_errors < n_known)
    slopes = np.zeros((horizon, 2))
    ahead(n, alpha, fit, sums, is_dynamic, mean, slopes)
    level = mean[0]
    for h in range(horizon):
        if is_multiplicative:
            index[h] = indices[(n + h) % season]
            mean[h] *= index[h]
        elif season > 1:
            mean[h] += indices[(n + h) % season]
    law(n, gap, alpha, slopes, index, step, total)
    sigma = np.sqrt(fit[0] / max(n_errors - 3, 1)) if has_line else np.sqrt((fit[0] + level * level) / n_known)
    for h in range(horizon):
        step[h], total[h] = sigma * np.sqrt(step[h]), sigma * np.sqrt(total[h])
    theta = 1.0 / (1.0 - fit[1]) if fit[1] < 1.0 else np.inf
    drift = fit[1] * intercept_slope(sums)[1]
    parameters[0], parameters[1], parameters[2], parameters[3] = alpha, theta, drift, level
    parameters[4], parameters[5], parameters[6] = season, 1.0 if is_multiplicative else 0.0, sigma


@compiled
def fit_rows(
    demand: FloatArray,
    season_length: int,
    is_dynamic: int,
    mean: FloatArray,
    step: FloatArray,
    total: FloatArray,
    parameters: FloatArray,
) -> None:
    """Fill the rows of the series with any known value; each is divided by a power of two, which is exact."""
    for row in range(demand.shape[0]):
        first, largest = -1, 0.0
        for t in range(demand.shape[1]):
            if not np.isnan(demand[row, t]):
                first = t if first < 0 else first
                largest = max(largest, demand[row, t])
        if first < 0:
            continue
        unit = 2.0 ** np.ceil(np.log2(largest)) if largest > 0.0 else 1.0
        values = np.empty(demand.shape[1] - first)
        for t in range(values.size):
            values[t] = demand[row, first + t] / unit
        fit_one(values, season_length, is_dynamic, mean[row], step[row], total[row], parameters[row])
        for h in range(mean.shape[1]):
            mean[row, h] *= unit
            step[row, h] *= unit
            total[row, h] *= unit
        for i in (2, 3, 6):
            parameters[row, i] *= unit
