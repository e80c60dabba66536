"""Demand rows → the long panel that the forecast's one shuffle carries, and from there to arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray, Panel
from skucast.spark.series import SERIES
from skucast.stages.forecast.covariates.drivers import NOTHING, Catalogue, ItemPrice
from skucast.stages.forecast.panel.facts import facts_of
from skucast.stages.forecast.span import Span


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
``evaluation_span`` and, where its history is short, its ``prior_log_mean`` and ``prior_series`` (with its
``prior_category``): no join carries them."""
TENURE = -5
"""That of the row of a reviewed series, whose ``demand`` is its ``spread_factor`` and which has more columns."""
TENURE_COLUMNS = ("due", "kept_method", "kept_since")


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
        series: one row per series: ``revenue_share_before``, ``evaluation_span``, ``prior_log_mean``, ``prior_series``
            and ``prior_category``. A series without history has a horizon only. Where forecasts were reviewed, also
            what ``tenure`` says of it.
        span: the shared calendar.
        n_buckets: partitions of the one shuffle.
        facts: events and drivers of each location and period, as ``drivers.coded`` makes them; None: no column.
        list_prices: as ``drivers.list_prices`` makes them; None: prices are no driver.

    Returns:
        One row per series and period, history and horizon, and headers per series: ``bucket``, the series key, ``t``
        (period index), ``demand``, ``lower_bound`` and ``exposure`` where stock ran out, ``is_closed``; with ``facts``
        and with ``price`` (as sold) and ``list_price`` where asked for, an entry of the price list being a row of its
        own. There are exactly ``n_buckets`` partitions: adaptive execution does not coalesce an explicit placement.
    """
    ahead, no_demand = F.col("period_start") > F.lit(span.cutoff), F.lit(None).cast("double").alias("demand")
    t = (F.datediff("period_start", F.lit(span.first)) / span.frequency.days).cast("int").alias("t")
    ran_out = F.col("is_censored")
    sold, share = F.when(ran_out, F.col("sales")), F.when(ran_out, F.col("in_stock_share"))
    horizon = series.select(*SERIES).join(F.broadcast(calendar), "location_id").where(ahead)
    price = [] if list_prices is None else [F.col("unit_price").alias("price")]
    rows = demand.select(
        *SERIES, t, "demand", "is_closed", sold.alias("lower_bound"), share.alias("exposure"), *price
    ).unionByName(horizon.select(*SERIES, t, no_demand, "is_closed"), allowMissingColumns=True)
    if facts is not None:
        rows = rows.join(F.broadcast(facts), ["location_id", "t"], "left")
    headers = series.selectExpr(
        *SERIES,
        f"stack(4, {SHARE}, revenue_share_before, {EVALUATION_SPAN}, double(evaluation_span), "
        f"{PRIOR_LOG_MEAN}, prior_log_mean, {PRIOR_SERIES}, prior_series) AS (t, demand)",
        "false AS is_closed",
        f"IF(t = {PRIOR_SERIES}, prior_category, NULL) AS prior_category",
        f"IF(t = {SHARE}, {'category' if 'category' in series.columns else 'NULL'}, NULL) AS category",
    ).where("demand IS NOT NULL")
    rows = rows.unionByName(headers, allowMissingColumns=True)
    if "spread_factor" in series.columns:
        said = (f"{TENURE} AS t", "spread_factor AS demand", "false AS is_closed", *TENURE_COLUMNS)
        reviewed = series.where("spread_factor IS NOT NULL").selectExpr(*SERIES, *said)
        rows = rows.unionByName(reviewed, allowMissingColumns=True)
    if list_prices is not None:
        entries = series.select(*SERIES).join(list_prices, "item_id").withColumn("is_closed", F.lit(False))
        rows = rows.unionByName(entries, allowMissingColumns=True)
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
        prior_log_mean: log units per period expected of a series with a short history, NaN for others, same shape.
        prior_series: series that inform it, 0 for others, same shape.
        prior_category: category that it is of; None for all categories together.
        categories: category of each series; None for none.
        tenure: ``spread_factor`` and ``TENURE_COLUMNS`` of each series, null for those not reviewed; empty: none was.
    """

    items: list[str]
    locations: list[str]
    panel: Panel
    revenue_share_before: FloatArray
    evaluation_span: IntArray
    prior_log_mean: FloatArray
    prior_series: IntArray
    prior_category: list[str | None]
    categories: list[str | None]
    tenure: dict[str, pa.Array] = field(default_factory=dict)


