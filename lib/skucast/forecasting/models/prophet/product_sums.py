"""Sums over the segments between changepoints, from which all derivatives of a multiplicative model follow.

Between two changepoints the trend is g = g₀ + g₁τ, τ the time since the first row of the segment. The residual sum of
squares of g(1 + X_m β) + X_a β and its first and second derivatives are therefore sums of X_j X_k τ^p, p = 0, 1, 2, and
of y X_j τ^p over the rows of each segment. The former belong to the columns, the latter to a series; once there, a
step of a search costs the same for 50 rows and for 5,000.
"""

from __future__ import annotations

import numpy as np

from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray
from skucast.numerics.compiled import compiled


@compiled
def segments(lines: FloatArray, n_ridge: int) -> IntArray:  # pragma: no cover - compiled
    """First row of each segment in which every trend line is straight, then the number of rows.

    Args:
        lines: trend, effects, then one hinge per changepoint, shape (n, n_rows).
        n_ridge: number of lines before the hinges.
    """
    n, n_rows = lines.shape
    is_first = np.zeros(n_rows + 1, dtype=np.bool_)
    is_first[0], is_first[n_rows] = True, True
    for i in range(n_ridge, n):
        t = 0
        while t < n_rows and lines[i, t] <= 0.0:
            t += 1
        is_first[t] = True
    return np.flatnonzero(is_first)


@compiled
def column_sums(  # noqa: C901, PLR0912
    lines: FloatArray, n_trend: int, n_ridge: int, begins: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray]:  # pragma: no cover - compiled
    """What the series on the same columns share; X begins with a column of ones, so that k = 1 + n_effects.

    Returns:
        Sums of X_j X_k τ^p, shape (k, k, 3, n_segments); value at the first row and rise of the trend lines in each
        segment, 0 for effects, shape (2, n_segments, n); X and τ of the rows, shape (n_rows, k + 1).
    """
    n, n_rows = lines.shape
    n_segments, k = begins.size - 1, n_ridge - n_trend + 1
    rows, block = np.ones((n_rows, k + 1)), np.zeros((3, k, k))
    pairs, parts = np.zeros((k, k, 3, n_segments)), np.zeros((2, n_segments, n))
    for t in range(n_rows):
        for j in range(1, k):
            rows[t, j] = lines[n_trend + j - 1, t]
    for s in range(n_segments):
        first = begins[s]
        block[:] = 0.0
        for i in range(n):
            if i < n_trend or i >= n_ridge:
                rises = lines[i, first] > 0.0 if i >= n_ridge else i < n_trend - 1
                parts[0, s, i], parts[1, s, i] = lines[i, first], 1.0 if rises else 0.0
        for t in range(first, begins[s + 1]):
            rows[t, k] = lines[0, t] - lines[0, first]
            for j in range(k):
                a = rows[t, j]
                b = a * rows[t, k]
                c = b * rows[t, k]
                for l in range(j + 1):  # noqa: E741
                    block[0, j, l] += a * rows[t, l]
                    block[1, j, l] += b * rows[t, l]
                    block[2, j, l] += c * rows[t, l]
        for j in range(k):
            for l in range(j + 1):  # noqa: E741
                for p in range(3):
                    pairs[j, l, p, s] = block[p, j, l]
                    pairs[l, j, p, s] = block[p, j, l]
    return pairs, parts, rows


@compiled
def demand_sums(
    rows: FloatArray, begins: IntArray, y: FloatArray, wanted: FloatArray
) -> float:  # pragma: no cover - compiled
    """Sums of y X_j τ^p for p = 0, 1, shape (k, 2, n_segments), in place; the sum of y²."""
    k, squares = rows.shape[1] - 1, 0.0
    flat, risen = np.zeros(k), np.zeros(k)
    for s in range(begins.size - 1):
        flat[:] = 0.0
        risen[:] = 0.0
        for t in range(begins[s], begins[s + 1]):
            squares += y[t] * y[t]
            moment = y[t] * rows[t, k]
            for j in range(k):
                flat[j] += rows[t, j] * y[t]
                risen[j] += rows[t, j] * moment
        for j in range(k):
            wanted[j, 0, s], wanted[j, 1, s] = flat[j], risen[j]
    return squares


