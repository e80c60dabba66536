"""Seasonal ARIMA of one series: maximum likelihood of given orders, forecasts and their law.

Differences are taken first: a gap of one period becomes one more gap at each lag of the differencing. Forecasts carry
on from the last values, with one-step predictions in place of those that are unknown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skucast.forecasting.models.arima.filter import filtered
from skucast.forecasting.models.arima.polynomials import coefficients_of, expanded, psi_weights
from skucast.forecasting.models.arima.search import explored, scored
from skucast.forecasting.models.arima.starts import start_angles
from skucast.forecasting.panel.panel import FloatArray, IntArray
from skucast.numerics.compiled import compiled

Order = tuple[int, int, int]
SeasonalOrder = tuple[int, int, int, int]

NO_SEASON: SeasonalOrder = (0, 0, 0, 1)
NO_START: FloatArray = np.zeros(0)

APART = 0.8
"""Starts closer than this in every angle are taken for the same basin."""


@dataclass(frozen=True)
class Effort:
    """How long to look for the highest likelihood.

    Attributes:
        n_starts: starts followed, the best of a grid that lie in distinct basins.
        n_steps: Newton steps per start, at most.
        gain: of log-likelihood; a step that promises less is the last.
        is_fine: score the fine grid.
    """

    n_starts: int
    n_steps: int
    gain: float
    is_fine: bool


FAST = Effort(n_starts=2, n_steps=25, gain=0.002, is_fine=False)
THOROUGH = Effort(n_starts=20, n_steps=60, gain=1e-5, is_fine=True)


@dataclass(frozen=True)
class SarimaFit:
    """A seasonal ARIMA fitted to one series.

    Attributes:
        order: (p, d, q).
        seasonal_order: (P, D, Q, m).
        has_constant: the differenced series has a mean that is not 0.
        coefficients: (φ, θ, Φ, Θ), shape (p + q + P + Q,); θ with the sign of 1 + θB.
        angles: the same as the optimiser sees them.
        constant: mean of the differenced series, units per period.
        constant_variance: of that mean's estimate.
        variance: of the innovations by maximum likelihood, units². [σ²]
        log_likelihood: exact, of the differenced series.
        n_known: known values of the differenced series.
    """

    order: Order
    seasonal_order: SeasonalOrder
    has_constant: bool
    coefficients: FloatArray
    angles: FloatArray
    constant: float
    constant_variance: float
    variance: float
    log_likelihood: float
    n_known: int

    @property
    def n_parameters(self) -> int:
        """Coefficients, the constant and the innovation variance."""
        return self.coefficients.size + int(self.has_constant) + 1

    @property
    def aicc(self) -> float:
        """Corrected information criterion. Source: Hurvich & Tsai (1989), Biometrika 76, 297-307."""
        k, n = self.n_parameters, self.n_known
        return -2.0 * self.log_likelihood + 2.0 * k * n / (n - k - 1) if n > k + 1 else np.inf


def differenced(values: FloatArray, d: int, seasonal_d: int, season_length: int) -> FloatArray:
    """(1 - B)^d (1 - B^m)^D of a series; unknown where any term is. Shape (n - d - Dm,)."""
    for _ in range(seasonal_d):
        values = values[season_length:] - values[:-season_length]
    for _ in range(d):
        values = values[1:] - values[:-1]
    return values


def kernel_orders(order: Order, seasonal_order: SeasonalOrder) -> IntArray:
    """(p, q, P, Q, m) as the compiled functions want it."""
    (p, _, q), (seasonal_p, _, seasonal_q, m) = order, seasonal_order
    return np.array([p, q, seasonal_p, seasonal_q, m], dtype=np.int64)


def fit_sarima(
    values: FloatArray,
    order: Order,
    seasonal_order: SeasonalOrder = NO_SEASON,
    *,
    has_constant: bool = False,
    effort: Effort = FAST,
    first: FloatArray = NO_START,
) -> SarimaFit:
    """Maximum likelihood of given orders.

    Args:
        values: units per period, NaN where unknown, shape (n,). The first and the last are known.
        order: (p, d, q).
        seasonal_order: (P, D, Q, m).
        has_constant: estimate the mean of the differenced series.
        effort: ``FAST`` or ``THOROUGH``.
        first: angles to start from besides, of a fit of the same orders.

    Raises:
        ValueError: the differenced series has fewer than two known values, or none that differs from its mean.
    """
    changes = differenced(values, order[1], seasonal_order[1], seasonal_order[3])
    known = changes[~np.isnan(changes)]
    centred = known - known.mean() if has_constant and known.size else known
    unit = float(np.sqrt(np.mean(centred**2))) if known.size > 1 else 0.0
    if unit == 0.0 or unit <= 1e-12 * float(np.abs(known).max()):
        raise ValueError("the differenced series does not vary")
    columns = changes[None, :] / unit
    if has_constant:
        columns = np.vstack([columns, np.ones(changes.size)])
    orders = kernel_orders(order, seasonal_order)
    angles = _best_angles(columns, orders, known.size, first, effort)
    return _described(columns, unit, order, seasonal_order, angles, known.size)


def _best_angles(columns: FloatArray, orders: IntArray, n_known: int, first: FloatArray, effort: Effort) -> FloatArray:
    """Angles of the highest likelihood reached from the best points of a grid that lie in distinct basins."""
    grid = start_angles(*(int(count) for count in orders[:4]), is_fine=effort.is_fine)
    if grid.shape[1] == 0:
        return np.zeros(0)
    if first.size == grid.shape[1]:
        grid = np.vstack([grid, first])
    scores = np.empty(len(grid))
    scored(grid, columns, orders, n_known, scores)
    chosen: list[FloatArray] = []
    for index in np.argsort(scores, kind="stable"):
        if len(chosen) < effort.n_starts and all(np.abs(grid[index] - other).max() >= APART for other in chosen):
            chosen.append(grid[index])
    reached, deviances = explored(np.array(chosen), columns, orders, n_known, effort.n_steps, effort.gain)
    best: FloatArray = reached[np.argmin(deviances)]
    return best


def _described(
    columns: FloatArray, unit: float, order: Order, seasonal_order: SeasonalOrder, angles: FloatArray, n: int
) -> SarimaFit:
    """The fit at given angles."""
    orders = kernel_orders(order, seasonal_order)
    coefficients = coefficients_of(angles, orders)
    products, log_determinant, _, _ = filtered(columns, coefficients, orders)
    has_constant = columns.shape[0] > 1
    constant = products[0, 1] / products[1, 1] if has_constant else 0.0
    squared = products[0, 0] - (constant * products[0, 1] if has_constant else 0.0)
    variance = squared / n
    log_likelihood = -0.5 * (n * (np.log(2.0 * np.pi * variance) + 1.0) + log_determinant) - n * np.log(unit)
    return SarimaFit(
        order,
        seasonal_order,
        has_constant,
        coefficients,
        angles,
        unit * constant,
        unit**2 * variance / products[1, 1] if has_constant else 0.0,
        unit**2 * variance,
        float(log_likelihood),
        n,
    )


def forecast_sarima(
    fit: SarimaFit, values: FloatArray, horizon: int, skipped: int = 0
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean, standard deviation per step and of the sum over the steps so far, each of shape (horizon - skipped,).

    The law has the innovations to come, through the psi weights of the integrated process, and the uncertainty of the
    constant. σ² is taken per degree of freedom.

    Args:
        fit: of ``values``.
        values: units per period, NaN where unknown, shape (n,). Steps begin after the last known value.
        horizon: steps.
        skipped: steps at the beginning that lie in the past and are left out.

    Source: Box & Jenkins (1976), section 5.1 and eq. 5.2.3.
    """
    orders = kernel_orders(fit.order, fit.seasonal_order)
    d, (_, seasonal_d, _, m) = fit.order[1], fit.seasonal_order
    changes = differenced(values, d, seasonal_d, m)
    columns = np.vstack([changes - fit.constant, np.ones(changes.size)])
    _, _, predictions, states = filtered(columns, fit.coefficients, orders)
    phi, theta = expanded(fit.coefficients, orders)
    ahead = _carried_on(states, phi, horizon)
    lags = integration_lags(d, seasonal_d, m)
    fitted = predictions[0] + fit.constant
    mean = integrated(values, fitted, fit.constant + ahead[0], lags)
    effect = integrated(np.zeros(values.size), np.zeros(changes.size), 1.0 - ahead[1], lags)
    psi = _filter_by(psi_weights(phi, theta, horizon), lags)
    freedom = fit.n_known / max(fit.n_known - fit.n_parameters + 1, 1)
    step, total = step_and_sum_variance(psi, skipped)
    innovation, constant, effect = freedom * fit.variance, freedom * fit.constant_variance, effect[skipped:]
    step_sd = np.sqrt(innovation * step + constant * effect**2)
    return mean[skipped:], step_sd, np.sqrt(innovation * total + constant * np.cumsum(effect) ** 2)


