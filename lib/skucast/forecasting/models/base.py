"""What a forecasting method returns, and the one boundary where a third-party failure becomes a marked fallback."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray, Panel

MESSAGE_LENGTH = 200
"""Characters kept of a third party's error message."""

NOT_TRIED = ""
"""In place of a phrase: the method was not tried on the row, which is no failure."""


@dataclass(frozen=True)
class ModelFit:
    """One method fitted to every series of a panel.

    Attributes:
        mean: units per period, shape (n_series, horizon). Raw: may be negative; NaN where the method has no forecast.
        parameters: name -> shape (n_series,), NaN where it does not apply.
        failures: row -> one clear phrase, for rows where the method failed.
        milliseconds: own time of each row, shape (n_series,); None when the rows were fitted together.
        step_sd: standard deviation of demand in each step, shape (n_series, horizon); None where the method has no law.
        sum_sd: standard deviation of demand summed over steps 1 to h, of the same shape; never step_sd × √h.
    """

    mean: FloatArray
    parameters: Mapping[str, FloatArray] = field(default_factory=dict)
    failures: Mapping[int, str] = field(default_factory=dict)
    milliseconds: FloatArray | None = None
    step_sd: FloatArray | None = None
    sum_sd: FloatArray | None = None

    def rows(self, index: IntArray | BoolArray) -> ModelFit:
        """Means and parameters of the series at ``index``."""
        return ModelFit(self.mean[index], {name: values[index] for name, values in self.parameters.items()})


Previous = Mapping[str, FloatArray]
"""Parameters of the same method at the origin before: name -> shape (n_series,), NaN or absent where there is none."""

FitPanel = Callable[[Panel, Previous], ModelFit]
"""A method: a panel, and what the method itself found at an earlier origin (a start value, never a look ahead)."""

SeriesFit = tuple[FloatArray, Mapping[str, float]]
"""Mean of shape (horizon,), and parameters."""

FitSeries = Callable[[Panel, Mapping[str, float]], SeriesFit]
"""A per-item method: a panel of one series, and its finite parameters at the origin before (empty: none)."""


Components = Callable[[Panel, ModelFit], Mapping[str, FloatArray]]
"""What fits are made of: name -> units per period, shape (n_series, horizon), together their mean."""


def level_only(_panel: Panel, fits: ModelFit) -> Mapping[str, FloatArray]:
    """Components of a method that knows but one."""
    return {"level": fits.mean}


def flat(level: FloatArray, horizon: int) -> FloatArray:
    """The same mean at every step, shape (n_series, horizon)."""
    return np.repeat(level[:, None], horizon, axis=1)


def published(mean: FloatArray, is_closed: BoolArray) -> FloatArray:
    """Raw means as forecasts: never negative, 0 at closed steps; shape (n_series, horizon)."""
    return np.where(is_closed, 0.0, np.maximum(mean, 0.0))


def batched(fit: Callable[[Panel], ModelFit]) -> FitPanel:
    """A panel method that takes nothing over from an earlier origin."""

    def fit_panel(panel: Panel, _previous: Previous) -> ModelFit:
        return fit(panel)

    return fit_panel


def per_series(fit: FitSeries) -> FitPanel:
    """A panel method that fits one series after the other, each behind the failure boundary."""

    def fit_panel(panel: Panel, previous: Previous) -> ModelFit:
        results = [_fit_one(fit, panel, row, previous) for row in range(panel.n_series)]
        names = sorted({name for _, parameters, _, _ in results for name in parameters})
        return ModelFit(
            mean=np.array([mean for mean, _, _, _ in results]).reshape(panel.n_series, panel.horizon),
            parameters={name: np.array([p.get(name, np.nan) for _, p, _, _ in results]) for name in names},
            failures={row: failure for row, (_, _, failure, _) in enumerate(results) if failure},
            milliseconds=np.array([elapsed for _, _, _, elapsed in results], dtype=np.float64),
        )

    return fit_panel


def _fit_one(
    fit: FitSeries, panel: Panel, row: int, previous: Previous
) -> tuple[FloatArray, Mapping[str, float], str, float]:
    """Mean, parameters, failure ("" if none) and milliseconds of one series."""
    before = {name: float(values[row]) for name, values in previous.items() if np.isfinite(values[row])}
    began = time.perf_counter()
    try:
        mean, parameters = fit(panel.rows(np.array([row])), before)
        failure = "" if np.isfinite(mean).all() else "no finite forecast"
    except Exception as error:  # noqa: BLE001 - the one boundary: whatever a third-party model raises
        mean, parameters = np.full(panel.horizon, np.nan), {}
        failure = f"{type(error).__name__}: {' '.join(str(error).split())[:MESSAGE_LENGTH]}"
    return mean, parameters, failure, 1000.0 * (time.perf_counter() - began)
