"""Stored forecasts beside the demand that came after them: one row per series, lists over cutoffs and periods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from skucast.forecasting.monitoring.realised import Past, Windows
from skucast.forecasting.panel.panel import FloatArray, IntArray
from skucast.periods import Frequency, add_periods, periods_between
from skucast.spark.arrow_columns import entries_of_lists
from skucast.spark.series import SERIES


@dataclass(frozen=True)
class Cutoffs:
    """The cutoffs that are reviewed, and what all their forecasts share.

    Attributes:
        days: rising; not empty.
        last: cutoff of the review: the last period whose demand is known.
        frequency: length of a period.
        levels: of the quantiles; forecasts with others are left out.
        default_span: protection period of a series without a row of terms.
    """

    days: tuple[date, ...]
    last: date
    frequency: Frequency
    levels: tuple[float, ...]
    default_span: int

    @property
    def starts(self) -> IntArray:
        """First period after each cutoff, counted from the first one's, shape (w,)."""
        return np.array([periods_between(self.days[0], day, self.frequency) for day in self.days])

    @property
    def n_periods(self) -> int:
        """Periods from the first cutoff on whose demand is known."""
        return periods_between(self.days[0], self.last, self.frequency)

    @property
    def following(self) -> list[int]:
        """Periods from each cutoff to the next one, from the last one to that of the review."""
        later = (*self.days[1:], self.last)
        return [periods_between(day, after, self.frequency) for day, after in zip(self.days, later, strict=True)]


def past_forecasts(
    forecast: DataFrame,
    series_status: DataFrame,
    policy: DataFrame,
    demand: DataFrame,
    spans: DataFrame,
    cutoffs: Cutoffs,
) -> DataFrame:
    """One row per series with demand and forecasts: ``windows`` in the order of time, ``periods`` with demand.

    The protection period is that of the policy at the time, or else the present one.

    Args:
        forecast: rows of that table.
        series_status: rows of that table.
        policy: rows of that table.
        demand: rows of table ``demand`` as known at the review.
        spans: ``evaluation_span`` of each series.
        cutoffs: which forecasts.
    """
    promised = _promised(series_status, policy, spans, cutoffs)
    levels = F.array(*(F.lit(level) for level in cutoffs.levels))
    laws = forecast.where(F.col("quantile_levels") == levels).select(
        *SERIES, "cutoff", "step", "cumulative_mean", "cumulative_sd", "cumulative_quantiles"
    )
    window = F.struct(
        "place", "step", (F.col("step") == F.col("following")).alias("is_following"),
        (F.col("step") == F.col("span")).alias("is_protection"), "cumulative_mean", "cumulative_sd",
        "spread_factor", "reorder_point", "cycle_service_level", "cumulative_quantiles",
    )  # fmt: skip
    windows = promised.join(laws, [*SERIES, "cutoff", "step"]).groupBy(*SERIES).agg(
        F.array_sort(F.collect_list(window)).alias("windows"),
        F.max_by("demand_class", "cutoff").alias("demand_class"),
        F.max_by("method", "cutoff").alias("method"),
    )  # fmt: skip
    return windows.join(_periods(demand, cutoffs), [*SERIES])


def _promised(series_status: DataFrame, policy: DataFrame, spans: DataFrame, cutoffs: Cutoffs) -> DataFrame:
    """One row per series, cutoff and ``step`` whose sum is compared."""
    days, frequency = list(cutoffs.days), cutoffs.frequency
    # place → periods to the next cutoff
    place = F.array_position(F.array(*(F.lit(day) for day in days)), F.col("cutoff")).cast("int") - 1
    following = F.get(F.array(*(F.lit(each) for each in cutoffs.following)), F.col("place"))
    terms = policy.select(
        *SERIES, F.date_sub("decision_date", frequency.days).alias("cutoff"), "protection_period", "reorder_point",
        "cycle_service_level",
    )  # fmt: skip
    said = series_status.where(F.col("cutoff").isin(days)).select(
        *SERIES, "cutoff", "demand_class", "method", "spread_factor", place.alias("place")
    )
    span = F.coalesce("protection_period", "evaluation_span", F.lit(cutoffs.default_span)).alias("span")
    every = said.join(terms, [*SERIES, "cutoff"], "left").join(spans, [*SERIES], "left")
    return every.select("*", span, following.alias("following")).select(
        "*", F.explode(F.array_distinct(F.array("span", "following"))).alias("step")
    )


