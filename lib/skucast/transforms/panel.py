"""Demand rows → the long panel that the forecast's one shuffle carries, and from there to arrays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from skucast.forecasting.panel import BoolArray, FloatArray, Panel
from skucast.periods import Frequency, add_periods, periods_between

SERIES = ("item_id", "location_id")


@dataclass(frozen=True)
class Span:
    """The calendar that all series of a run share.

    Attributes:
        first: first day of period 0.
        cutoff: first day of the last period of history.
        horizon: periods to forecast. [H]
        frequency: length of a period.
    """

    first: date
    cutoff: date
    horizon: int
    frequency: Frequency

    @property
    def n_periods(self) -> int:
        """Periods of history."""
        return periods_between(self.first, self.cutoff, self.frequency) + 1

    @property
    def last(self) -> date:
        """First day of the last forecast period."""
        return add_periods(self.cutoff, self.horizon, self.frequency)


def revenue_shares(demand: DataFrame) -> DataFrame:
    """Series ordered by revenue (units where no price is known).

    Returns:
        One row per series: ``start`` (first period) and ``revenue_share_before``, the share of all revenue made by
        the series that earn more; ties by name.
    """
    revenue = F.sum(F.col("sales") * F.coalesce("unit_price", F.lit(1.0)))
    series = demand.groupBy(*SERIES).agg(F.min("period_start").alias("start"), revenue.alias("revenue"))
    ranked = Window.orderBy(F.desc("revenue"), *SERIES).rowsBetween(Window.unboundedPreceding, -1)
    whole = Window.partitionBy()
    before = F.coalesce(F.sum("revenue").over(ranked), F.lit(0.0))
    share = F.coalesce(F.try_divide(before, F.sum("revenue").over(whole)), F.lit(0.0))
    return series.select(*SERIES, "start", share.alias("revenue_share_before"))


def long_panel(demand: DataFrame, calendar: DataFrame, series: DataFrame, span: Span, n_buckets: int) -> DataFrame:
    """History and the known calendar of the horizon, placed in buckets by one shuffle.

    Args:
        demand: rows of table ``demand`` up to the cutoff.
        calendar: the calendar of each location over the whole span.
        series: one row per series, from ``revenue_shares``.
        span: the shared calendar.
        n_buckets: partitions of the one shuffle.

    Returns:
        One row per series and period, history and horizon: ``bucket``, the series key, ``t`` (period index),
        ``demand``, ``is_closed``, ``events``, ``revenue_share_before``. There are exactly ``n_buckets``
        partitions: adaptive execution does not coalesce an explicit placement.
    """
    ahead = F.col("period_start") > F.lit(span.cutoff)
    horizon = series.select(*SERIES).join(F.broadcast(calendar), "location_id").where(ahead).select(
        *SERIES, "period_start", F.lit(None).cast("double").alias("demand"), "is_closed", "events"
    )  # fmt: skip
    events = F.broadcast(calendar.select("location_id", "period_start", "events"))
    history = demand.join(events, ["location_id", "period_start"], "left").select(
        *SERIES, "period_start", "demand", "is_closed", "events"
    )
    t = (F.datediff("period_start", F.lit(span.first)) / span.frequency.days).cast("int")
    bucket = F.pmod(F.xxhash64(*SERIES), F.lit(n_buckets)).cast("int")
    shares = series.select(*SERIES, "revenue_share_before")
    rows = history.unionByName(horizon).join(shares, list(SERIES), "inner")
    placed = rows.select(
        bucket.alias("bucket"), *SERIES, t.alias("t"), "demand", "is_closed", "events", "revenue_share_before"
    )
    return placed.repartitionById(n_buckets, F.col("bucket"))


@dataclass(frozen=True)
class Bucket:
    """The series of one bucket as arrays, ordered by key.

    Attributes:
        keys: item and location of each series.
        panel: their histories.
        revenue_share_before: shape (n_series,).
    """

    keys: list[tuple[str, str]]
    panel: Panel
    revenue_share_before: FloatArray


def as_bucket(rows: pd.DataFrame, span: Span) -> Bucket:
    """Pivot long rows into a panel; independent of the order of the rows."""
    keys = rows[list(SERIES)].drop_duplicates().sort_values(list(SERIES)).reset_index(drop=True)
    codes = pd.MultiIndex.from_frame(keys).get_indexer(pd.MultiIndex.from_frame(rows[list(SERIES)]))
    t, n_series, width = rows["t"].to_numpy(), len(keys), span.n_periods + span.horizon
    demand, is_closed = np.full((n_series, width), np.nan), np.zeros((n_series, width), dtype=bool)
    demand[codes, t] = rows["demand"].to_numpy(dtype=float, na_value=np.nan)
    is_closed[codes, t] = rows["is_closed"].to_numpy(dtype=bool)
    start = np.full(n_series, span.n_periods)
    np.minimum.at(start, codes, t)
    share = np.zeros(n_series)
    share[codes] = rows["revenue_share_before"].to_numpy(dtype=float)
    panel = Panel(
        demand=demand[:, : span.n_periods],
        is_closed=is_closed,
        start=start,
        first_day=span.first,
        period_days=span.frequency.days,
        season_length=span.frequency.season_length,
        longer_seasons=span.frequency.longer_seasons,
        horizon=span.horizon,
        events=_event_flags(rows["events"], codes, t, (n_series, width)),
    )
    return Bucket(list(keys.itertuples(index=False, name=None)), panel, share)


def _event_flags(events: pd.Series, codes: np.ndarray, t: np.ndarray, shape: tuple[int, int]) -> dict[str, BoolArray]:
    flags: dict[str, BoolArray] = {}
    for code, period, names in zip(codes, t, events, strict=True):
        for name in () if names is None else names:
            flags.setdefault(name, np.zeros(shape, dtype=bool))[code, period] = True
    return dict(sorted(flags.items()))