def step_and_sum_variance(psi: FloatArray, skipped: int = 0) -> tuple[FloatArray, FloatArray]:
    """Variance of each step and of the sum of the steps so far, in units of σ², each of shape (n - skipped,).

    Step h has Σ_{j<h} ψ_j², the sum to h has Σ_{j<h} (ψ_0 + ... + ψ_j)². Skipped steps do not count towards the sum,
    but their innovations are in it.
    """
    reach = np.cumsum(psi)
    total = np.cumsum(reach**2)[: psi.size - skipped]
    for k in range(skipped):  # an innovation of the k-th skipped step reaches sums through ψ_{skipped-k}, ...
        before = skipped - k
        total = total + (reach[before:][: total.size] - reach[before - 1]) ** 2
    return np.cumsum(psi**2)[skipped:], total


def integration_lags(d: int, seasonal_d: int, season_length: int) -> FloatArray:
    """δ_1, δ_2, ... with y_t = Δy_t + Σ δ_k y_{t-k}, from (1 - B)^d (1 - B^m)^D; shape (d + Dm,)."""
    polynomial = np.ones(1)
    seasonal = np.zeros(season_length + 1)
    seasonal[0], seasonal[-1] = 1.0, -1.0
    for factor in [np.array([1.0, -1.0])] * d + [seasonal] * seasonal_d:
        polynomial = np.convolve(polynomial, factor)
    return np.ascontiguousarray(-polynomial[1:])


