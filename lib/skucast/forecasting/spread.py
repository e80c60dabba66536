"""A spread scale per series: what errors are divided by before they are pooled over series."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.baselines import known_mean
from skucast.forecasting.panel import FloatArray
from skucast.forecasting.smoothing import ALPHAS, smooth

PRIOR_ERRORS = 0.5
"""Weight, in observed errors, of the prior belief that errors are as large as the mean."""


def spread_scale(demand: FloatArray) -> FloatArray:
    """Root mean square of one-step smoothing errors, drawn slightly to the mean demand; shape (n_series,), > 0.

    scale² = (sum of squared errors + w·mean²) / (number of errors + w), w = ``PRIOR_ERRORS``. With 50 errors the prior
    hardly matters (a constant series still gets a tenth of its mean); with one or two it keeps a lucky small error from
    blowing up every scaled error of the series. It turns with the unit of measure, as a Poisson floor √mean would not
    (some sources give kilograms or normalised amounts). Without any demand there is no unit to respect: the scale is 1.

    Args:
        demand: units per period that one origin knew, NaN where unknown, shape (n_series, n_periods).
    """
    smoothing = smooth(demand, ALPHAS)
    squared_error = smoothing.squared_error.min(axis=1)
    mean = np.nan_to_num(known_mean(demand), nan=0.0)
    scale = np.sqrt((squared_error + PRIOR_ERRORS * mean**2) / (smoothing.n_errors + PRIOR_ERRORS))
    return np.where(scale > 0, scale, 1.0)
