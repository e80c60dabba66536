"""Events, holidays, promotions, weather and prices, as known on the decision date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from pyspark.sql import DataFrame

from skucast.runtime.context import Context
from skucast.stages.forecast.covariates.drivers import (
    ITEM_PRICE,
    NOTHING,
    Catalogue,
    ItemPrice,
    coded,
    facts_per_period,
    known_events,
    list_prices,
    n_known_late,
    names_of,
)
from skucast.stages.forecast.covariates.holidays import with_holidays
from skucast.stages.forecast.span import Span
from skucast.store.runs import Stage
from skucast.tables import EVENT, ITEM, SALES_LINE


@dataclass(frozen=True)
class Drivers:
    """What the panel carries beside demand; None where there is nothing.

    Attributes:
        catalogue: names.
        facts: of each location and period.
        list_prices: of items whose list price changes.
    """

    catalogue: Catalogue = NOTHING
    facts: DataFrame | None = None
    list_prices: DataFrame | None = None


def drivers_known(context: Context, stage: Stage, span: Span) -> Drivers:
    """What drives demand as known on the decision date; how much of what is noted in the run record."""
    asked = context.config.forecast.drivers
    if asked is False:
        return Drivers()
    known = _known_events(context, span, None if asked is True else asked)
    facts = facts_per_period(known, first=span.first, n_periods=span.n_periods, frequency=span.frequency)
    named = names_of(facts).collect()
    prices = list_prices(context.warehouse.read(ITEM), first=span.first, last=span.last, frequency=span.frequency)
    if asked is True:
        item_price = ItemPrice.NONE if prices.isEmpty() else ItemPrice.LISTED
    else:
        item_price = ItemPrice.ALL if ITEM_PRICE in asked else ItemPrice.NONE
    catalogue = Catalogue.of(named, item_price)
    left_out = sorted({row["name"] for row in named if not row["is_used_everywhere"]})
    asked_in_vain = () if asked is True else sorted({*asked} - {row["name"] for row in named} - {ITEM_PRICE})
    _note(stage, catalogue, left_out, known)
    stage.message = _remark(left_out, asked_in_vain)
    return Drivers(
        catalogue,
        coded(facts, catalogue) if catalogue.events or catalogue.drivers else None,
        None if item_price is ItemPrice.NONE else prices,
    )


def _known_events(context: Context, span: Span, names: tuple[str, ...] | None) -> DataFrame:
    tables, rules = context.warehouse, context.config.demand.holidays
    last_day = span.last + timedelta(days=span.frequency.days - 1)
    event = with_holidays(
        tables.read(EVENT),
        tables.read(SALES_LINE).select("location_id").distinct(),
        everywhere=rules.everywhere.region if rules.everywhere else None,
        regions={name: keeping.region for name, keeping in rules.locations.items()},
        first=span.first,
        last=last_day,
    )
    return known_events(
        event, first=span.first, last_day=last_day, known_before=context.clock.decision_date, names=names
    )


def _note(stage: Stage, catalogue: Catalogue, left_out: list[str], known: DataFrame) -> None:
    """Counts of what is used, left out and known late."""
    n_late = (known.agg(n_known_late()).first() or [0])[0] if catalogue.events or catalogue.drivers or left_out else 0
    n_drivers = len(catalogue.drivers) + (catalogue.item_price is not ItemPrice.NONE)
    counts = {
        "events": len(catalogue.events), "drivers": n_drivers, "drivers_left_out": len(left_out),
        "events_known_late": int(n_late),
    }  # fmt: skip
    stage.rows |= {name: n for name, n in counts.items() if n}


def _remark(left_out: Sequence[str], asked_in_vain: Sequence[str]) -> str | None:
    parts = [f"not known ahead and so left out where that is so: {', '.join(left_out)}"] if left_out else []
    if asked_in_vain:
        parts.append(f"no event of the span that was known has a name in forecast.drivers: {', '.join(asked_in_vain)}")
    return "; ".join(parts) or None
