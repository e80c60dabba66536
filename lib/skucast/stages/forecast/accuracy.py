"""Roll-ups of ``forecast_accuracy``."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

SHOWN_LEVELS = (0.5, 0.95)
"""Levels whose coverage is said at the end of a run: the nearest ones of the configuration."""


def headline(rows: DataFrame, levels: Sequence[float]) -> dict[str, float]:
    """Bias, and coverage near ``SHOWN_LEVELS``, of the champions over their protection periods, by name.

    Args:
        rows: rows of ``forecast_accuracy`` of one cutoff.
        levels: quantile levels of the run.
    """
    shown = sorted({min(levels, key=lambda level: abs(level - wanted)) for wanted in SHOWN_LEVELS})
    level = F.when(F.col("quantile_level") > 0, F.col("quantile_level").cast("string"))
    name = F.concat_ws("_", "metric", level)
    ratios = (
        rows.where("is_champion AND basis = 'protection_period'")
        .where((F.col("metric") == "bias") | ((F.col("metric") == "coverage") & F.col("quantile_level").isin(shown)))
        .groupBy(name.alias("name"))
        .agg(F.try_divide(F.sum("numerator"), F.sum("denominator")).alias("ratio"))
        .orderBy("name")
    )
    return {row["name"]: row["ratio"] for row in ratios.collect() if row["ratio"] is not None}
