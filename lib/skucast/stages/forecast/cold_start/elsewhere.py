"""What a location, and an item elsewhere, tell of a series that has hardly sold: where there are several locations."""

from __future__ import annotations

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from skucast.forecasting.cold_start.prior import GroupScatter, likeness


def with_elsewhere(series: DataFrame) -> DataFrame:
    """Series with ``elsewhere``, what location and item elsewhere add to the log mean, and with ``rest`` less that.

    First all series of a location tell how much it sells beside others, then the item's series elsewhere how much the
    item sells beside others. Each is believed as far as groups differ, and no series tells of itself.

    Args:
        series: one row per series: ``rest``, its log mean less what category and price say (null where it says
            nothing), ``weight`` (0 there) and ``elsewhere``.
    """
    for key in ("location_id", "item_id"):
        groups = _by(series, key)
        belief = likeness(_scatter(groups))
        if np.isfinite(belief):
            series = _told(series.join(groups, key, "left"), belief).select(*series.columns)
    return series


def _by(series: DataFrame, key: str) -> DataFrame:
    w, e = F.col("weight"), F.col("rest")
    sums = [F.sum(part).alias(name) for name, part in (("s_n", w), ("s_e", w * e), ("s_ee", w * e * e))]
    return series.where("weight > 0").groupBy(key).agg(*sums)


def _told(series: DataFrame, belief: float) -> DataFrame:
    own = F.col("weight") * F.coalesce("rest", F.lit(0.0))
    total, others = F.coalesce("s_e", F.lit(0.0)) - own, F.coalesce("s_n", F.lit(0.0)) - F.col("weight")
    told = total / (others + F.lit(belief))
    return series.withColumns({"elsewhere": F.col("elsewhere") + told, "rest": F.col("rest") - told})


def _scatter(groups: DataFrame) -> GroupScatter:
    sums = [column.alias(name) for name, column in group_sums().items()]
    return GroupScatter(**groups.agg(*sums).collect()[0].asDict())


def group_sums() -> dict[str, Column]:
    """``GroupScatter`` from groups with their weight ``s_n``, their sum ``s_e`` and that of squares ``s_ee``."""
    return {
        "n_groups": F.count(F.lit(1)),
        "weight": F.sum("s_n"),
        "weight_squares": F.sum(F.expr("s_n * s_n")),
        "total": F.sum("s_e"),
        "within": F.sum(F.expr("s_ee - s_e * s_e / s_n")),
        "between": F.sum(F.expr("s_e * s_e / s_n")),
    }


def weighed_squares(series: DataFrame) -> tuple[float, float]:
    """Sums of weight · rest² and of the weight."""
    w, e = F.col("weight"), F.col("rest")
    row = series.where("weight > 0").agg(F.sum(w * e * e).alias("squares"), F.sum(w).alias("weight")).collect()[0]
    return row["squares"], row["weight"]
