"""Why a plan orders nothing at all, where all of its rows have the same reason, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from skucast.stages.plan.parameters import PlanParameters


class StockDays(NamedTuple):
    """Newest stock count up to the decision date, and the first one after it; None where there is none."""

    newest: date | None
    later: date | None


def stock_days(stock: DataFrame, terms: PlanParameters) -> StockDays:
    """Days of the stock counts around the decision date.

    Args:
        stock: stock counts.
        terms: what the plan was made under.
    """
    is_known = F.col("as_of") <= F.lit(terms.decision_date)
    found = stock.agg(F.max(F.when(is_known, F.col("as_of"))), F.min(F.when(~is_known, F.col("as_of")))).first()
    return StockDays(*found) if found else StockDays(None, None)


def nothing_ordered(reasons: Mapping[str, int], days: StockDays, terms: PlanParameters) -> str | None:
    """A sentence that says why nothing is ordered and what to do; None unless all rows have one reason for it.

    Args:
        reasons: rows of the order plan by reason.
        days: when stock was counted.
        terms: what the plan was made under.
    """
    reason = next(iter(reasons), None)
    if len(reasons) != 1 or reason is None or reason not in _SENTENCES:
        return None
    said = _stock_unknown(days, terms) if reason == "stock_unknown" else _SENTENCES[reason]
    return f"nothing is ordered on {terms.decision_date}: {said} (all {reasons[reason]:,} rows: {reason})"


_SENTENCES = {
    "stock_unknown": "the stock is not known",
    "no_review": "no item is reviewed on that date; decide for a review date (inventory.review_anchor), or set a "
    "shorter inventory.defaults.review_period_days",
    "no_forecast": "nothing has a forecast; see whether item_id and location_id of the sources agree",
    "inactive": "no item is active; see active_from and active_to of item_location",
    "do_not_order": "every item is marked do-not-order; see do_not_order of item_location",
    "covered": "stock and open orders cover every item",
}


def _stock_unknown(days: StockDays, terms: PlanParameters) -> str:
    if days.newest is None and days.later is None:
        return "no stock was ever counted; map the stock counts under sources.stock"
    if days.newest is None:
        return (
            f"the first stock count is of {days.later}, after the decision date; decide for a later date with "
            "--decision-date, or supply an earlier count"
        )
    later = f", the next of {days.later}" if days.later else ""
    return (
        f"the newest stock count before it is of {days.newest}{later}, and it may be {terms.max_stock_age_days} days "
        "old; supply a newer count, give --decision-date, or raise inventory.max_stock_age_days"
    )
