"""The one map in Python: buckets of series → fits, backtests, champions. Arrow in and out, no object per value."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema

from skucast.forecasting.engine import PanelForecast, Plan, forecast_panel
from skucast.forecasting.panel import FloatArray, IntArray
from skucast.forecasting.quantiles import scaled_errors
from skucast.transforms.arrow_columns import days, lists, maps, names_at, numbers, table
from skucast.transforms.panel import Bucket, Span, as_bucket

FIT = "fit"
TRIAL = "trial"
_TEXT, _NUMBER, _COUNT, _NUMBERS = pa.string(), pa.float64(), pa.int32(), pa.list_(pa.float64())
_KEYS = {
    "kind": _TEXT,
    "item_id": _TEXT,
    "location_id": _TEXT,
    "demand_class": _TEXT,
    "method": _TEXT,
    "scale": _NUMBER,
}
_FIT = {
    "n_periods": _COUNT, "share_zeros": _NUMBER, "average_demand_interval": _NUMBER, "squared_cv": _NUMBER,
    "status": _TEXT, "reason": _TEXT, "revenue_share_before": _NUMBER, "parameters": pa.map_(_TEXT, _NUMBER),
    "milliseconds": _NUMBER, "mean": _NUMBERS, "closed_ahead": pa.list_(pa.bool_()),
    "components": pa.map_(_TEXT, _NUMBERS),
}  # fmt: skip
_TRIAL = {
    "origin": pa.date32(), "is_champion": pa.bool_(), "n_scored": _COUNT, "sum_squared_error": _NUMBER,
    "sum_absolute_error": _NUMBER, "sum_error": _NUMBER, "naive_squared_error": _NUMBER, "forecasts": _NUMBERS,
    "actuals": _NUMBERS, "step_errors": _NUMBERS, "sum_errors": _NUMBERS,
}  # fmt: skip
FITS_SCHEMA = pa.schema(list((_KEYS | _FIT | _TRIAL).items()))
"""Rows of kind "fit" (one per series) and "trial" (one per series, origin and method)."""


def fitted(long_panel: DataFrame, span: Span, plan: Plan) -> DataFrame:
    """Fit every series of every bucket; the boundary to Python is crossed once per bucket.

    A partition is taken as a bucket: rows of a series lie in one partition, where no group has to be sorted together.

    Args:
        long_panel: rows placed in buckets, as ``long_panel`` places them.
        span: the shared calendar.
        plan: methods, tiers, origins, outliers.

    Returns:
        Rows of ``FITS_SCHEMA``. Persist them: the fits run again each time an unpersisted result is used.
    """
    return long_panel.mapInArrow(_fit_bucket(span, plan), from_arrow_schema(FITS_SCHEMA))


def _fit_bucket(span: Span, plan: Plan) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def fit(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = list(batches)
        if not rows:
            return
        bucket = as_bucket(pa.Table.from_batches(rows), span)
        result = forecast_panel(bucket.panel, plan, bucket.revenue_share_before)
        for kind in (_fit_rows(bucket, result), _trial_rows(bucket, result)):
            yield from kind.to_batches()

    return fit


def _fit_rows(bucket: Bucket, result: PanelForecast) -> pa.Table:
    shape, parameters = result.profile, result.parameters
    columns = {
        "kind": FIT,
        "item_id": pa.array(bucket.items),
        "location_id": pa.array(bucket.locations),
        "demand_class": pa.array([str(name) for name in shape.demand_class]),
        "method": pa.array(result.method),
        "scale": pa.array(result.scale),
        "n_periods": pa.array(shape.n_periods),
        "share_zeros": numbers(shape.share_zeros),
        "average_demand_interval": numbers(shape.adi),
        "squared_cv": numbers(shape.cv2),
        "status": pa.array([str(status) for status in result.status]),
        "reason": pa.array(result.reason),
        "revenue_share_before": pa.array(bucket.revenue_share_before),
        "parameters": maps(parameters.offsets, names_at(parameters.names, parameters.name), pa.array(parameters.value)),
        "milliseconds": pa.array(result.milliseconds),
        "mean": lists(result.mean),
        "closed_ahead": lists(bucket.panel.is_closed_ahead),
    }
    if result.components:
        columns["components"] = _components(result)
    return table(columns, FITS_SCHEMA, len(bucket.items))


def _components(result: PanelForecast) -> pa.Array:
    """The level of each series and its components that are not 0 throughout."""
    names = sorted(result.components)
    values = np.stack([result.components[name] for name in names], axis=1)
    wanted = values.any(axis=2) | (np.array(names) == "level")
    offsets = np.concatenate([[0], np.cumsum(wanted.sum(axis=1))])
    return maps(offsets, names_at(names, np.nonzero(wanted)[1]), lists(values[wanted]))


def _trial_rows(bucket: Bucket, result: PanelForecast) -> pa.Table:
    trials, series = result.backtest, result.backtest.series
    places = {name: place for place, name in enumerate(result.method_names)}
    chosen: IntArray = np.array([places[name] for name in result.method], dtype=np.int64)
    champion = trials.method == chosen[series]
    steps, sums = scaled_errors(trials.forecasts, trials.actuals, trials.scale)
    columns = {
        "kind": TRIAL,
        "item_id": names_at(bucket.items, series),
        "location_id": names_at(bucket.locations, series),
        "demand_class": names_at([str(name) for name in result.profile.demand_class], series),
        "method": names_at(result.method_names, trials.method),
        "scale": numbers(np.where(champion, trials.scale, np.nan)),
        "origin": _origins(bucket, trials.origin),
        "is_champion": pa.array(champion),
        "n_scored": pa.array(trials.sums.n_scored),
        "sum_squared_error": pa.array(trials.sums.squared_error),
        "sum_absolute_error": pa.array(trials.sums.absolute_error),
        "sum_error": pa.array(trials.sums.error),
        "naive_squared_error": pa.array(trials.naive_mean_square),
    }
    arrays: dict[str, FloatArray] = {"forecasts": trials.forecasts, "actuals": trials.actuals}
    arrays |= {"step_errors": steps, "sum_errors": sums}
    columns |= {name: lists(values, champion) for name, values in arrays.items()}
    return table(columns, FITS_SCHEMA, series.size)


def _origins(bucket: Bucket, origins: IntArray) -> pa.Array:
    """First day of the last period that each origin knew."""
    found, position = np.unique(origins, return_inverse=True)
    return days([bucket.panel.day(origin - 1) for origin in found.tolist()]).take(pa.array(position))
