"""What a plan is made under: plain values, and as the parameters of the queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from itertools import chain
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import Column
from pyspark.sql import functions as F

from skucast.inventory.lead_time.lead_time import stated_law
from skucast.periods import Frequency, period_start, to_periods

TARGET_KINDS = {"cycle_service_level": "cycle_service_level", "fill_rate": "fill_rate", "stockout_cost": "cost"}
"""What a target is given as → ``target_kind`` in the policy."""

FALLBACK_LEVEL = 0.95
"""Cycle service level where the default is a stock-out cost and the holding cost to weigh it against is unknown."""

_TERMS = (
    "lead_time_days", "lead_time_sd_days", "safety_lead_time_days", "review_period_days", "holding_rate_per_year",
    "fixed_cost", "min_order_quantity", "pack_size", "max_cover_days",
)  # fmt: skip


class Target(NamedTuple):
    """How much service is wanted, and who wants it."""

    kind: str
    value: float
    source: str


@dataclass(frozen=True)
class AlertRules:
    """From where on something needs attention.

    Attributes:
        alert_probability: of running out of stock before an order of today can arrive.
        service_tolerance: share by which an order may fall short of the cycle service level.
        overstock_cover_days: days of mean demand that may lie above the order-up-to level.
        dead_after_days: days without a sale after which stock is dead.
        phantom_probability: that so long a silence is chance; below it the stock is doubted.
        false_alarm_share: of normal reviews that are still called below safety.
    """

    alert_probability: float = 0.2
    service_tolerance: float = 0.02
    overstock_cover_days: float = 90.0
    dead_after_days: int = 180
    phantom_probability: float = 0.01
    false_alarm_share: float = 0.05


@dataclass(frozen=True)
class PlanParameters:
    """What the plan is made under: plain values.

    Attributes:
        decision_date: D, the first day of a period; nothing dated D or later is used.
        frequency: length of a period.
        review_anchor: a day in a period in which there was a review; reviews are every R periods from it.
        max_stock_age_days: a stock count older than that is no count.
        approval_expires_after_days: how long an approved proposal counts as on order without showing up there.
        unmet_demand: what happens to demand that finds no stock.
        defaults: terms that a row of ``item_location`` leaves open: ``lead_time_days``, ``review_period_days`` and one
            target (``cycle_service_level``, ``fill_rate`` or ``stockout_cost``); where wanted ``lead_time_sd_days``,
            ``safety_lead_time_days``, ``holding_rate_per_year``, ``fixed_cost``, ``min_order_quantity``, ``pack_size``
            and ``max_cover_days``.
        class_targets: class (``"AX"``, ``"A"`` or ``"X"``) → one target, such as ``{"A": {"fill_rate": 0.98}}``.
        replenishment_policy: of rows that name none.
        class_policies: class → replenishment policy.
        rounding: to packs and pallets, of rows that do not say: up, down or nearest.
        alerts: from where on something needs attention.
        budget: most money that all orders of the date may cost; None: any.
        max_days_late: what is overdue for longer is given up.
        min_change_gain: money by which an order must be better than what an earlier run proposed for the same date.
    """

    decision_date: date
    frequency: Frequency
    review_anchor: date
    max_stock_age_days: int
    approval_expires_after_days: int
    unmet_demand: Literal["lost_sales", "backorders"]
    defaults: Mapping[str, float | None]
    class_targets: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    replenishment_policy: str = "R_s_S"
    class_policies: Mapping[str, str] = field(default_factory=dict)
    rounding: Literal["up", "down", "nearest"] = "up"
    alerts: AlertRules = AlertRules()
    budget: float | None = None
    min_change_gain: float = 0.0
    max_days_late: float = 90.0

    def __post_init__(self) -> None:
        """Refuse defaults without durations or without exactly one target."""
        for name in ("lead_time_days", "review_period_days"):
            if self.defaults.get(name) is None:
                raise ValueError(f"defaults need {name}, found {sorted(self.defaults)}")
        _one_target("defaults", self.defaults, "default")

    @property
    def parameters(self) -> dict[str, Any]:
        """The values of all named parameters of the queries, except ``run_id``."""
        return {
            **{name: self.defaults.get(name) for name in _TERMS},
            "targets": _sql_map(self.targets),
            "default_lead_time": self.default_lead_time,
            "default_law": F.array(*(F.lit(float(share)) for share in self.default_law)),
            "policies": _sql_words({**self.class_policies, "default": self.replenishment_policy}),
            "rounding": self.rounding,
            **asdict(self.alerts),
            "decision_date": self.decision_date,
            "period_days": self.frequency.days,
            "first_review": period_start(self.review_anchor, self.frequency),
            "max_stock_age_days": self.max_stock_age_days,
            "approval_expires_after_days": self.approval_expires_after_days,
            "unmet_demand": self.unmet_demand,
            "min_change_gain": self.min_change_gain,
            "max_days_late": self.max_days_late,
        }

    @property
    def default_lead_time(self) -> int:
        """Lead time of an item without any terms, in periods. [L]"""
        mean, _, safety = (self.defaults.get(name) or 0.0 for name in _TERMS[:3])
        return to_periods(mean + safety, self.frequency)

    @property
    def default_law(self) -> NDArray[np.float64]:
        """Law of the lead time of an item without any terms, over periods."""
        mean, sd, safety = (self.defaults.get(name) or 0.0 for name in _TERMS[:3])
        return stated_law(mean, sd, safety, self.frequency.days)

    @property
    def targets(self) -> dict[str, Target]:
        """Class → its target; beside it the default and, where a cost cannot be weighed, the fallback."""
        default = _one_target("defaults", self.defaults, "default")
        of_class = {name: _one_target(f"class {name}", given, "class") for name, given in self.class_targets.items()}
        can_fall_back = default.kind != "cost"
        fallback = default if can_fall_back else Target("cycle_service_level", FALLBACK_LEVEL, "default")
        return {**of_class, "default": default, "fallback": fallback}


def _one_target(where: str, terms: Mapping[str, float | None], source: str) -> Target:
    values = {kind: terms.get(name) for name, kind in TARGET_KINDS.items()}
    given = [Target(kind, float(value), source) for kind, value in values.items() if value is not None]
    if len(given) != 1:
        raise ValueError(f"{where}: needs exactly one of {', '.join(TARGET_KINDS)}, found {len(given)}")
    return given[0]


def _sql_words(words: Mapping[str, str]) -> Column:
    return F.create_map(*chain.from_iterable((F.lit(name), F.lit(word)) for name, word in words.items()))


def _sql_map(targets: Mapping[str, Target]) -> Column:
    pairs = [
        (F.lit(name), F.struct(*(F.lit(value).alias(label) for label, value in target._asdict().items())))
        for name, target in targets.items()
    ]
    return F.create_map(*chain.from_iterable(pairs))
