"""The one map in Python: buckets of series → backtests and forecasts of every candidate. Arrow in and out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema

from skucast.forecasting.backtest.origins import years_ago
from skucast.forecasting.backtest.trials import BacktestResult
from skucast.forecasting.engine.engine import ForecastSettings, PanelFits, candidate_names, forecast_panel
from skucast.forecasting.panel.panel import FloatArray, IntArray
from skucast.forecasting.selection.choice import Candidates
from skucast.forecasting.selection.combination import reweighed
from skucast.forecasting.selection.weights import ClassErrors
from skucast.forecasting.uncertainty.dispersion import Dispersion
from skucast.forecasting.uncertainty.error_pool import Activity, activity
from skucast.spark.arrow_columns import dense, lists, maps, names_at, numbers, table
from skucast.stages.forecast.covariates.drivers import NOTHING, Catalogue
from skucast.stages.forecast.panel.buckets import Bucket, as_bucket
from skucast.stages.forecast.seasons.group_sums import grouped
from skucast.stages.forecast.span import Span

_TEXT, _NUMBER, _COUNT, _COUNTS = pa.string(), pa.float64(), pa.int32(), pa.list_(pa.int32())
_NUMBERS, _FLAGS = pa.list_(pa.float64()), pa.list_(pa.bool_())
FITS_SCHEMA = pa.schema(
    {
        "item_id": _TEXT, "location_id": _TEXT, "demand_class": _TEXT, "activity": _TEXT, "error_group": _COUNT,
        "n_periods": _COUNT, "is_count": pa.bool_(), "share_zeros": _NUMBER, "average_demand_interval": _NUMBER,
        "squared_cv": _NUMBER, "has_candidate": pa.bool_(), "failures": pa.map_(_TEXT, _TEXT),
        "revenue_share_before": _NUMBER, "evaluation_span": _COUNT, "scale": _NUMBER, "milliseconds": _NUMBER,
        "parameters": pa.map_(_TEXT, _NUMBER), "closed_ahead": _FLAGS, "origin": _COUNTS, "origin_group": _COUNTS,
        "origin_scale": _NUMBERS, "naive_mean_square": _NUMBERS, "naive_mean_absolute": _NUMBERS,
        "dispersion": _NUMBERS, "origin_dispersion": _NUMBERS, "floor": _NUMBERS, "origin_floor": _NUMBERS,
        "actuals": _NUMBERS, "drawn": _NUMBERS, "season": _NUMBERS, "exposure": _NUMBER,
        "is_scored": _FLAGS, "share_censored": _NUMBER,
        "lost_demand": _NUMBER, "recent_lost_demand": _NUMBER, "forecasts": _NUMBERS, "mean": _NUMBERS,
        "components": pa.map_(_TEXT, _NUMBERS), "known_demand": _NUMBER, "prior_log_mean": _NUMBER,
        "prior_series": _COUNT, "prior_category": _TEXT, "spread_factor": _NUMBER, "due": _TEXT, "kept_method": _TEXT,
        "kept_since": pa.date32(),
    }.items()
)  # fmt: skip
"""One row per series with everything its champion is chosen from; arrays of more than one index are flat, the last
index running fastest, and hold NaN where there is nothing. ``dispersion`` has the fields of ``Dispersion`` one after
the other. ``origin`` counts periods, -1 for none; ``known_demand`` is
the sum over the known periods."""


def fitted(long_panel: DataFrame, span: Span, plan: ForecastSettings, catalogue: Catalogue = NOTHING) -> DataFrame:
    """Fit every series of every bucket; the boundary to Python is crossed once per bucket.

    A partition is taken as a bucket: rows of a series lie in one partition, where no group has to be sorted together.

    Args:
        long_panel: rows placed in buckets, as ``long_panel`` places them.
        span: the shared calendar.
        plan: methods, tiers, origins, outliers.
        catalogue: names of the facts in the rows.

    Returns:
        Rows of ``FITS_SCHEMA``. Persist them: the fits run again each time an unpersisted result is used.
    """
    return long_panel.mapInArrow(_fit_bucket(span, plan, catalogue), from_arrow_schema(FITS_SCHEMA))


def _fit_bucket(
    span: Span, plan: ForecastSettings, catalogue: Catalogue
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def fit(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = list(batches)
        if not rows:
            return
        bucket = as_bucket(pa.Table.from_batches(rows), span, catalogue)
        panel = grouped(bucket, plan.seasons)
        result = forecast_panel(panel, plan, bucket.revenue_share_before, evaluation_span=bucket.evaluation_span)
        yield from _rows(bucket, result).to_batches()

    return fit


def _rows(bucket: Bucket, result: PanelFits) -> pa.Table:
    contest, parameters, n = result.contest, result.parameters, len(bucket.items)
    trials, shape = contest.trials, result.profile
    columns: dict[str, Any] = {
        "item_id": pa.array(bucket.items),
        "location_id": pa.array(bucket.locations),
        "demand_class": pa.array([str(name) for name in shape.demand_class]),
        "activity": names_at([str(state) for state in Activity], activity(shape)),
        "error_group": pa.array(contest.group),
        "n_periods": pa.array(shape.n_periods),
        "is_count": pa.array(contest.is_count),
        "dispersion": dense(np.stack(contest.dispersion, axis=1)),
        "origin_dispersion": dense(np.concatenate(trials.dispersion, axis=1)),
        "floor": dense(contest.floor),
        "origin_floor": dense(trials.floor.reshape(n, -1)),
        "share_zeros": numbers(shape.share_zeros),
        "average_demand_interval": numbers(shape.adi),
        "squared_cv": numbers(shape.cv2),
        "has_candidate": pa.array(contest.has_candidate),
        "failures": pa.array([list(found.items()) for found in contest.failures], pa.map_(_TEXT, _TEXT)),
        "revenue_share_before": pa.array(bucket.revenue_share_before),
        "evaluation_span": pa.array(contest.evaluation_span),
        "scale": pa.array(result.scale),
        "milliseconds": pa.array(result.milliseconds),
        "parameters": maps(parameters.offsets, names_at(parameters.names, parameters.name), pa.array(parameters.value)),
        "closed_ahead": lists(bucket.panel.is_closed_ahead),
        "origin": dense(trials.origin),
        "origin_group": dense(trials.group),
        "origin_scale": dense(trials.scale),
        "naive_mean_square": dense(trials.naive_mean_square),
        "naive_mean_absolute": dense(trials.naive_mean_absolute),
        "actuals": dense(trials.actuals.reshape(n, -1)),
        "drawn": dense(trials.completed.reshape(n, -1)),
        "is_scored": lists(trials.is_scored.reshape(n, -1)),
        "share_censored": numbers(result.hidden.share_censored),
        "lost_demand": numbers(result.hidden.lost_demand),
        "recent_lost_demand": numbers(result.hidden.recent_lost_demand),
        "forecasts": dense(trials.forecasts.reshape(n, -1)),
        "mean": dense(contest.mean.reshape(n, -1)),
        "season": dense(result.season),
        "exposure": pa.array(result.exposure),
        "known_demand": pa.array(np.nansum(bucket.panel.demand, axis=1)),
        "prior_log_mean": numbers(bucket.prior_log_mean),
        "prior_series": pa.array(bucket.prior_series),
        "prior_category": pa.array(bucket.prior_category, _TEXT),
        **bucket.tenure,
    }
    if result.components:
        columns["components"] = _components(result, n)
    return table(columns, FITS_SCHEMA, n)


def _components(result: PanelFits, n_series: int) -> pa.Array:
    """Component name -> values of every candidate, flat, NaN where it has no forecast; but for those that are 0."""
    names = sorted(result.components)
    values = np.stack([result.components[name].reshape(n_series, -1) for name in names], axis=1)
    wanted = np.nan_to_num(values).any(axis=2) | (np.array(names) == "level")
    offsets = np.concatenate([[0], np.cumsum(wanted.sum(axis=1))])
    return maps(offsets, names_at(names, np.nonzero(wanted)[1]), dense(values[wanted]))


@dataclass(frozen=True)
class CandidateArrays:
    """Shapes of the flat arrays of ``FITS_SCHEMA``.

    Attributes:
        names: candidates.
        origins: origins of the plan, and those of years ago.
        horizon: steps.
        errors: of the methods in each class, by which the weighted combination is weighed; None: not known.
    """

    names: tuple[str, ...]
    origins: int
    horizon: int
    errors: ClassErrors | None = None

    @classmethod
    def of(cls, plan: ForecastSettings, span: Span) -> CandidateArrays:
        """As ``fitted`` writes them."""
        n_years = len(years_ago(span.n_periods, span.frequency.days))
        return cls(candidate_names(plan), plan.origins + n_years, span.horizon)

    def contest(self, rows: pa.RecordBatch) -> Candidates:
        """The candidates of the rows; members of the weighted combination weighed by errors of their class too."""
        return reweighed(self.as_fitted(rows), self.errors)

    def as_fitted(self, rows: pa.RecordBatch) -> Candidates:
        """The candidates of the rows as the buckets left them."""
        n, drawn = rows.num_rows, rows.column("drawn")
        shape = (n, self.origins, len(self.names), self.horizon)
        trials = BacktestResult(
            names=self.names,
            origin=matrix(rows.column("origin"), self.origins).astype(np.int64),
            forecasts=matrix(rows.column("forecasts"), int(np.prod(shape[1:]))).reshape(shape),
            actuals=matrix(rows.column("actuals"), self.origins * self.horizon).reshape(n, -1, self.horizon),
            is_scored=matrix(rows.column("is_scored"), self.origins * self.horizon).reshape(n, -1, self.horizon),
            scale=matrix(rows.column("origin_scale"), self.origins),
            naive_mean_square=matrix(rows.column("naive_mean_square"), self.origins),
            naive_mean_absolute=matrix(rows.column("naive_mean_absolute"), self.origins),
            group=matrix(rows.column("origin_group"), self.origins).astype(np.int64),
            dispersion=Dispersion(*np.split(matrix(rows.column("origin_dispersion"), 3 * self.origins), 3, axis=1)),
            floor=matrix(rows.column("origin_floor"), self.origins * self.horizon).reshape(n, -1, self.horizon),
            drawn=None if drawn.null_count else matrix(drawn, shape[1] * shape[3]).reshape(n, -1, self.horizon),
        )
        return Candidates(
            n_periods=rows.column("n_periods").to_numpy(),
            demand_class=rows.column("demand_class").to_pylist(),
            group=rows.column("error_group").to_numpy().astype(np.int64),
            has_candidate=rows.column("has_candidate").to_numpy(zero_copy_only=False),
            failures=[dict(found) for found in rows.column("failures").to_pylist()],
            evaluation_span=rows.column("evaluation_span").to_numpy(),
            trials=trials,
            mean=self.of_candidates(rows.column("mean")),
            dispersion=Dispersion(*matrix(rows.column("dispersion"), 3).T),
            floor=matrix(rows.column("floor"), self.horizon),
            is_count=rows.column("is_count").to_numpy(zero_copy_only=False),
            kept=self._kept(rows.column("kept_method")),
            is_due=rows.column("due").is_valid().to_numpy(zero_copy_only=False),
        )

    def _kept(self, methods: pa.Array) -> IntArray:
        """Candidates called so, -1 for none."""
        places = pc.fill_null(pc.index_in(methods, value_set=pa.array(self.names)), -1)
        found: IntArray = np.where(methods.is_valid(), places.to_numpy(zero_copy_only=False), -1).astype(np.int64)
        return found

    def of_candidates(self, column: pa.Array) -> FloatArray:
        """A column of flat arrays over candidates and steps, shape (n_rows, n_candidates, horizon)."""
        values: FloatArray = matrix(column, len(self.names) * self.horizon)
        return values.reshape(len(column), len(self.names), self.horizon)


def matrix(column: pa.Array, width: int) -> Any:
    """Lists of one length as a matrix, shape (n_rows, width)."""
    return np.asarray(column.flatten().to_numpy(zero_copy_only=False)).reshape(len(column), width)