@compiled
def _carried_on(states: FloatArray, phi: FloatArray, horizon: int) -> FloatArray:
    """Expected values of each column's process from its predicted state on, shape (n_columns, horizon)."""
    n_columns, r = states.shape
    ahead = np.zeros((n_columns, horizon))
    for c in range(n_columns):
        for h in range(horizon):
            value = states[c, h] if h < r else 0.0
            for i in range(min(phi.size, h)):
                value += phi[i] * ahead[c, h - 1 - i]
            ahead[c, h] = value
    return ahead


@compiled
def _filter_by(values: FloatArray, lags: FloatArray) -> FloatArray:
    """1 / (1 - Σ δ_k B^k) applied with zeros before the start, shape as ``values``."""
    result = values.copy()
    for t in range(values.size):
        for k in range(min(lags.size, t)):
            result[t] += lags[k] * result[t - 1 - k]
    return result


@compiled
def integrated(values: FloatArray, fitted: FloatArray, ahead: FloatArray, lags: FloatArray) -> FloatArray:
    """Future values from future differences, shape (horizon,).

    Args:
        values: history, NaN where unknown, shape (n,).
        fitted: one-step predictions of its differences, shape (n - lags.size,); they stand in for unknown values.
        ahead: future differences, shape (horizon,).
        lags: δ_k of the differencing.
    """
    n, horizon, depth = values.size, ahead.size, lags.size
    path = np.zeros(n + horizon)
    path[:n] = values
    for t in range(n):
        if np.isnan(path[t]) and t < depth:
            path[t] = path[t - 1]
        elif np.isnan(path[t]):
            path[t] = fitted[t - depth]
            for k in range(depth):
                path[t] += lags[k] * path[t - 1 - k]
    for h in range(horizon):
        path[n + h] = ahead[h]
        for k in range(depth):
            path[n + h] += lags[k] * path[n + h - 1 - k]
    return path[n:].copy()