@compiled
def evaluate(  # noqa: C901, PLR0912
    pairs: FloatArray,
    parts: FloatArray,
    is_factor: BoolArray,
    n_trend: int,
    wanted: FloatArray,
    whole: float,
    x: FloatArray,
    flow: FloatArray,
    left: FloatArray,
    line: FloatArray,
    slope: FloatArray,
) -> float:  # pragma: no cover - compiled
    """Residual sum of squares at the coefficients ``x``, and in place what its derivatives need.

    Args:
        pairs: sums of X_j X_k τ^p.
        parts: first values and rises of the trend lines.
        is_factor: which effects multiply the trend, shape (k − 1,).
        n_trend: number of trend columns.
        wanted: sums of y X_j τ^p.
        whole: sum of y².
        x: coefficients, shape (n,).
        flow: becomes the sums of f X_j τ^p with the factor f = 1 + X_m β, shape (k, 3, n_segments).
        left: becomes the sums of r X_j τ^p with the residuals r, shape (k, 2, n_segments).
        line: becomes g₀ and g₁, shape (2, n_segments).
        slope: becomes derivativeᵀ r, shape (n,).
    """
    k, n_segments = flow.shape[0], flow.shape[2]
    line[:] = 0.0
    for i in range(x.size):
        if x[i] != 0.0 and (i < n_trend or i >= n_trend + k - 1):
            for s in range(n_segments):
                line[0, s] += x[i] * parts[0, s, i]
                line[1, s] += x[i] * parts[1, s, i]
    flow[:] = 0.0
    for l in range(k):  # noqa: E741
        if l == 0 or is_factor[l - 1]:
            _add(flow, pairs[l], x[n_trend + l - 1] if l > 0 else 1.0, 3)
    for j in range(k):
        for p in range(2):
            for s in range(n_segments):
                left[j, p, s] = wanted[j, p, s] - line[0, s] * flow[j, p, s] - line[1, s] * flow[j, p + 1, s]
    for l in range(1, k):  # noqa: E741
        if not is_factor[l - 1]:
            _add(left, pairs[l], -x[n_trend + l - 1], 2)
    squares, of_rest, of_both = whole, np.zeros((2, n_segments)), np.zeros((2, n_segments))
    slope[:] = 0.0
    for j in range(k):
        b = x[n_trend + j - 1] if j > 0 else 1.0
        if j == 0 or is_factor[j - 1]:
            for s in range(n_segments):
                slope[n_trend + j - 1] += line[0, s] * left[j, 0, s] + line[1, s] * left[j, 1, s]
                for p in range(2):
                    of_rest[p, s] += b * left[j, p, s]
                    of_both[p, s] += b * (left[j, p, s] + wanted[j, p, s])
        else:
            for s in range(n_segments):
                slope[n_trend + j - 1] += left[j, 0, s]
                squares -= b * (left[j, 0, s] + wanted[j, 0, s])
    slope[n_trend - 1] = 0.0
    for s in range(n_segments):
        squares -= line[0, s] * of_both[0, s] + line[1, s] * of_both[1, s]
        for i in range(x.size):
            slope[i] += parts[0, s, i] * of_rest[0, s] + parts[1, s, i] * of_rest[1, s]
    return squares


@compiled
def _add(total: FloatArray, terms: FloatArray, weight: float, n_powers: int) -> None:  # pragma: no cover - compiled
    """Add weighted terms for the first powers of τ, in place."""
    for j in range(total.shape[0]):
        for p in range(n_powers):
            for s in range(total.shape[2]):
                total[j, p, s] += weight * terms[j, p, s]


