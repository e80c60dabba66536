"""What fits become in the tables: status, backtest, components, and the calibrated distribution."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from skucast.forecasting.profile import DemandClass
from skucast.forecasting.quantiles import calibrated_quantiles, cumulative_sd
from skucast.periods import add_periods
from skucast.tables.forecast import BACKTEST, FORECAST_COMPONENT, SERIES_STATUS
from skucast.transforms.arrow_columns import days, lists, table
from skucast.transforms.fitting import FIT, TRIAL
from skucast.transforms.panel import Span
from skucast.transforms.spread import Spread


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

    def spread_out(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield from _forecast_rows(batch, spread, span, written).to_batches()

    return means.mapInArrow(spread_out, from_arrow_schema(FORECAST_SCHEMA))


_NUMBERS = pa.list_(pa.float64())
FORECAST_SCHEMA = pa.schema(
    {
        "item_id": pa.string(), "location_id": pa.string(), "cutoff": pa.date32(), "step": pa.int32(),
        "period_start": pa.date32(), "quantile_levels": _NUMBERS, "mean": pa.float64(), "quantiles": _NUMBERS,
        "cumulative_mean": pa.float64(), "cumulative_sd": pa.float64(), "cumulative_quantiles": _NUMBERS,
        "spread_rung": pa.string(), "method": pa.string(), "run_id": pa.string(),
    }.items()
)  # fmt: skip


def _matrix(column: pa.Array, width: int) -> np.ndarray:
    """Lists of one length as a matrix, shape (n_rows, width)."""
    return np.asarray(column.flatten().to_numpy(zero_copy_only=False)).reshape(len(column), width)


def _forecast_rows(fits: pa.RecordBatch, spread: Spread, span: Span, written: Written) -> pa.Table:
    n_series, horizon, levels = fits.num_rows, span.horizon, len(written.quantile_levels)
    mean, closed = (_matrix(fits.column(name), horizon) for name in ("mean", "closed_ahead"))
    classes = fits.column("demand_class").to_pylist()
    # Without any demand there is no unit for a spread: the law is that of the forecast, zero.
    has_demand = np.array([name != DemandClass.NO_DEMAND.value for name in classes], dtype=bool)
    scale, index = np.where(has_demand, fits.column("scale").to_numpy(), 0.0), spread.index(classes)
    quantiles, sums = calibrated_quantiles(mean, scale, spread.step_quantiles, spread.sum_quantiles, index, closed)
    series, rung = np.repeat(np.arange(n_series), horizon), spread.rungs[index].ravel()
    starts = days([add_periods(span.cutoff, step, span.frequency) for step in range(1, horizon + 1)])
    columns = {
        **{name: fits.column(name).take(pa.array(series)) for name in ("item_id", "location_id", "method")},
        "cutoff": written.cutoff,
        "step": pa.array(np.tile(np.arange(1, horizon + 1), n_series)),
        "period_start": starts.take(pa.array(np.tile(np.arange(horizon), n_series))),
        "quantile_levels": lists(np.tile(np.array(written.quantile_levels), (series.size, 1))),
        "mean": pa.array(mean.ravel()),
        "quantiles": lists(quantiles.reshape(-1, levels)),
        "cumulative_mean": pa.array(np.cumsum(mean, axis=1).ravel()),
        "cumulative_sd": pa.array(cumulative_sd(scale, spread.sum_moments, index).ravel()),
        "cumulative_quantiles": lists(sums.reshape(-1, levels)),
        "spread_rung": pa.array(rung),
        "run_id": written.run_id,
    }
    return table(columns, FORECAST_SCHEMA, series.size)
