"""Exact maximum a posteriori of Prophet's additive model: an active set for the slopes, one equation for the noise.

For a fixed noise variance v the negative log posterior is a ridge and lasso problem with one minimum. Its residual sum
of squares grows with v, so what remains is one equation in v, 4v² + Tv = RSS(v), whose left side is the closed form of
Prophet's prior on the noise. Everything runs on the Gram matrix of the columns, which series with the same known
periods share; the last steps and the certificate use the residuals themselves.
"""

from __future__ import annotations

import math

import numpy as np

from skucast.forecasting.panel.panel import FloatArray, IntArray
from skucast.numerics.compiled import compiled

LEAST_VARIANCE = 1e-10
"""Smallest noise variance, (share of the largest demand)²: a history that the model can interpolate has no maximum."""

ROUNDS = 60
"""Most steps towards the noise variance; 4 to 8 are usual."""


@compiled
def factor(
    lower: FloatArray, gram: FloatArray, ridge: FloatArray, free: IntArray, begin: int, end: int
) -> None:  # pragma: no cover - compiled
    """Rows ``begin`` to ``end`` of the Cholesky factor of gram + diag(ridge), free variables only, in place.

    A variable that the ones before it already explain gets an infinite pivot, which holds it at 0.
    """
    for i in range(begin, end):
        row = free[i]
        for j in range(i):
            total = gram[row, free[j]]
            for l in range(j):  # noqa: E741
                total -= lower[i, l] * lower[j, l]
            lower[i, j] = total / lower[j, j]
        whole = gram[row, row] + ridge[row]
        total = whole
        for l in range(i):  # noqa: E741
            total -= lower[i, l] * lower[i, l]
        lower[i, i] = np.sqrt(total) if total > 1e-15 * whole else np.inf


@compiled
def solve(lower: FloatArray, right: FloatArray, n: int) -> None:  # pragma: no cover - compiled
    """Solve lower lowerᵀ x = right for the first ``n`` entries, in place."""
    for i in range(n):
        total = right[i]
        for j in range(i):
            total -= lower[i, j] * right[j]
        right[i] = total / lower[i, i]
    for i in range(n - 1, -1, -1):
        right[i] /= lower[i, i]
        for j in range(i):
            right[j] -= lower[i, j] * right[i]


@compiled
def minimise(  # noqa: C901, PLR0912, PLR0915 - one kernel, where a call per step would cost speed
    gram: FloatArray,
    linear: FloatArray,
    ridge: FloatArray,
    threshold: float,
    n_ridge: int,
    n: int,
    x: FloatArray,
    sign: FloatArray,
    free: IntArray,
    n_free: int,
    lower: FloatArray,
    target: FloatArray,
) -> int:  # pragma: no cover - compiled
    """Minimise ½xᵀ(gram + diag(ridge))x − linearᵀx + threshold·Σ|x_j|, the sum over j >= n_ridge, by an active set.

    Each step goes to the minimum over the free variables or to the first sign change on the way; then the slope that
    violates its bound most becomes free. The objective falls with every step, so the search ends.

    Args:
        gram: symmetric, shape (n, n).
        linear: shape (n,).
        ridge: shape (n,), 0 for the slopes.
        threshold: weight of the absolute values.
        n_ridge: number of variables without absolute value.
        n: number of variables; the arrays may be longer.
        x: start, shape (n,); overwritten by the minimum.
        sign: of the free slopes, else 0, shape (n,); kept up to date.
        free: the ``n_free`` free variables, first all 0 to n_ridge − 1, shape (n,); kept up to date.
        n_free: number of free variables.
        lower: shape (n, n), overwritten by the Cholesky factor of the free variables.
        target: shape (n,), work space.

    Returns:
        The new number of free variables; negative where the search ended at a direction without curvature.

    Source: Osborne, Presnell & Turlach (2000), IMA J. Numer. Anal. 20, 389-404.
    """
    factor(lower, gram, ridge, free, 0, n_free)
    for _ in range(20 * (n - n_ridge) + 20):
        for i in range(n_free):
            target[i] = linear[free[i]] - threshold * sign[free[i]]
        solve(lower, target, n_free)
        share, leaves = 1.0, -1
        for i in range(n_ridge, n_free):
            j = free[i]
            if target[i] * sign[j] <= 0.0:
                way = x[j] / (x[j] - target[i]) if x[j] != target[i] else 0.0
                if leaves < 0 or way < share:
                    share, leaves = way, i
        for i in range(n_free):
            x[free[i]] = target[i] if leaves < 0 else x[free[i]] + share * (target[i] - x[free[i]])
        if leaves >= 0:
            x[free[leaves]] = 0.0
            sign[free[leaves]] = 0.0
            n_free -= 1
            for i in range(leaves, n_free):
                free[i] = free[i + 1]
            factor(lower, gram, ridge, free, leaves, n_free)
            continue
        steepest, enters = threshold * (1.0 + 1e-10), -1
        for j in range(n_ridge, n):
            if sign[j] == 0.0:
                slope = linear[j]
                for i in range(n_free):
                    slope -= gram[j, free[i]] * x[free[i]]
                if abs(slope) > steepest:
                    steepest, enters = abs(slope), j
                    target[0] = slope
        if enters < 0:
            break
        sign[enters] = np.sign(target[0])
        free[n_free] = enters
        factor(lower, gram, ridge, free, n_free, n_free + 1)
        if lower[n_free, n_free] == np.inf:
            sign[enters] = 0.0
            return -n_free
        n_free += 1
    return n_free


