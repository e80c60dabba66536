"""Demand rows → the long panel that the forecast's one shuffle carries, and from there to arrays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from skucast.forecasting.panel import FloatArray, IntArray, Panel
from skucast.periods import Frequency, add_periods, periods_between
from skucast.transforms.drivers import NOTHING, Catalogue, ItemPrice
from skucast.transforms.facts import facts_of

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


SHARE, EVALUATION_SPAN = -1, -2
"""Period indices of the two header rows of a series, whose ``demand`` is its ``revenue_share_before`` and its
``evaluation_span``: no join carries them."""


def long_panel(
    demand: DataFrame,
    calendar: DataFrame,
    series: DataFrame,
    span: Span,
    n_buckets: int,
    *,
    facts: DataFrame | None = None,
    list_prices: DataFrame | None = None,
) -> DataFrame:
    """History and the known calendar of the horizon, placed in buckets by one shuffle.

    Args:
        demand: rows of table ``demand`` up to the cutoff.
        calendar: the calendar of each location over the whole span.
        series: one row per series: ``start``, ``revenue_share_before`` and ``evaluation_span``.
        span: the shared calendar.
        n_buckets: partitions of the one shuffle.
        facts: events and drivers of each location and period, as ``drivers.coded`` makes them; None: no column.
        list_prices: as ``drivers.list_prices`` makes them; None: prices are no driver.

    Returns:
        One row per series and period, history and horizon, and two headers per series: ``bucket``, the series key,
        ``t`` (period index), ``demand``, ``is_closed``; with ``facts`` and with ``price`` (as sold) and ``list_price``
        where asked for, an entry of the price list being a row of its own. There are exactly ``n_buckets`` partitions:
        adaptive execution does not coalesce an explicit placement.
    """
    ahead, no_demand = F.col("period_start") > F.lit(span.cutoff), F.lit(None).cast("double").alias("demand")
    t = (F.datediff("period_start", F.lit(span.first)) / span.frequency.days).cast("int").alias("t")
    horizon = series.select(*SERIES).join(F.broadcast(calendar), "location_id").where(ahead)
    has_price = list_prices is not None
    rows = demand.select(*SERIES, t, "demand", "is_closed", *(["unit_price"] if has_price else []))
    rows = rows.unionByName(horizon.select(*SERIES, t, no_demand, "is_closed"), allowMissingColumns=True)
    if facts is not None:
        rows = rows.join(F.broadcast(facts), ["location_id", "t"], "left")
    headers = series.selectExpr(
        *SERIES,
        f"stack(2, {SHARE}, revenue_share_before, {EVALUATION_SPAN}, double(evaluation_span)) AS (t, demand)",
        "false AS is_closed",
    )
    rows = rows.unionByName(headers, allowMissingColumns=True)
    if list_prices is not None:
        entries = series.select(*SERIES).join(list_prices, "item_id").withColumn("is_closed", F.lit(False))
        rows = rows.withColumnRenamed("unit_price", "price").unionByName(entries, allowMissingColumns=True)
    bucket = F.pmod(F.xxhash64(*SERIES), F.lit(n_buckets)).cast("int").alias("bucket")
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
    """

    items: list[str]
    locations: list[str]
    panel: Panel
    revenue_share_before: FloatArray
    evaluation_span: IntArray


def as_bucket(rows: pa.Table, span: Span, catalogue: Catalogue = NOTHING) -> Bucket:
    """Pivot long rows into a panel, as known at its end; independent of the order of the rows."""
    items, locations, codes = _series_codes(rows)
    t, values = rows["t"].to_numpy(), rows["demand"].to_numpy()
    n_series, width = len(items), span.n_periods + span.horizon
    is_period = t >= 0
    if catalogue.item_price is not ItemPrice.NONE:
        is_period &= rows["list_price"].is_null().to_numpy()
    share, evaluation_span = np.zeros(n_series), np.full(n_series, float(span.horizon))
    for index, filled in ((SHARE, share), (EVALUATION_SPAN, evaluation_span)):
        filled[codes[t == index]] = values[t == index]
    own, period = codes[is_period], t[is_period]
    demand, is_closed = np.full((n_series, width), np.nan), np.zeros((n_series, width), dtype=bool)
    demand[own, period], is_closed[own, period] = values[is_period], rows["is_closed"].to_numpy()[is_period]
    start = np.full(n_series, span.n_periods)
    np.minimum.at(start, own, period)
    facts = facts_of(rows, codes, n_series, span.n_periods, span.horizon, catalogue)
    panel = Panel(
        demand=demand[:, : span.n_periods],
        is_closed=is_closed,
        start=start,
        first_day=span.first,
        period_days=span.frequency.days,
        season_length=span.frequency.season_length,
        longer_seasons=span.frequency.longer_seasons,
        horizon=span.horizon,
        events=facts.events,
        known_from=facts.known_from,
        records=facts.records,
    ).until(span.n_periods)
    return Bucket(items, locations, panel, share, evaluation_span.astype(np.int64))


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
