"""What all series say of those that have hardly sold yet: a prior per short series, by distributed aggregation.

The driver sees sums over all series only: two rows by kind of series, one row over categories, one row per bin of
deviations. Bins share a deviation between neighbours, so that no rounding of sums moves a whole series.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date

import numpy as np
from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from skucast.forecasting.cold_start.model import BIN, MAX_PERIODS, REACH, ColdStartModel
from skucast.forecasting.cold_start.prior import (
    FULL_WEIGHT,
    WINDOW,
    Deviations,
    Level,
    Scatter,
    VarianceSums,
    deviations,
    launch_law,
    level,
    spread_beside,
)
from skucast.forecasting.panel.panel import FloatArray
from skucast.periods import Frequency, add_periods
from skucast.spark.series import SERIES
from skucast.stages.forecast.cold_start.elsewhere import group_sums, weighed_squares, with_elsewhere
from skucast.stages.forecast.span import Span

_CONSTANT = 1e-9
"""Variance as a share of the squared mean below which demand is constant but for rounding."""


@dataclass(frozen=True)
class LaunchPrior:
    """A prior for every short series.

    Attributes:
        law: what holds for all of them; None where no series has demand to learn from.
        series: the series as given, with ``prior_log_mean`` (log units per period), ``prior_series`` (how many inform
            it) and ``prior_category`` (null: all categories), which are null where the history is not short.
    """

    law: ColdStartModel | None
    series: DataFrame


def recent_sales(cutoff: date, frequency: Frequency) -> list[Column]:
    """Aggregates over the demand of a series: known periods, and what the latest ``WINDOW`` periods show."""
    recent = F.when(F.col("period_start") > F.lit(add_periods(cutoff, -WINDOW, frequency)), F.col("demand"))
    return [
        F.count("demand").alias("n_known"),
        F.count(recent).alias("n_recent"),
        F.avg(recent).alias("recent_mean"),
        F.var_samp(recent).alias("recent_variance"),
    ]


def never_sold(item_location: DataFrame, sold: DataFrame, decision_date: date) -> DataFrame:
    """Items and locations that are replenished on the decision date and have no demand: one row each, no start."""
    day = F.lit(decision_date)
    listed = item_location.where(F.col("valid_from") <= day).groupBy(*SERIES)
    row = F.max_by(F.struct("active_from", "active_to", "do_not_order"), "valid_from").alias("row")
    is_active = (F.coalesce("row.active_from", day) <= day) & (F.coalesce("row.active_to", day) >= day)
    is_ordered = ~F.coalesce("row.do_not_order", F.lit(False))
    new = listed.agg(row).where(is_active & is_ordered).join(sold.select(*SERIES), [*SERIES], "left_anti")
    return new.selectExpr(*SERIES, "1D AS revenue_share_before", "0L AS n_known", "0L AS n_recent")


def described(series: DataFrame, item: DataFrame, span: Span, decision_date: date) -> DataFrame:
    """Series with what a prior is made of.

    Args:
        series: one row per series: ``start`` and the columns of ``recent_sales``.
        item: rows of table ``item``.
        span: the shared calendar.
        decision_date: rows of ``item`` in force then are used.

    Returns:
        The series with ``category`` ("" for none), ``log_price``, ``is_launched``, ``weight`` (0 for one that says
        nothing), ``freedom``, ``log_mean``, ``variance``.
    """
    in_force = item.where(F.col("valid_from") <= F.lit(decision_date)).groupBy("item_id")
    known = in_force.agg(F.max_by(F.struct("category", "unit_price"), "valid_from").alias("item"))
    launched_from = max(add_periods(span.cutoff, 1 - WINDOW, span.frequency), _middle(span))
    informs, mean = F.col("recent_mean") > 0, F.col("recent_mean")
    weight = F.least(F.col("n_recent") / F.lit(FULL_WEIGHT), F.lit(1.0))
    varies = F.col("recent_variance") > F.lit(_CONSTANT) * mean * mean
    return series.join(known, "item_id", "left").select(
        *series.columns,
        F.coalesce(F.trim("item.category"), F.lit("")).alias("category"),
        F.when(F.col("item.unit_price") > 0, F.log("item.unit_price")).alias("log_price"),
        F.coalesce(F.col("start") >= F.lit(launched_from), F.lit(True)).alias("is_launched"),
        F.when(informs, weight).otherwise(0.0).alias("weight"),
        F.when(informs, (F.col("n_recent") - 1) / F.lit(WINDOW - 1)).otherwise(0.0).alias("freedom"),
        F.when(informs, F.log(mean)).alias("log_mean"),
        F.when(varies, F.col("recent_variance")).otherwise(0.0).alias("variance"),
    )


def _middle(span: Span) -> date:
    return add_periods(span.first, -(-span.n_periods // 2), span.frequency)


def launch_prior(series: DataFrame) -> LaunchPrior:
    """The prior of every series with at most ``MAX_PERIODS`` known periods.

    Args:
        series: as ``described`` returns them; persist them, they are read four times.
    """
    informing = series.where("weight > 0")
    found = _level(informing)
    if found is None:
        return LaunchPrior(None, _with_priors(series, F.lit(None), F.lit(None), F.lit(None)))
    levels, has_locations = found
    usual = F.when(F.col("is_launched"), F.lit(levels.launched)).otherwise(F.lit(levels.established))
    categories = _by_category(informing.withColumn("e", F.col("log_mean") - usual))
    scatter, n_all = _scatter(categories)
    how = deviations(scatter)
    placed = series.join(F.broadcast(_effects(categories, how)), "category", "left")
    price = F.lit(how.elasticity) * (F.col("log_price") - F.col("mean_log_price"))
    offset = F.coalesce("effect", F.lit(0.0)) + F.coalesce(price, F.lit(0.0))
    placed = placed.withColumns({"rest": F.col("log_mean") - usual - offset, "elsewhere": F.lit(0.0)})
    if has_locations:
        placed = with_elsewhere(placed)
        how = replace(how, spread=spread_beside(*weighed_squares(placed)))
    law = _law(placed.where("weight > 0"), levels, how)
    is_known = (F.col("category") != "") & F.col("n_series").isNotNull()
    count, name = F.when(is_known, F.col("n_series")).otherwise(n_all), F.when(is_known, F.col("category"))
    log_mean = F.lit(levels.launched) + offset + F.col("elsewhere")
    return LaunchPrior(law, _with_priors(placed, log_mean, count, name, series.columns))


def _with_priors(
    series: DataFrame, log_mean: Column, count: Column, category: Column, kept: Sequence[str] | None = None
) -> DataFrame:
    is_short = F.col("n_known") <= MAX_PERIODS
    return series.select(
        *(kept or series.columns),
        F.when(is_short, log_mean).cast("double").alias("prior_log_mean"),
        F.when(is_short, count).cast("double").alias("prior_series"),
        F.when(is_short, category).cast("string").alias("prior_category"),
    )


def _level(informing: DataFrame) -> tuple[Level, bool] | None:
    """The level, and whether several locations inform it."""
    x, y, f = F.col("log_mean"), F.log("variance"), F.when(F.col("variance") > 0, F.col("freedom")).otherwise(0.0)
    sums = {"weight": f, "mean": f * x, "variance": f * y, "mean_square": f * x * x, "product": f * x * y}
    totals = {f"of_{name}": _total(each) for name, each in sums.items()}
    found = {
        row["is_launched"]: row
        for row in informing.groupBy("is_launched")
        .agg(
            _total(F.col("weight")).alias("n"),
            _total(F.col("weight") * x).alias("x"),
            F.min("location_id").alias("one"),
            F.max("location_id").alias("another"),
            *_named(totals),
        )
        .collect()
    }
    if not found:
        return None
    variances = VarianceSums(*(sum(row[f"of_{each.name}"] for row in found.values()) for each in fields(VarianceSums)))
    locations = {row[name] for row in found.values() for name in ("one", "another")}
    return level(_pair(found.get(True)), _pair(found.get(False)), variances), len(locations) > 1


def _total(values: Column) -> Column:
    return F.coalesce(F.sum(values), F.lit(0.0))


def _named(columns: dict[str, Column]) -> list[Column]:
    return [column.alias(name) for name, column in columns.items()]


def _pair(row: Row | None) -> tuple[float, float]:
    return (row["n"], row["x"]) if row else (0.0, 0.0)


def _by_category(informing: DataFrame) -> DataFrame:
    """Sums over the series of each category; those of prices over the series that have one."""
    w, e, x = F.col("weight"), F.col("e"), F.col("log_price")
    p = F.when(x.isNotNull(), w)
    sums = {"n": w, "e": w * e, "ee": w * e * e, "p": p, "px": p * x, "pe": p * e, "pxx": p * x * x, "pxe": p * x * e}
    count = F.count(F.lit(1)).alias("n_series")
    return informing.groupBy("category").agg(count, *_named({f"s_{name}": _total(v) for name, v in sums.items()}))


def _scatter(categories: DataFrame) -> tuple[Scatter, int]:
    """Sums over all categories, and how many series they have."""
    price = {
        "price_squares": _total(F.expr("s_pxx - try_divide(s_px * s_px, s_p)")),
        "price_products": _total(F.expr("s_pxe - try_divide(s_px * s_pe, s_p)")),
        "n_series": F.sum("n_series"),
    }
    sums = categories.agg(*_named(group_sums() | price)).collect()[0].asDict()
    return Scatter(**{each.name: sums[each.name] for each in fields(Scatter)}), int(sums["n_series"])


def _effects(categories: DataFrame, how: Deviations) -> DataFrame:
    """What a category adds to the log mean, and its mean log price."""
    drawn = F.col("s_e") / (F.col("s_n") + F.lit(how.category_weight))
    return categories.select(
        "category",
        "n_series",
        F.when(F.col("category") != "", drawn).otherwise(0.0).alias("effect"),
        F.expr("try_divide(s_px, s_p)").alias("mean_log_price"),
    )


def _law(informing: DataFrame, levels: Level, how: Deviations) -> ColdStartModel:
    place = F.col("rest") / F.lit(how.spread * BIN)
    place = F.greatest(F.least(place, F.lit(REACH - _CONSTANT)), F.lit(float(-REACH)))
    lower = F.floor(place)
    spread = F.col("variance") / F.exp(F.lit(levels.power) * F.col("log_mean"))
    spread = F.least(spread, F.lit(levels.most_dispersed))
    sums = {
        "below": F.sum(F.col("weight") * (1 - (place - lower))),
        "above": F.sum(F.col("weight") * (place - lower)),
        "freedom": F.sum("freedom"),
        "spread": F.sum(F.col("freedom") * spread),
    }
    rows = informing.groupBy("is_launched", lower.cast("int").alias("bin")).agg(*_named(sums)).collect()
    counts = {kind: np.zeros(2 * REACH + 1) for kind in (True, False)}
    for row in rows:
        _share(counts[row["is_launched"]], row)
    dispersion = sum(row["freedom"] for row in rows), sum(row["spread"] for row in rows)
    return launch_law(levels, how.spread, dispersion, counts[True], counts[False])


def _share(counts: FloatArray, row: Row) -> None:
    counts[row["bin"] + REACH] += row["below"]
    counts[row["bin"] + REACH + 1] += row["above"]
