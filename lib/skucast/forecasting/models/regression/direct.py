"""Regression of the change over each step of the horizon on past changes and on growth a season and more ago."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.models.base import ModelFit
from skucast.forecasting.models.regression.direct_fit import fit_scale
from skucast.forecasting.models.shared.log_blend import Out, Place, on_both_scales
from skucast.forecasting.panel.panel import FloatArray, IntArray, Panel

SHORT_CHANGES = (1, 2, 3, 4, 6, 8)
"""Lags over which changes always are among the regressors."""

NAMES = ("log_share", "sigma", "log_sigma", "regressors", "offset")


def change_lags(season_lengths: tuple[int, ...]) -> IntArray:
    """Lags over which changes are regressors, rising: short ones; a quarter, half and whole of each season."""
    seasonal = {season // part for season in season_lengths for part in (1, 2, 4)}
    return np.array(sorted({*SHORT_CHANGES, *seasonal} - {0}), dtype=np.int64)


def direct_regression(panel: Panel) -> ModelFit:
    """Change from the last value to each step by a regression of its own, of values and of logarithms, blended.

    Regressors are the changes over several lags up to the last value and, of each season that history has twice, the
    growth over as many steps from the same place of it: in the last cycle, and averaged over up to three. The weights
    are drawn to 0, where the forecast is the last value: regressors are in units of what they would vary if demand
    were a random walk, and the prior of no effect, and of no drift, counts for ``WORTH`` rows. Steps farther than
    history can be regressed on are like the last that can; a history without enough rows has its mean.

    Forecasts of logarithms are medians. Unknown periods are neither start nor target; as regressors they are
    interpolated. The spreads are those of the regressions' own errors and of their sums; those of logarithms are turned
    into units by the delta method.

    Parameters: log_share (weight of the logarithms), sigma of step 1 of the values (units) and log_sigma of
    the logarithms, regressors (their number) and offset (units added before
    logarithms are taken).

    Source: Hoerl & Kennard (1970), "Ridge regression"; direct forecasts as in Marcellino, Stock & Watson (2006), "A
    comparison of direct and iterated multistep AR methods".
    """
    changes = change_lags(panel.season_lengths)
    seasons = np.array([season for season in panel.season_lengths if season > 1], dtype=np.int64)

    def fit(values: FloatArray, _place: Place, gap: int, is_log: int, out: Out, numbers: FloatArray) -> None:
        fit_scale(values, gap, is_log, changes, seasons, out, numbers)

    (mean, step, total), share, numbers = on_both_scales(panel, fit, 4)
    columns = (share, numbers[0, :, 2], numbers[1, :, 2], numbers[0, :, 3], numbers[1, :, 1])
    return ModelFit(mean, dict(zip(NAMES, columns, strict=True)), step_sd=step, sum_sd=total)