def _periods(demand: DataFrame, cutoffs: Cutoffs) -> DataFrame:
    """Of each series ``periods`` after the first cutoff: ``t``, units sold or wanted, whether that is all."""
    t = F.expr("datediff(period_start, first)") / cutoffs.frequency.days - 1
    is_unknown = F.col("demand").isNull() & ~F.col("is_closed")
    amount = F.when(is_unknown, F.col("sales")).otherwise(F.coalesce("demand", F.lit(0.0)))
    begin = add_periods(cutoffs.days[0], 1, cutoffs.frequency)
    rows = demand.where((F.col("period_start") >= F.lit(begin)) & (F.col("period_start") <= F.lit(cutoffs.last)))
    period = F.struct(t.cast("int").alias("t"), amount.alias("amount"), is_unknown.alias("is_unknown"))
    placed = rows.withColumn("first", F.lit(cutoffs.days[0])).select(*SERIES, period.alias("period"))
    return placed.groupBy(*SERIES).agg(F.array_sort(F.collect_list("period")).alias("periods"))


def past_of(rows: pa.RecordBatch, cutoffs: Cutoffs) -> Past:
    """The rows of ``past_forecasts`` as arrays."""
    shape = (rows.num_rows, len(cutoffs.days))
    column = rows.column("windows")
    series, found = entries_of_lists(column), column.flatten()
    place, step = (found.field(name).to_numpy() for name in ("place", "step"))
    sums = _sums(rows.column("periods"), cutoffs.n_periods)
    kinds = []
    for name in ("is_protection", "is_following"):
        own = np.flatnonzero(found.field(name).to_numpy(zero_copy_only=False))
        at, values = (series[own], place[own]), found.take(pa.array(own))
        length = np.zeros(shape, dtype=np.int64)
        length[at] = step[own]
        windows = _windows(at, values, length, cutoffs)
        kinds.append((at, values, _realised(windows, sums)))
    (at, values, protection), (_, _, following) = kinds
    terms = (
        _filled(at, values.field(name), shape) for name in ("spread_factor", "reorder_point", "cycle_service_level")
    )
    factor, reorder_point, level = terms
    return Past(protection, following, np.nan_to_num(factor, nan=1.0), reorder_point, level)


def _windows(at: tuple[IntArray, IntArray], values: pa.StructArray, length: IntArray, cutoffs: Cutoffs) -> Windows:
    """The promises; of demand nothing yet."""
    levels, shape = np.array(cutoffs.levels), length.shape
    quantiles = np.full((*shape, levels.size), np.nan)
    flat = values.field("cumulative_quantiles").flatten().to_numpy(zero_copy_only=False)
    quantiles[at] = flat.reshape(-1, levels.size)
    mean, sd = (_filled(at, values.field(name), shape) for name in ("cumulative_mean", "cumulative_sd"))
    nothing = np.full(shape, np.nan)
    return Windows(levels, cutoffs.starts, length, nothing, np.zeros(shape, dtype=bool), mean, sd, quantiles)


def _filled(at: tuple[IntArray, IntArray], values: pa.Array, shape: tuple[int, int]) -> FloatArray:
    filled: FloatArray = np.full(shape, np.nan)
    filled[at] = values.to_numpy(zero_copy_only=False)
    return filled


def _sums(column: pa.ListArray, n_periods: int) -> tuple[FloatArray, IntArray, IntArray]:
    """Units, periods with a row and periods not known in full, each summed up to each period, (n, n_periods + 1)."""
    series, found = entries_of_lists(column), column.flatten()
    t = found.field("t").to_numpy()
    values = {"amount": np.zeros((len(column), n_periods + 1)), "there": np.zeros((len(column), n_periods + 1))}
    unknown = np.zeros((len(column), n_periods + 1))
    values["amount"][series, t + 1] = found.field("amount").to_numpy()
    values["there"][series, t + 1] = 1
    unknown[series, t + 1] = found.field("is_unknown").to_numpy(zero_copy_only=False)
    amount, there, hidden = (np.cumsum(each, axis=1) for each in (*values.values(), unknown))
    return amount, there.astype(np.int64), hidden.astype(np.int64)


def _realised(windows: Windows, sums: tuple[FloatArray, IntArray, IntArray]) -> Windows:
    """With the demand of the windows that have ended and have a row for every period."""
    last = sums[0].shape[1] - 1
    begin = np.broadcast_to(windows.start, windows.length.shape)
    end = begin + windows.length
    rows = np.arange(end.shape[0])[:, None]
    amount, there, hidden = (each[rows, np.minimum(end, last)] - each[rows, begin] for each in sums)
    complete = (windows.length > 0) & (end <= last) & (there == windows.length)
    return replace(windows, demand=np.where(complete, amount, np.nan), is_known=complete & (hidden == 0))


def reviewed_cutoffs(found: Sequence[date], last: date, window_days: int) -> tuple[date, ...]:
    """Of the cutoffs that there are those before the last one by no more than the window, rising."""
    return tuple(sorted(day for day in found if 0 < (last - day).days <= window_days))
