"""Forecasts of past reviews: each with what was known before it, made where they are missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from pyspark.sql import functions as F

from skucast.runtime.context import Context
from skucast.stages.forecast.stage import forecast
from skucast.tables import FORECAST


def forecast_reviews(context: Context, reviews: list[date]) -> int:
    """See that table ``forecast`` holds a forecast for each review; those that are there stay as they are.

    Args:
        context: of the command.
        reviews: decision dates.

    Returns:
        Number of forecasts that were made.
    """
    config = context.config.model_copy(update={"forecast": context.config.simulate.forecast(context.config.forecast)})
    record = replace(context.record, purpose=" of a review")
    at_reviews = [replace(context, config=config, record=record, asked_date=day) for day in reviews]
    stored = {row["cutoff"] for row in context.warehouse.read(FORECAST).select(F.col("cutoff")).distinct().collect()}
    missing = [each for each in at_reviews if each.clock.cutoff not in stored]
    for each in missing:
        forecast(each)
    return len(missing)