@compiled
def noise_variance(squares: float, n_rows: int) -> float:  # pragma: no cover - compiled
    """Maximum of T ln σ + RSS/2σ² + 2σ² over the variance σ²: the positive root of 4v² + Tv − RSS."""
    v = 2.0 * squares / (n_rows + math.sqrt(float(n_rows) * n_rows + 16.0 * squares))
    return max(v, LEAST_VARIANCE)


@compiled
def objective(
    squares: float, v: float, n_rows: int, precision: FloatArray, rate: float, n_ridge: int, x: FloatArray
) -> float:  # pragma: no cover - compiled
    """Negative log posterior up to Prophet's constants: T ln σ + RSS/2σ² + 2σ² + ½Σ precision x² + rate Σ|δ|."""
    total = 0.5 * n_rows * math.log(v) + 0.5 * squares / v + 2.0 * v
    for i in range(x.size):
        total += 0.5 * precision[i] * x[i] * x[i] if i < n_ridge else rate * abs(x[i])
    return total


@compiled
def violation(
    slope: FloatArray, v: float, precision: FloatArray, rate: float, n_ridge: int, x: FloatArray
) -> float:  # pragma: no cover - compiled
    """Largest violation of the conditions of a minimum in x, with ``slope`` = −½ dRSS/dx."""
    worst = 0.0
    for i in range(x.size):
        gap = slope[i] / v - precision[i] * x[i]
        if i >= n_ridge:
            gap = max(abs(gap) - rate, 0.0) if x[i] == 0.0 else gap - rate * np.sign(x[i])
        worst = max(worst, abs(gap))
    return worst


@compiled
def residual(columns: FloatArray, x: FloatArray, y: FloatArray, slope: FloatArray) -> float:  # pragma: no cover
    """Sum of squares of y − columns x; ``slope`` becomes columnsᵀ(y − columns x)."""
    squares = 0.0
    slope[:] = 0.0
    for t in range(y.size):
        rest = y[t]
        for i in range(x.size):
            rest -= columns[t, i] * x[i]
        squares += rest * rest
        for i in range(x.size):
            slope[i] += rest * columns[t, i]
    return squares


@compiled
def fit_additive(  # noqa: C901, PLR0912, PLR0915 - one kernel, where a call per step would cost speed
    columns: FloatArray, gram: FloatArray, precision: FloatArray, rate: float, n_ridge: int, demand: FloatArray
) -> tuple[FloatArray, FloatArray]:  # pragma: no cover - compiled
    """Fit the rows of ``demand``, one after the other, on the same columns.

    Args:
        columns: ridge columns, then one hinge column per changepoint, shape (n_rows, n).
        gram: columnsᵀ columns, shape (n, n).
        precision: 1/sd² of the normal priors, 0 for the slope changes, shape (n,).
        rate: 1/τ of the Laplace prior. [1/τ]
        n_ridge: number of ridge columns.
        demand: shares of each row's largest value, shape (n_series, n_rows).

    Returns:
        Coefficients, shape (n_series, n); and noise, objective and largest violation, shape (n_series, 3).
    """
    n_rows, n = columns.shape
    theta, summary = np.zeros((demand.shape[0], n)), np.zeros((demand.shape[0], 3))
    sign, linear, slope, ridge, work = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    lower, free = np.zeros((n, n)), np.arange(n)
    for row in range(demand.shape[0]):
        y, x = demand[row], theta[row]
        for i in range(n):
            free[i] = i
            sign[i] = 0.0
        whole = residual(columns, x, y, linear)
        n_free, v, squares = n_ridge, 1.0, whole
        for turn in range(ROUNDS):
            for i in range(n_ridge):
                ridge[i] = v * precision[i]
            n_free = abs(minimise(gram, linear, ridge, v * rate, n_ridge, n, x, sign, free, n_free, lower, work))
            squares, bend = whole, 0.0
            for i in range(n_free):
                j = free[i]
                work[i] = precision[j] * x[j] + rate * sign[j]
                squares -= x[j] * (linear[j] + v * work[i])
                slope[i] = work[i]
            solve(lower, work, n_free)
            for i in range(n_free):
                bend += 2.0 * v * slope[i] * work[i]
            later = noise_variance(squares, n_rows)
            steepness = 8.0 * v + n_rows - bend
            if turn > 1 and steepness > 0.25 * n_rows:
                newton = v - (4.0 * v * v + n_rows * v - squares) / steepness
                later = newton if 0.1 * v < newton < 10.0 * v else later
            later = max(later, LEAST_VARIANCE)
            done = abs(later - v) <= 1e-13 * v
            v = later
            if done:
                break
        for _ in range(2):
            squares = residual(columns, x, y, slope)
            for i in range(n_free):
                j = free[i]
                work[i] = slope[j] - v * (precision[j] * x[j] + rate * sign[j])
            solve(lower, work, n_free)
            for i in range(n_free):
                if (x[free[i]] + work[i]) * sign[free[i]] >= 0.0:
                    x[free[i]] += work[i]
            squares = residual(columns, x, y, slope)
            v = noise_variance(squares, n_rows)
        summary[row, 0] = np.sqrt(v)
        summary[row, 1] = objective(squares, v, n_rows, precision, rate, n_ridge, x)
        summary[row, 2] = violation(slope, v, precision, rate, n_ridge, x)
    return theta, summary
