"""Demand rows → the long panel that the forecast's one shuffle carries, and from there to arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from skucast.forecasting.panel import BoolArray, FloatArray, IntArray, Panel
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


def revenue_shares(demand: DataFrame, also: Sequence[Column] = ()) -> DataFrame:
    """Series ordered by revenue (units where no price is known).

    Args:
        demand: rows of table ``demand``.
        also: named aggregates over the rows of a series to be taken in the same pass.

    Returns:
        One row per series: ``start`` (first period), ``revenue_share_before``, the share of all revenue made by
        the series that earn more, ties by name; and what was asked for.
    """
    revenue = F.sum(F.col("sales") * F.coalesce("unit_price", F.lit(1.0)))
    series = demand.groupBy(*SERIES).agg(F.min("period_start").alias("start"), revenue.alias("revenue"), *also)
    ranked = Window.orderBy(F.desc("revenue"), *SERIES).rowsBetween(Window.unboundedPreceding, -1)
    whole = Window.partitionBy()
    before = F.coalesce(F.sum("revenue").over(ranked), F.lit(0.0))
    share = F.coalesce(F.try_divide(before, F.sum("revenue").over(whole)), F.lit(0.0))
    kept = [name for name in series.columns if name not in (*SERIES, "start", "revenue")]
    return series.select(*SERIES, "start", share.alias("revenue_share_before"), *kept)


SHARE, EVALUATION_SPAN, PRIOR_LOG_MEAN, PRIOR_SERIES = -1, -2, -3, -4
"""Period indices of the header rows of a series, whose ``demand`` is its ``revenue_share_before``, its
``evaluation_span`` and, where its history is short, its ``prior_log_mean`` and ``prior_series`` (with the
``prior_category`` in ``events``): no join carries them."""


def long_panel(demand: DataFrame, calendar: DataFrame, series: DataFrame, span: Span, n_buckets: int) -> DataFrame:
    """History and the known calendar of the horizon, placed in buckets by one shuffle.

    Args:
        demand: rows of table ``demand`` up to the cutoff.
        calendar: the calendar of each location over the whole span.
        series: one row per series: ``revenue_share_before``, ``evaluation_span``, ``prior_log_mean``, ``prior_series``
            and ``prior_category``. A series without history has a horizon only.
        span: the shared calendar.
        n_buckets: partitions of the one shuffle.

    Returns:
        One row per series and period, history and horizon, and headers per series: ``bucket``, the series key, ``t``
        (period index), ``demand``, ``lower_bound`` and ``exposure`` where stock ran out, ``is_closed``, ``events``.
        There are exactly ``n_buckets`` partitions: adaptive execution does not coalesce an explicit placement.
    """
    ahead, no_demand = F.col("period_start") > F.lit(span.cutoff), F.lit(None).cast("double").alias("demand")
    t = (F.datediff("period_start", F.lit(span.first)) / span.frequency.days).cast("int").alias("t")
    ran_out = F.col("is_censored")
    sold, share = F.when(ran_out, F.col("sales")), F.when(ran_out, F.col("in_stock_share"))
    horizon = series.select(*SERIES).join(F.broadcast(calendar), "location_id").where(ahead).select(
        *SERIES, t, no_demand, "is_closed", "events"
    )  # fmt: skip
    events = F.broadcast(calendar.select("location_id", "period_start", "events"))
    history = demand.join(events, ["location_id", "period_start"], "left").select(
        *SERIES, t, "demand", sold.alias("lower_bound"), share.alias("exposure"), "is_closed", "events"
    )
    headers = series.selectExpr(
        *SERIES,
        f"stack(4, {SHARE}, revenue_share_before, {EVALUATION_SPAN}, double(evaluation_span), "
        f"{PRIOR_LOG_MEAN}, prior_log_mean, {PRIOR_SERIES}, prior_series) AS (t, demand)",
        "false AS is_closed",
        f"IF(t = {PRIOR_SERIES}, array(prior_category), NULL) AS events",
    ).where("demand IS NOT NULL")
    bucket = F.pmod(F.xxhash64(*SERIES), F.lit(n_buckets)).cast("int").alias("bucket")
    rows = history.unionByName(horizon, allowMissingColumns=True).unionByName(headers, allowMissingColumns=True)
    return rows.select(bucket, "*").repartitionById(n_buckets, F.col("bucket"))


@dataclass(frozen=True)
class Bucket:
    """The series of one bucket as arrays, ordered by key.

    Attributes:
        items: item of each series.
        locations: location of each series.
        panel: their histories.
        revenue_share_before: shape (n_series,).
        evaluation_span: steps whose sum the inventory needs, shape (n_series,).
        prior_log_mean: log units per period expected of a series with a short history, NaN for others, same shape.
        prior_series: series that inform it, 0 for others, same shape.
        prior_category: category that it is of; None for all categories together.
    """

    items: list[str]
    locations: list[str]
    panel: Panel
    revenue_share_before: FloatArray
    evaluation_span: IntArray
    prior_log_mean: FloatArray
    prior_series: IntArray
    prior_category: list[str | None]


def as_bucket(rows: pa.Table, span: Span) -> Bucket:
    """Pivot long rows into a panel; independent of the order of the rows."""
    items, locations, codes = _series_codes(rows)
    t, values = rows["t"].to_numpy(), rows["demand"].to_numpy()
    is_header, n_series, width = t < 0, len(items), span.n_periods + span.horizon
    headers = {SHARE: 0.0, EVALUATION_SPAN: float(span.horizon), PRIOR_LOG_MEAN: np.nan, PRIOR_SERIES: 0.0}
    header = {index: np.full(n_series, default) for index, default in headers.items()}
    for index, filled in header.items():
        filled[codes[t == index]] = values[t == index]
    categories = _categories(rows["events"].filter(pa.array(t == PRIOR_SERIES)), codes[t == PRIOR_SERIES], n_series)
    codes, t, values = codes[~is_header], t[~is_header], values[~is_header]
    demand, is_closed = np.full((n_series, width), np.nan), np.zeros((n_series, width), dtype=bool)
    demand[codes, t], is_closed[codes, t] = values, rows["is_closed"].to_numpy()[~is_header]
    past = {name: np.full((n_series, width), np.nan) for name in ("lower_bound", "exposure")}
    for name, cells in past.items():
        cells[codes, t] = rows[name].to_numpy()[~is_header]
    ran_out = bool(np.isfinite(past["lower_bound"]).any())
    start = np.full(n_series, span.n_periods)
    np.minimum.at(start, codes, t)
    panel = Panel(
        demand=demand[:, : span.n_periods],
        is_closed=is_closed,
        start=start,
        first_day=span.first,
        period_days=span.frequency.days,
        season_length=span.frequency.season_length,
        longer_seasons=span.frequency.longer_seasons,
        horizon=span.horizon,
        events=_event_flags(rows["events"].filter(pa.array(~is_header)), codes, t, (n_series, width)),
        lower_bound=past["lower_bound"][:, : span.n_periods] if ran_out else None,
        exposure=past["exposure"][:, : span.n_periods] if ran_out else None,
    )
    whole = {index: header[index].astype(np.int64) for index in (EVALUATION_SPAN, PRIOR_SERIES)}
    return Bucket(
        items,
        locations,
        panel,
        header[SHARE],
        whole[EVALUATION_SPAN],
        header[PRIOR_LOG_MEAN],
        whole[PRIOR_SERIES],
        categories,
    )


def _categories(events: pa.ChunkedArray, codes: IntArray, n_series: int) -> list[str | None]:
    """Prior category of each series, from the header rows that carry it."""
    found: list[str | None] = [None] * n_series
    for code, names in zip(codes.tolist(), events.to_pylist(), strict=True):
        found[code] = names[0] if names else None
    return found


def _series_codes(rows: pa.Table) -> tuple[list[str], list[str], IntArray]:
    """Items and locations of the series in their order, and the series of each row."""
    coded = [rows[name].combine_chunks().dictionary_encode() for name in SERIES]
    items, locations = (column.dictionary.to_pylist() for column in coded)
    pairs = coded[0].indices.to_numpy().astype(np.int64) * len(locations) + coded[1].indices.to_numpy()
    found, position = np.unique(pairs, return_inverse=True)
    names = [(items[pair // len(locations)], locations[pair % len(locations)]) for pair in found.tolist()]
    order = sorted(range(len(names)), key=names.__getitem__)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return [names[each][0] for each in order], [names[each][1] for each in order], rank[position]


def _event_flags(events: pa.ChunkedArray, codes: IntArray, t: IntArray, shape: tuple[int, int]) -> dict[str, BoolArray]:
    """Event name -> the periods in which it falls."""
    lists = events.combine_chunks()
    rows, names = pc.list_parent_indices(lists).to_numpy(), pc.list_flatten(lists).dictionary_encode()
    flags: dict[str, BoolArray] = {}
    for code, name in sorted(enumerate(names.dictionary.to_pylist()), key=lambda pair: pair[1]):
        flags[name] = np.zeros(shape, dtype=bool)
        own = rows[names.indices.to_numpy() == code]
        flags[name][codes[own], t[own]] = True
    return flags
