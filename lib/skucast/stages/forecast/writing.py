"""What fits become in the tables: champions, their status, the backtest, components, and calibrated distributions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import to_arrow_schema

from skucast.forecasting.backtest.accuracy import Basis, Measure, accuracy
from skucast.forecasting.cold_start.model import ColdStartModel
from skucast.forecasting.engine.status import Status
from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray
from skucast.forecasting.selection.choice import Candidates, Selection, SelectionRule, choose, verdicts
from skucast.forecasting.uncertainty.distribution import PredictiveDistribution
from skucast.periods import add_periods
from skucast.spark.arrow_columns import days, entries_of, lists, names_at, numbers, table
from skucast.spark.series import SERIES
from skucast.stages.forecast.champions import own_components, own_parameters, reasons
from skucast.stages.forecast.cold_start.apply import COLD_START, ColdStart, cold_start
from skucast.stages.forecast.fitting import CandidateArrays, matrix
from skucast.stages.forecast.span import Span
from skucast.tables.contract import Table
from skucast.tables.forecast import BACKTEST, FORECAST, FORECAST_ACCURACY, FORECAST_COMPONENT, SERIES_STATUS


@dataclass(frozen=True)
class ForecastWriter:
    """How fits are turned into rows of the tables.

    Attributes:
        law: the distributions that all series teach.
        criterion: by what champions are chosen.
        layout: shapes of the fits' arrays.
        span: the shared calendar.
        run_id: what every row carries.
        launch: what is believed of series with a short history; None: nothing.
        accuracy_of_all: measure the accuracy of every candidate and not only of the champion.
    """

    law: PredictiveDistribution
    criterion: SelectionRule
    layout: CandidateArrays
    span: Span
    run_id: str
    launch: ColdStartModel | None = None
    accuracy_of_all: bool = False

    def rows(self, fits: DataFrame, target: Table) -> DataFrame:
        """Rows of one of the tables in ``_MAKERS``. No shuffle.

        Each table chooses anew, from the same numbers.
        """
        return fits.mapInArrow(_mapped(self, _MAKERS[target.name], to_arrow_schema(target.schema)), target.schema)


@dataclass(frozen=True)
class _Chosen:
    """Fits of a batch and the champions among them."""

    fits: pa.RecordBatch
    contest: Candidates
    choice: Selection
    decision: ForecastWriter

    def names(self, index: IntArray) -> _Columns:
        """Item and location of the series at ``index``."""
        return {name: self.fits.column(name).take(pa.array(index)) for name in SERIES}

    @cached_property
    def closed(self) -> BoolArray:
        """Closed steps, shape (n, horizon)."""
        found: BoolArray = matrix(self.fits.column("closed_ahead"), self.decision.span.horizon)
        return found

    @cached_property
    def cold(self) -> ColdStart:
        """The series whose demand follows from the launch law."""
        return cold_start(self.decision.launch, self.fits, self.contest, self.choice, self.closed)

    @property
    def spread_factor(self) -> FloatArray:
        """By what the pooled errors of every series are multiplied, shape (n,); a cold start has a law of its own."""
        factor: FloatArray = pc.fill_null(self.fits.column("spread_factor"), 1.0).to_numpy(zero_copy_only=False).copy()
        factor[self.cold.rows] = 1.0
        return factor

    @property
    def method(self) -> pa.Array:
        """Method of every series."""
        return pa.array(self.with_cold(self.choice.method, [COLD_START] * self.cold.rows.size), pa.string())

    def with_cold(self, values: Sequence[str], own: Sequence[str]) -> list[str]:
        """One text per series, with their own for the series that start cold."""
        replaced = np.array(values, dtype=object)
        replaced[self.cold.rows] = own
        texts: list[str] = replaced.tolist()
        return texts


_Columns = dict[str, "pa.Array | str | date"]
_Maker = Callable[[_Chosen], tuple[_Columns, int]]


def _mapped(
    decision: ForecastWriter, make: _Maker, schema: pa.Schema
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def write(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            contest = decision.layout.contest(batch)
            choice = choose(contest, decision.law, decision.criterion)
            columns, n_rows = make(_Chosen(batch, contest, choice, decision))
            columns |= {"cutoff": decision.span.cutoff, "run_id": decision.run_id}
            yield from table(columns, schema, n_rows).to_batches()

    return write


def _status_rows(chosen: _Chosen) -> tuple[_Columns, int]:
    fits, choice = chosen.fits, chosen.choice
    found = verdicts(chosen.contest, choice, chosen.decision.criterion)
    columns: _Columns = {name: fits.column(name) for name in SERIES_STATUS.names if name in fits.schema.names}
    columns["method"] = chosen.method
    columns["status"] = pa.array(
        chosen.with_cold([str(status) for status, _ in found], [str(Status.COLD_START)] * chosen.cold.rows.size)
    )
    columns["reason"] = pa.array(chosen.with_cold(reasons(fits, choice, found), chosen.cold.reasons))
    since = fits.column("kept_since")
    columns["kept_since"] = pc.if_else(pa.array(choice.is_kept), since, pa.scalar(None, since.type))
    columns["spread_factor"] = pa.array(chosen.spread_factor)
    columns["parameters"] = own_parameters(fits.column("parameters"), choice, chosen.contest)
    return columns, fits.num_rows


def _backtest_rows(chosen: _Chosen) -> tuple[_Columns, int]:
    trials, span = chosen.contest.trials, chosen.decision.span
    series, origin, method = np.nonzero((trials.origin >= 0)[:, :, None] & trials.is_tried[:, None, :])
    errors = trials.scored_errors()[series, origin, method]
    champion: BoolArray = method == chosen.choice.column[series]
    known, place = np.unique(trials.origin[series, origin], return_inverse=True)
    last_seen = days([add_periods(span.first, each - 1, span.frequency) for each in known.tolist()])
    columns = {
        **chosen.names(series),
        "demand_class": chosen.fits.column("demand_class").take(pa.array(series)),
        "method": names_at(trials.names, method),
        "origin": last_seen.take(pa.array(place)),
        "is_champion": pa.array(champion),
        "n_scored": pa.array(trials.is_scored.sum(axis=2)[series, origin]),
        "sum_squared_error": pa.array((errors**2).sum(axis=1)),
        "sum_absolute_error": pa.array(np.abs(errors).sum(axis=1)),
        "sum_error": pa.array(errors.sum(axis=1)),
        "naive_squared_error": pa.array(trials.naive_mean_square[series, origin]),
        "scale": numbers(np.where(champion, trials.scale[series, origin], np.nan)),
        "forecasts": lists(trials.forecasts[series, origin, method], champion),
        "actuals": lists(trials.actuals[series, origin], champion),
    }
    return columns, series.size


def _accuracy_rows(chosen: _Chosen) -> tuple[_Columns, int]:
    trials, champion = chosen.contest.trials, chosen.choice.column
    everyone = range(len(trials.names)) if chosen.decision.accuracy_of_all else ()
    columns = [champion, *(np.full_like(champion, place) for place in everyone)]
    parts = [_accuracy_of(chosen, column, column != champion if nth else None) for nth, column in enumerate(columns)]
    rows = pa.concat_tables(parts)
    return {name: rows[name].combine_chunks() for name in rows.column_names}, rows.num_rows


def _accuracy_of(chosen: _Chosen, column: IntArray, wanted: BoolArray | None) -> pa.Table:
    """Measures of one candidate of each series, of those series that are wanted and tried it."""
    trials = chosen.contest.trials
    span, measures = accuracy(chosen.contest, column, chosen.decision.law)
    is_tried = trials.is_tried[np.arange(column.size), column]
    series = np.flatnonzero(is_tried if wanted is None else is_tried & wanted)
    return pa.concat_tables([_measured(chosen, measure, column, span, series) for measure in measures])


def _measured(chosen: _Chosen, measure: Measure, column: IntArray, span: IntArray, series: IntArray) -> pa.Table:
    is_sum = measure.basis is Basis.PROTECTION_PERIOD
    columns = {
        **chosen.names(series),
        "demand_class": chosen.fits.column("demand_class").take(pa.array(series)),
        "method": names_at(chosen.contest.trials.names, column[series]),
        "is_champion": pa.array((column == chosen.choice.column)[series]),
        "basis": pa.repeat(str(measure.basis), series.size),
        "span": pa.array((span if is_sum else np.ones_like(span))[series].astype(np.int32)),
        "metric": pa.repeat(measure.metric, series.size),
        "quantile_level": pa.array(np.full(series.size, measure.level)),
        "numerator": pa.array(measure.numerator[series]),
        "denominator": pa.array(measure.denominator[series]),
    }
    return pa.table(columns)


def _forecast_rows(chosen: _Chosen) -> tuple[_Columns, int]:
    fits, law, span, column = chosen.fits, chosen.decision.law, chosen.decision.span, chosen.choice.column
    n_series, horizon, rows = fits.num_rows, span.horizon, np.arange(fits.num_rows)
    mean, cold = chosen.contest.mean[rows, column], chosen.cold
    own, is_count = (chosen.contest.group, column), chosen.contest.is_count
    phi = law.dispersion(chosen.contest.dispersion, chosen.contest.group, is_count) * chosen.spread_factor**2
    quantiles, (sums, spread) = _steps_and_sums(law, mean, phi, own, is_count)
    rungs = law.rungs[own]
    mean[cold.rows], spread[cold.rows] = cold.mean, cold.cumulative_sd
    quantiles[cold.rows], sums[cold.rows] = cold.quantiles(law.levels)
    rungs[cold.rows] = np.array(cold.rungs, dtype=object)[:, None]
    series, step = np.repeat(rows, horizon), np.tile(np.arange(horizon), n_series)
    starts = days([add_periods(span.cutoff, ahead, span.frequency) for ahead in range(1, horizon + 1)])
    columns = {
        **chosen.names(series),
        "method": chosen.method.take(pa.array(series)),
        "step": pa.array(step + 1),
        "period_start": starts.take(pa.array(step)),
        "quantile_levels": lists(np.tile(law.levels, (series.size, 1))),
        "mean": pa.array(mean.ravel()),
        "quantiles": lists(quantiles.reshape(series.size, -1)),
        "cumulative_mean": pa.array(np.cumsum(mean, axis=1).ravel()),
        "cumulative_sd": pa.array(spread.ravel()),
        "cumulative_quantiles": lists(sums.reshape(series.size, -1)),
        "spread_rung": pa.array(rungs.ravel()),
    }
    return columns, series.size


def _steps_and_sums(
    law: PredictiveDistribution, mean: FloatArray, phi: FloatArray, own: tuple[IntArray, IntArray], is_count: BoolArray
) -> tuple[FloatArray, tuple[FloatArray, FloatArray]]:
    """Quantiles of single steps; quantiles and standard deviation of sums over steps 1 to h."""
    scores, (n, horizon) = law.scores[own], mean.shape
    first = np.repeat(scores[:, :1], horizon, axis=0).reshape(n * horizon, 1, -1)
    steps, _ = law.predicted(mean.reshape(-1, 1), np.repeat(phi, horizon), np.repeat(is_count, horizon), first)
    return steps.reshape(n, horizon, -1), law.predicted(np.cumsum(mean, axis=1), phi, is_count, scores)


def _component_rows(chosen: _Chosen) -> tuple[_Columns, int]:
    layout, found = chosen.decision.layout, chosen.fits.column("components")
    horizon, row = layout.horizon, entries_of(found)
    values = own_components(layout.of_candidates(found.items), row, choice=chosen.choice, contest=chosen.contest)
    is_level = pc.equal(found.keys, "level").to_numpy(zero_copy_only=False)
    place = np.full(chosen.fits.num_rows, -1)
    place[chosen.cold.rows] = np.arange(chosen.cold.rows.size)
    own = place[row]
    values[own >= 0] = np.where(is_level[own >= 0, None], chosen.cold.mean[own[own >= 0]], 0.0)
    entry = np.repeat(np.flatnonzero(values.any(axis=1) | is_level), horizon)
    columns = {
        **chosen.names(row[entry]),
        "method": chosen.method.take(pa.array(row[entry])),
        "component": found.keys.take(pa.array(entry)),
        "step": pa.array(np.tile(np.arange(horizon), entry.size // horizon) + 1),
        "value": pa.array(values[entry[::horizon]].ravel()),
    }
    return columns, entry.size


_MAKERS: dict[str, _Maker] = {
    SERIES_STATUS.name: _status_rows,
    BACKTEST.name: _backtest_rows,
    FORECAST.name: _forecast_rows,
    FORECAST_ACCURACY.name: _accuracy_rows,
    FORECAST_COMPONENT.name: _component_rows,
}
