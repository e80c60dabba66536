"""Lead times, measured from what suppliers delivered.

``supply`` says what every delivery and every open rest tells, ``lead_times`` what follows for every item and location;
both are SQL, in ``skucast/sql``. The law of an item is its own Kaplan–Meier estimate, shrunk to that of its supplier.
Both are of days late against what the row stated on the day of the order, so that a supplier may have items near and
far, and a newly stated lead time holds from its first day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from skucast.inventory.lead_time.lead_time import DEVIATES
from skucast.periods import Frequency
from skucast.spark.queries import query, register_functions

_DEFAULTS = ("lead_time_days", "lead_time_sd_days", "safety_lead_time_days", "review_period_days")


@dataclass(frozen=True)
class LeadTimeTerms:
    """What lead times are measured under: plain values.

    Attributes:
        decision_date: D; nothing dated D or later is used.
        frequency: length of a period.
        defaults: ``lead_time_days`` and ``review_period_days``, where wanted ``lead_time_sd_days`` and
            ``safety_lead_time_days``, of rows that leave them open.
        measured: whether receipts count at all.
        min_receipts: orders with evidence that a supplier's law, or an item's own, needs.
        window_days: how far back orders count.
        shrinkage_receipts: orders that the supplier's law weighs as much as, k of n / (n + k).
        max_days_late: what is open for longer than that is given up; no unit counts as later.
    """

    decision_date: date
    frequency: Frequency
    defaults: Mapping[str, float | None]
    measured: bool = True
    min_receipts: int = 5
    window_days: int = 365
    shrinkage_receipts: float = 4.0
    max_days_late: float = 90.0

    @property
    def parameters(self) -> dict[str, Any]:
        """The values of all named parameters of the queries."""
        return {
            **{name: self.defaults.get(name) for name in _DEFAULTS},
            "deviates": F.array(*(F.lit(float(z)) for z in DEVIATES)),
            "decision_date": self.decision_date,
            "period_days": self.frequency.days,
            "measured": self.measured,
            "min_receipts": self.min_receipts,
            "window_days": self.window_days,
            "shrinkage_receipts": self.shrinkage_receipts,
            "max_days_late": self.max_days_late,
        }


def supply(
    *, open_order: DataFrame, receipt: DataFrame, item_location: DataFrame, supplier: DataFrame, terms: LeadTimeTerms
) -> DataFrame:
    """One row per item and location that is listed or was ordered: stated terms, and what was ``seen`` of its orders.

    It is read several times: work it out once, with ``localCheckpoint``.

    Args:
        open_order: purchase order lines.
        receipt: goods received; those without ``ordered_on`` take it from their order line.
        item_location: where items are held, on what terms, and since when.
        supplier: days on which suppliers take orders.
        terms: the decision date, the rules and the defaults.
    """
    register_functions(receipt.sparkSession)
    tables = {"open_order": open_order, "receipt": receipt, "item_location": item_location, "supplier": supplier}
    return query("lead_times/purchase_history", terms.parameters, **tables)


def lead_times(supplied: DataFrame, terms: LeadTimeTerms) -> DataFrame:
    """One row per item and location that is listed or was ordered: mean, spread and law of its lead time.

    Args:
        supplied: as :func:`supply` gives it for the same terms.
        terms: the decision date, the rules and the defaults.
    """
    return query("lead_times/lead_times", terms.parameters, supply=supplied)


def evidence_counts(supplied: DataFrame) -> DataFrame:
    """One row per ``kind`` of what was seen with its ``n``: arrived, open, or why it does not count."""
    return supplied.select(F.explode("seen.kind").alias("kind")).groupBy("kind").agg(F.count(F.lit(1)).alias("n"))
