"""Ridge autoregression on the last periods and on those around one season ago and its multiples."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.models.base import ModelFit
from skucast.forecasting.models.regression.effects import effect_columns
from skucast.forecasting.models.regression.ridge_fit import fit_scale
from skucast.forecasting.models.shared.log_blend import Out, Place, on_both_scales
from skucast.forecasting.panel.panel import FloatArray, IntArray, Panel

SHORT_LAGS = 6
"""Lags from 1 on that are always among the regressors."""

OFTEN = 24
"""Longest season whose multiples are worth a lag: last year says more than the year before."""

FEW_CYCLES = 8
"""First seasons in a longer one up to which each of them gets a lag."""

NAMES = ("log_share", "sigma", "penalty", "log_sigma", "log_penalty", "lags", "offset")


def lag_set(season_lengths: tuple[int, ...]) -> IntArray:
    """Lags worth regressing on, rising.

    The last ``SHORT_LAGS`` periods; quarter, half and whole of the first season, with multiples up to four where it is
    at most ``OFTEN`` periods, or all up to a next season of at most ``FEW_CYCLES`` times its length; of each longer
    season itself, and the whole number of first seasons nearest to it, with one more and one less. Whole numbers of
    seasons come with their neighbours.

    Args:
        season_lengths: periods of each season, rising.
    """
    first, lags = season_lengths[0], set(range(1, SHORT_LAGS + 1))
    if first > 1:
        lags |= {first // 4, first // 2} | {first + near for near in (-1, 0, 1)}
    if 1 < first <= OFTEN:
        lags |= {first + first // 2, 4 * first} | {k * first + near for k in (2, 3) for near in (-1, 0, 1)}
    for longer in season_lengths[1:]:
        cycles = round(longer / first)
        lags |= {longer} | {k * first + near for k in (cycles - 1, cycles, cycles + 1) for near in (-1, 0, 1)}
        lags |= {k * first for k in range(1, cycles)} if cycles <= FEW_CYCLES else set()
    return np.array(sorted(lags - {0}), dtype=np.int64)


def ridge_autoregression(panel: Panel) -> ModelFit:
    """Autoregression by ridge regression, of the values and of their logarithms, blended.

    The seasons that history has twice are removed first: the deviation of each place, drawn to 0 by what its average
    is worth. Of the lags those are used that history carries, down to none, where the mean remains. The penalty is that
    of the smallest generalised cross-validation. Forecasts are made recursively; those from logarithms are means, not
    medians (lognormal), and both are weighed by the squares of the inverse mean squared one-step errors in units.

    Effects of events and drivers are taken out before the seasons, and put back into the forecasts.

    Periods of unknown demand are not regressed on; as lags they are interpolated after the seasons are removed, and
    after the last known value they are forecast.

    The spreads hold the errors to come and the estimated mean, carried on by the autoregression; its weights and the
    removed seasons are taken as known. Those of logarithms are turned into units by the delta method.

    Parameters: log_share (weight of the logarithms), sigma (units) and penalty of the values, log_sigma and log_penalty
    of the logarithms, lags (their number) and offset (units added before logarithms are taken).

    Source: Hoerl & Kennard (1970), "Ridge regression"; Golub, Heath & Wahba (1979) for the penalty.
    """
    return _fit(panel, removes_seasons=True)


def ridge_on_lags(panel: Panel) -> ModelFit:
    """The same with the seasons left in: only the lags around them tell of them.

    It errs elsewhere: where a season moves or grows, removed deviations stay behind; where it stands still, they are
    the surer guide. See ``ridge_autoregression`` for all else.
    """
    return _fit(panel, removes_seasons=False)


def _fit(panel: Panel, *, removes_seasons: bool) -> ModelFit:
    """Either form, for all series."""
    lags, seasons = lag_set(panel.season_lengths), np.array(panel.season_lengths, dtype=np.int64)
    n_removed = seasons.size if removes_seasons else 0

    def fit(values: FloatArray, place: Place, gap: int, is_log: int, out: Out, numbers: FloatArray) -> None:
        row, first = place
        columns = np.ascontiguousarray(effect_columns(panel, row)[:, first:])
        fit_scale(values, columns, gap, is_log, lags, seasons, n_removed, out, numbers)

    (mean, step, total), share, numbers = on_both_scales(panel, fit, 5)
    (sigma, log_sigma), (penalty, log_penalty) = numbers[:, :, 2], numbers[:, :, 3]
    columns = (share, sigma, penalty, log_sigma, log_penalty, numbers[0, :, 4], numbers[1, :, 1])
    return ModelFit(mean, dict(zip(NAMES, columns, strict=True)), step_sd=step, sum_sd=total)