@compiled
def curvature(  # noqa: C901, PLR0912
    pairs: FloatArray,
    parts: FloatArray,
    is_factor: BoolArray,
    n_trend: int,
    chosen: IntArray,
    n: int,
    x: FloatArray,
    flow: FloatArray,
    left: FloatArray,
    line: FloatArray,
    gram: FloatArray,
    size: FloatArray,
) -> None:  # pragma: no cover - compiled
    """Half the second derivative of the residual sum of squares for the first ``n`` of ``chosen``, in place.

    The first of ``chosen`` are trend and effects. ``size`` becomes the diagonal, the scale of the damping; the other
    arguments are those of ``evaluate`` at ``x``.
    """
    k, n_segments = flow.shape[0], flow.shape[2]
    square, width = np.zeros((3, n_segments)), n - k + 1
    for j in range(k):
        if j == 0 or is_factor[j - 1]:
            b = x[n_trend + j - 1] if j > 0 else 1.0
            for p in range(3):
                for s in range(n_segments):
                    square[p, s] += b * flow[j, p, s]
    bare, heavy = np.zeros((width, 2 * n_segments)), np.zeros((n, 2 * n_segments))
    for e in range(width):
        i = chosen[e if e < n_trend else e + k - 1]
        for s in range(n_segments):
            a, b = parts[0, s, i], parts[1, s, i]
            bare[e, s], bare[e, n_segments + s] = a, b
            heavy[e, s] = a * square[0, s] + b * square[1, s]
            heavy[e, n_segments + s] = a * square[1, s] + b * square[2, s]
    for j in range(1, k):
        for p in range(2):
            for s in range(n_segments):
                z = flow[j, p, s]
                if is_factor[j - 1]:
                    z = line[0, s] * z + line[1, s] * flow[j, p + 1, s] - left[j, p, s]
                heavy[width + j - 1, p * n_segments + s] = z
    mixed = np.dot(bare, heavy.T)
    for e in range(width):
        c = e if e < n_trend else e + k - 1
        for d in range(n):
            i = d if d < n_trend else d + k - 1 if d < width else d - width + n_trend
            gram[c, i] = mixed[e, d]
            gram[i, c] = mixed[e, d]
    _of_effects(pairs, is_factor, n_trend, line, gram)
    for c in range(n):
        size[c] = gram[c, c]


@compiled
def _of_effects(
    pairs: FloatArray, is_factor: BoolArray, n_trend: int, line: FloatArray, gram: FloatArray
) -> None:  # pragma: no cover - compiled
    """The second derivative by two effects, in place: the sums of X_j X_k g^d, d of the two being factors."""
    k, n_segments = pairs.shape[0], pairs.shape[3]
    weights, n_factors = np.zeros((3, 3, n_segments)), 0
    for s in range(n_segments):
        weights[0, 0, s] = 1.0
        weights[1, 0, s], weights[1, 1, s] = line[0, s], line[1, s]
        weights[2, 0, s], weights[2, 1, s] = line[0, s] * line[0, s], 2.0 * line[0, s] * line[1, s]
        weights[2, 2, s] = line[1, s] * line[1, s]
    for j in range(is_factor.size):
        n_factors += is_factor[j]
    flat, by_degree = pairs.reshape(k * k, 3 * n_segments), weights.reshape(3, 3 * n_segments)
    for degree in range(3):
        if (degree > 0 and n_factors == 0) or (degree < 2 and n_factors == is_factor.size):
            continue
        sums = np.dot(flat, by_degree[degree])
        for j in range(1, k):
            for l in range(1, k):  # noqa: E741
                if int(is_factor[j - 1]) + int(is_factor[l - 1]) == degree:
                    gram[n_trend + j - 1, n_trend + l - 1] = sums[j * k + l]


@compiled
def residuals(  # noqa: C901, PLR0912
    lines: FloatArray, is_factor: BoolArray, n_trend: int, x: FloatArray, y: FloatArray, slope: FloatArray
) -> float:  # pragma: no cover - compiled
    """Sum of squares of the residuals of the known periods; ``slope`` becomes derivativeᵀ residuals."""
    n_rows, squares = y.size, 0.0
    trend, factor, rest, weighted = np.zeros(n_rows), np.ones(n_rows), y.copy(), np.zeros(n_rows)
    for i in range(x.size):
        is_trend = i < n_trend or i >= n_trend + is_factor.size
        for t in range(n_rows if x[i] != 0.0 else 0):
            if is_trend:
                trend[t] += x[i] * lines[i, t]
            elif is_factor[i - n_trend]:
                factor[t] += x[i] * lines[i, t]
            else:
                rest[t] -= x[i] * lines[i, t]
    for t in range(n_rows):
        rest[t] -= trend[t] * factor[t]
        squares += rest[t] * rest[t]
    for kind in range(3):
        for t in range(n_rows):
            weighted[t] = rest[t] * (factor[t] if kind == 0 else trend[t] if kind == 1 else 1.0)
        sums = np.dot(lines, weighted)
        for i in range(x.size):
            if i < n_trend or i >= n_trend + is_factor.size:
                slope[i] = sums[i] if kind == 0 else slope[i]
            elif kind == (1 if is_factor[i - n_trend] else 2):
                slope[i] = sums[i]
    return squares
