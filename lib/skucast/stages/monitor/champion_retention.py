"""What a review of past forecasts says of the next: whose champion stays, whose is due, how wide the spread is."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from skucast.spark.series import SERIES


def tenure(review: DataFrame, series_status: DataFrame, *, keeps: bool) -> DataFrame:
    """One row per reviewed series: ``spread_factor``, ``due`` (why it is chosen anew), ``kept_method``, ``kept_since``.

    A champion stays where its forecasts were reviewed and nothing speaks for choosing anew. Where there were too few to
    say, or it was no champion but a fallback, the choice is free as on the first night.

    Args:
        review: rows of table ``forecast_review`` of one decision date.
        series_status: rows of that table of the last cutoff.
        keeps: whether champions stay at all.
    """
    is_due, is_judged = F.col("action") == "reselect", F.col("verdict") != "too_few"
    champion = series_status.where("status = 'fitted'").select(
        *SERIES,
        F.col("method").alias("champion"),
        F.coalesce("kept_since", "cutoff").alias("champion_since"),
    )
    stays = F.lit(keeps) & is_judged & ~is_due
    return review.join(champion, [*SERIES], "left").select(
        *SERIES,
        "spread_factor",
        F.when(is_due, F.col("explanation")).alias("due"),
        F.when(stays, F.col("champion")).alias("kept_method"),
        F.when(stays, F.col("champion_since")).alias("kept_since"),
    )