def as_bucket(rows: pa.Table, span: Span, catalogue: Catalogue = NOTHING) -> Bucket:
    """Pivot long rows into a panel, as known at its end; independent of the order of the rows."""
    items, locations, codes = _series_codes(rows)
    t = rows["t"].to_numpy()
    n_series, width = len(items), span.n_periods + span.horizon
    is_period = t >= 0
    if catalogue.item_price is not ItemPrice.NONE:
        is_period &= rows["list_price"].is_null().to_numpy()
    own, period = codes[is_period], t[is_period]
    filled = {name: np.full((n_series, width), np.nan) for name in ("demand", "lower_bound", "exposure")}
    for name, cells in filled.items():
        cells[own, period] = rows[name].to_numpy()[is_period]
    demand, lower_bound, exposure = (cells[:, : span.n_periods] for cells in filled.values())
    is_closed = np.zeros((n_series, width), dtype=bool)
    is_closed[own, period] = rows["is_closed"].to_numpy()[is_period]
    ran_out = bool(np.isfinite(lower_bound).any())
    start = np.full(n_series, span.n_periods)
    np.minimum.at(start, own, period)
    facts = facts_of(rows, codes, n_series, span.n_periods, span.horizon, catalogue)
    panel = Panel(
        demand=demand,
        is_closed=is_closed,
        start=start,
        first_day=span.first,
        period_days=span.frequency.days,
        season_length=span.frequency.season_length,
        longer_seasons=span.frequency.longer_seasons,
        horizon=span.horizon,
        lower_bound=lower_bound if ran_out else None,
        exposure=exposure if ran_out else None,
        events=facts.events,
        known_from=facts.known_from,
        records=facts.records,
    ).until(span.n_periods)
    return Bucket(items, locations, panel, *_headers(rows, codes, span), _tenure(rows, codes, n_series))


def _headers(
    rows: pa.Table, codes: IntArray, span: Span
) -> tuple[FloatArray, IntArray, FloatArray, IntArray, list[str | None], list[str | None]]:
    """What header rows carry of each series, in the order of ``Bucket``."""
    t, values, n_series = rows["t"].to_numpy(), rows["demand"].to_numpy(), int(codes.max(initial=-1)) + 1
    defaults = {SHARE: 0.0, EVALUATION_SPAN: float(span.horizon), PRIOR_LOG_MEAN: np.nan, PRIOR_SERIES: 0.0}
    found = {index: np.full(n_series, default) for index, default in defaults.items()}
    for index, filled in found.items():
        filled[codes[t == index]] = values[t == index]
    spans, series = (found[index].astype(np.int64) for index in (EVALUATION_SPAN, PRIOR_SERIES))
    of_prior = _texts(rows["prior_category"], t == PRIOR_SERIES, codes, n_series)
    return (
        found[SHARE],
        spans,
        found[PRIOR_LOG_MEAN],
        series,
        of_prior,
        _texts(rows["category"], t == SHARE, codes, n_series),
    )


def _texts(column: pa.ChunkedArray, is_header: BoolArray, codes: IntArray, n_series: int) -> list[str | None]:
    """Text of each series in its header rows; None without one, or without a word."""
    found: list[str | None] = [None] * n_series
    for code, text in zip(codes[is_header].tolist(), column.filter(pa.array(is_header)).to_pylist(), strict=True):
        found[code] = text or None
    return found


def _tenure(rows: pa.Table, codes: IntArray, n_series: int) -> dict[str, pa.Array]:
    """What the reviewed series' own rows carry, null for the others; empty without any."""
    if TENURE_COLUMNS[0] not in rows.column_names:
        return {}
    own = np.flatnonzero(rows["t"].to_numpy() == TENURE)
    place = np.full(n_series, -1)
    place[codes[own]] = own
    index = pa.array(place, mask=place < 0)
    named = {"spread_factor": "demand", **{name: name for name in TENURE_COLUMNS}}
    return {name: rows[column].combine_chunks().take(index) for name, column in named.items()}


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
