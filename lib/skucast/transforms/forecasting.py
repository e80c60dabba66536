"""The one grouped map: buckets of series → fits, backtests and champions; then their calibrated distribution."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from skucast.forecasting.engine import PanelForecast, Plan, forecast_panel
from skucast.forecasting.panel import FloatArray
from skucast.forecasting.profile import DemandClass
from skucast.forecasting.quantiles import calibrated_quantiles, cumulative_sd, scaled_errors
from skucast.periods import add_periods
from skucast.tables.forecast import BACKTEST, FORECAST_COMPONENT, SERIES_STATUS
from skucast.transforms.panel import Bucket, Span, as_bucket
from skucast.transforms.spread import Spread

FIT = "fit"
TRIAL = "trial"
_KEYS = "kind string, item_id string, location_id string, demand_class string, method string, scale double"
_FIT = (
    "n_periods int, share_zeros double, average_demand_interval double, squared_cv double, status string, "
    "reason string, revenue_share_before double, parameters map<string,double>, milliseconds double, "
    "mean array<double>, closed_ahead array<boolean>, components map<string,array<double>>"
)
_TRIAL = (
    "origin date, is_champion boolean, n_scored int, sum_squared_error double, sum_absolute_error double, "
    "sum_error double, naive_squared_error double, forecasts array<double>, actuals array<double>, "
    "step_errors array<double>, sum_errors array<double>"
)
FITS_SCHEMA = f"{_KEYS}, {_FIT}, {_TRIAL}"
"""Rows of kind "fit" (one per series) and "trial" (one per series, origin and method)."""


def fitted(long_panel: DataFrame, span: Span, plan: Plan) -> DataFrame:
    """Fit every series of every bucket; the boundary to Python is crossed once per bucket.

    Args:
        long_panel: rows placed in buckets.
        span: the shared calendar.
        plan: methods, tiers, origins, outliers.

    Returns:
        Rows of ``FITS_SCHEMA``. Persist them: the fits run again each time an unpersisted result is used.
    """
    fit = _fit_bucket(span, plan)
    return long_panel.groupBy("bucket").applyInPandas(fit, FITS_SCHEMA)


def _fit_bucket(span: Span, plan: Plan) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def fit(rows: pd.DataFrame) -> pd.DataFrame:
        bucket = as_bucket(rows, span)
        result = forecast_panel(bucket.panel, plan, bucket.revenue_share_before)
        return _both_kinds(_fit_rows(bucket, result), _trial_rows(bucket, result))

    return fit


def _both_kinds(fits: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """One frame of the schema's columns; what a kind does not have is null, also in columns of arrays and maps."""
    columns = [part.split(" ")[0] for part in FITS_SCHEMA.split(", ")]
    rows = pd.concat([part.reindex(columns=columns) for part in (fits, trials)], ignore_index=True)
    objects = rows.select_dtypes("object")
    return rows.assign(**objects.astype(object).mask(objects.isna(), other=cast(Any, None)))


def _fit_rows(bucket: Bucket, result: PanelForecast) -> pd.DataFrame:
    shape = result.profile
    return pd.DataFrame(
        {
            "kind": FIT,
            "item_id": [item for item, _ in bucket.keys],
            "location_id": [location for _, location in bucket.keys],
            "demand_class": [str(name) for name in shape.demand_class],
            "method": list(result.method),
            "scale": result.scale,
            "n_periods": shape.n_periods,
            "share_zeros": shape.share_zeros,
            "average_demand_interval": shape.adi,
            "squared_cv": shape.cv2,
            "status": [str(status) for status in result.status],
            "reason": list(result.reason),
            "revenue_share_before": bucket.revenue_share_before,
            "parameters": [dict(each) for each in result.parameters],
            "milliseconds": result.milliseconds,
            "mean": list(result.mean),
            "closed_ahead": list(bucket.panel.is_closed_ahead),
            "components": _components_by_series(result),
        }
    )


def _components_by_series(result: PanelForecast) -> list[dict[str, list[float]] | None]:
    """The level of each series and its components that are not 0 throughout; None where they were not asked for."""
    if not result.components:
        return [None] * len(result.method)
    named = result.components.items()
    return [
        {name: values[row].tolist() for name, values in named if name == "level" or values[row].any()}
        for row in range(len(result.method))
    ]


def _trial_rows(bucket: Bucket, result: PanelForecast) -> pd.DataFrame:
    trials, panel = result.backtest, bucket.panel
    names = np.array(result.method_names, dtype=object)[trials.method]
    champion = names == np.array(result.method, dtype=object)[trials.series]
    steps, sums = scaled_errors(trials.forecasts, trials.actuals, trials.scale)
    arrays = {"forecasts": trials.forecasts, "actuals": trials.actuals, "step_errors": steps, "sum_errors": sums}
    return pd.DataFrame(
        {
            "kind": TRIAL,
            "item_id": [bucket.keys[series][0] for series in trials.series],
            "location_id": [bucket.keys[series][1] for series in trials.series],
            "demand_class": [str(result.profile.demand_class[series]) for series in trials.series],
            "method": names,
            "scale": np.where(champion, trials.scale, np.nan),
            "origin": [panel.day(origin - 1) for origin in trials.origin.tolist()],
            "is_champion": champion,
            "n_scored": trials.sums.n_scored,
            "sum_squared_error": trials.sums.squared_error,
            "sum_absolute_error": trials.sums.absolute_error,
            "sum_error": trials.sums.error,
            "naive_squared_error": trials.naive_mean_square,
            **{name: _champions_only(values, champion) for name, values in arrays.items()},
        }
    )


