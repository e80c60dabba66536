"""Variance of demand summed over several periods, and of the error of its forecast: never one-step variance times H."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from skucast.numerics.arrays import FloatArray, floats, not_negative, positive


def protection_variance(
    mean: ArrayLike,
    variance: ArrayLike,
    lead_time: ArrayLike,
    lead_time_variance: ArrayLike = 0.0,
    review_period: ArrayLike = 0.0,
) -> FloatArray:
    """Variance of independent demand over R + L periods with L uncertain: (L + R) sigma² + mu² sigma_L².

    Args:
        mean: units per period. [mu]
        variance: units² per period. [sigma²]
        lead_time: mean, periods. [L]
        lead_time_variance: periods². [sigma_L²]
        review_period: periods; 0 under continuous review. [R]

    Raises:
        ValueError: a negative variance or time.

    Source: Hadley & Whitin (1963), section 3-6: the law of total variance; orders do not cross.
    """
    v, L, vL, R = not_negative(
        variance=variance, lead_time=lead_time, lead_time_variance=lead_time_variance, review_period=review_period
    )
    total: FloatArray = (L + R) * v + floats(mean) ** 2 * vL
    return total


def local_level_error_variance(alpha: ArrayLike, periods: ArrayLike) -> FloatArray:
    """Variance of the error over H periods of exponential smoothing of a moving level, in units of one step's.

    H [1 + alpha (H - 1) + alpha² (H - 1)(2 H - 1) / 6], the level following ETS(A,N,N).

    Args:
        alpha: smoothing constant.
        periods: summed. [H]

    Source: Ord, Koehler & Snyder (1997); Hyndman et al. (2008), Forecasting with Exponential Smoothing, section 6.3.
    """
    (H,), a = positive(periods=periods), floats(alpha)
    growth: FloatArray = H * (1.0 + a * (H - 1.0) + a**2 * (H - 1.0) * (2.0 * H - 1.0) / 6.0)
    return growth


def smoothing_error_variance(alpha: ArrayLike, periods: ArrayLike) -> FloatArray:
    """The same where demand stands still about its mean and only the level is uncertain: H + H² alpha / (2 - alpha).

    In units of the variance of demand in a period.

    Source: Prak, Teunter & Syntetos (2017), European Journal of Operational Research 256, 454-461.
    """
    (H,), a = positive(periods=periods), floats(alpha)
    growth: FloatArray = H + H**2 * a / (2.0 - a)
    return growth


def mean_error_variance(n_periods: ArrayLike, periods: ArrayLike) -> FloatArray:
    """The same for the mean of n past periods as forecast: H (1 + H / n). Source: as ``smoothing_error_variance``."""
    n, H = positive(n_periods=n_periods, periods=periods)
    growth: FloatArray = H * (1.0 + H / n)
    return growth


def autoregressive_error_variance(phi: ArrayLike, periods: ArrayLike) -> FloatArray:
    """Variance of the error over H periods of an AR(1) forecast, in units of one step's.

    Sum over j = 1..H of ((1 - phi^j) / (1 - phi))²: below H for negative phi.

    Args:
        phi: autoregressive coefficient.
        periods: whole number, summed. [H]

    Source: Box & Jenkins (1970), section 5.2.
    """
    (H,), coefficient = positive(periods=periods), floats(phi)
    coefficient, H = np.broadcast_arrays(coefficient, H)
    responses = np.cumsum(coefficient[..., None] ** np.arange(int(H.max(initial=1))), axis=-1)
    is_within = np.arange(responses.shape[-1]) < H[..., None]
    growth: FloatArray = (responses**2 * is_within).sum(axis=-1)
    return growth
