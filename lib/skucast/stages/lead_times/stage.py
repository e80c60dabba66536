"""Lead times as they were known on the decision date."""

from __future__ import annotations

from pyspark.sql import DataFrame

from skucast.runtime.context import Context
from skucast.stages.lead_times.measurement import LeadTimeTerms, lead_times, supply
from skucast.tables import ITEM_LOCATION, OPEN_ORDER, RECEIPT, SUPPLIER


def lead_times_known(context: Context) -> tuple[DataFrame, DataFrame]:
    """The lead time of every item and location that is listed or was ordered, and what was seen of orders before it.

    They are worked out once in a command: the tables that it reads stay as they were when it began.
    """
    place = ("lead times", context.clock.decision_date)
    if place not in context.known:
        context.known[place] = _measured(context)
    timing, supplied = context.known[place]
    return timing, supplied


def _measured(context: Context) -> tuple[DataFrame, DataFrame]:
    """Both are checkpoints: Spark does not find a persisted frame again in the SQL that reads it by name."""
    read, terms = context.warehouse.read, lead_time_terms(context)
    supplied = supply(
        open_order=read(OPEN_ORDER),
        receipt=read(RECEIPT),
        item_location=read(ITEM_LOCATION),
        supplier=read(SUPPLIER),
        terms=terms,
    ).localCheckpoint()
    return lead_times(supplied, terms).localCheckpoint(), supplied


def lead_time_terms(context: Context) -> LeadTimeTerms:
    """The rules of the configuration for the decision date."""
    rules, clock = context.config.inventory, context.clock
    return LeadTimeTerms(clock.decision_date, clock.frequency, rules.defaults.terms, **rules.lead_times.model_dump())