def _champions_only(values: FloatArray, champion: np.ndarray) -> list[list[float | None] | None]:
    """Arrays as lists with None where unknown; None for methods that lost."""
    return [
        [None if np.isnan(value) else float(value) for value in row] if chosen else None
        for row, chosen in zip(values, champion, strict=True)
    ]


def series_status(fits: DataFrame, cutoff: date, run_id: str) -> DataFrame:
    """Rows of ``series_status`` from the fits."""
    named = fits.where(F.col("kind") == FIT).withColumns({"cutoff": F.lit(cutoff), "run_id": F.lit(run_id)})
    return SERIES_STATUS.select(named)


def backtest(fits: DataFrame, cutoff: date, run_id: str) -> DataFrame:
    """Rows of ``backtest`` from the fits."""
    named = fits.where(F.col("kind") == TRIAL).withColumns({"cutoff": F.lit(cutoff), "run_id": F.lit(run_id)})
    return BACKTEST.select(named)


def components(fits: DataFrame, cutoff: date, run_id: str) -> DataFrame:
    """Rows of ``forecast_component`` from the fits."""
    named = fits.where(F.col("kind") == FIT).select(
        "item_id", "location_id", "method", F.explode("components").alias("component", "values")
    )
    steps = named.select("*", F.posexplode("values").alias("position", "value"))
    written = {"step": F.col("position") + 1, "cutoff": F.lit(cutoff), "run_id": F.lit(run_id)}
    return FORECAST_COMPONENT.select(steps.withColumns(written))


@dataclass(frozen=True)
class Written:
    """What every forecast row of a run carries."""

    cutoff: date
    run_id: str
    quantile_levels: Sequence[float]


def distribution(fits: DataFrame, spread: Spread, span: Span, written: Written) -> DataFrame:
    """Rows of ``forecast``: the fitted means with the pooled spread of their class. No shuffle.

    Args:
        fits: rows of ``FITS_SCHEMA``.
        spread: pooled quantiles of scaled errors by demand class.
        span: the shared calendar.
        written: what every row carries.
    """
    means = fits.where(F.col("kind") == FIT).select(
        "item_id", "location_id", "demand_class", "method", "scale", "mean", "closed_ahead"
    )
    schema = (
        "item_id string, location_id string, cutoff date, step int, period_start date, quantile_levels array<double>, "
        "mean double, quantiles array<double>, cumulative_mean double, cumulative_sd double, "
        "cumulative_quantiles array<double>, spread_rung string, method string, run_id string"
    )

    def spread_out(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            yield _forecast_rows(batch, spread, span, written)

    return means.mapInPandas(spread_out, schema)


def _forecast_rows(fits: pd.DataFrame, spread: Spread, span: Span, written: Written) -> pd.DataFrame:
    n_series, horizon = len(fits), span.horizon
    mean = np.array(fits["mean"].tolist(), dtype=float).reshape(n_series, horizon)
    closed = np.array(fits["closed_ahead"].tolist(), dtype=bool).reshape(n_series, horizon)
    has_demand = fits["demand_class"].to_numpy() != DemandClass.NO_DEMAND.value
    # Without any demand there is no unit for a spread: the law is that of the forecast, zero.
    scale, index = np.where(has_demand, fits["scale"].to_numpy(dtype=float), 0.0), spread.index(fits["demand_class"])
    quantiles, sums = calibrated_quantiles(mean, scale, spread.step_quantiles, spread.sum_quantiles, index, closed)
    sd = cumulative_sd(scale, spread.sum_moments, index)
    steps = np.tile(np.arange(1, horizon + 1), n_series)
    starts = [add_periods(span.cutoff, step, span.frequency) for step in range(1, horizon + 1)]
    return pd.DataFrame(
        {
            **{name: np.repeat(fits[name].to_numpy(), horizon) for name in ("item_id", "location_id", "method")},
            "cutoff": written.cutoff,
            "step": steps,
            "period_start": starts * n_series,
            "quantile_levels": [list(written.quantile_levels)] * (n_series * horizon),
            "mean": mean.ravel(),
            "quantiles": list(quantiles.reshape(n_series * horizon, -1)),
            "cumulative_mean": np.cumsum(mean, axis=1).ravel(),
            "cumulative_sd": sd.ravel(),
            "cumulative_quantiles": list(sums.reshape(n_series * horizon, -1)),
            "spread_rung": spread.rungs[index].ravel(),
            "run_id": written.run_id,
        }
    )
