"""What the plan is made under."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from skucast.config.fields import Amount, Days, Positive, PositiveDays, Probability, Section, Share
from skucast.config.lead_times import LeadTimes
from skucast.periods import MONDAY

Policy = Literal["base_stock", "R_S", "R_s_S", "s_S", "s_Q"]
"""``base_stock``, ``s_S`` and ``s_Q`` look at the stock in every period, the others every review period."""
AbcXyz = Annotated[str, Field(pattern="^[ABCN]?[XYZN]?$", min_length=1)]
"""A class by value, by variability, or by both: A, X, AX."""


class Target(Section):
    """How much service is wanted: at most one of three."""

    cycle_service_level: Probability | None = None
    """Probability of no stock-out between two deliveries."""
    fill_rate: Probability | None = None
    """Share of demand served from the shelf."""
    stockout_cost: Positive | None = None
    """Cost of one unit short, money. The service level follows from it and the cost of holding."""

    @property
    def given(self) -> dict[str, float]:
        """The target as name → value; empty where none is given."""
        values = {name: getattr(self, name) for name in Target.model_fields}
        return {name: value for name, value in values.items() if value is not None}

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if len(self.given) > 1:
            raise ValueError(f"takes one service target, found {', '.join(self.given)}")
        return self


class Defaults(Target):
    """What holds for an item at a location whose own row of `item_location` does not say it.

    Without any target the cycle service level is 0.95.
    """

    lead_time_days: Days = 14
    """Days from order to delivery, where none is measured or stated."""
    lead_time_sd_days: Days = 0
    """Standard deviation of a stated lead time, days."""
    safety_lead_time_days: Days = 0
    """Days added to every lead time."""
    review_period_days: PositiveDays = 7
    """Days between two reviews."""
    replenishment_policy: Policy = "R_s_S"
    """Policy: when is ordered, and up to what."""
    holding_rate_per_year: Positive = 0.25
    """Cost of holding stock for a year, as a share of its value."""
    fixed_cost: Amount = 0
    """Cost of one order, money."""
    min_order_quantity: Amount = 0
    """Smallest order, units."""
    pack_size: Positive = 1
    """Orders are multiples of this, units."""
    rounding: Literal["up", "down", "nearest"] = "up"
    """How a quantity is brought to whole packs."""
    max_cover_days: PositiveDays | None = None
    """Longest demand that an order may cover, days. Null: no limit."""

    @property
    def terms(self) -> dict[str, float]:
        """Every default number; a cycle service level of 0.95 where no target is given."""
        words = {"replenishment_policy", "rounding"}
        numbers = self.model_dump(exclude={*Target.model_fields, *words}, exclude_none=True)
        return {**numbers, **(self.given or {"cycle_service_level": 0.95})}


class Alerts(Section):
    """From where on something needs attention."""

    alert_probability: Probability = 0.2
    """Probability of a stock-out before the next delivery from which it is an alert."""
    service_tolerance: Share = 0.02
    """How far expected service may lie below its target."""
    overstock_cover_days: Days = 90
    """Days of demand from which stock is too much."""
    dead_after_days: Annotated[int, Field(ge=1)] = 180
    """Days without a sale, with stock on hand, after which an item is dead."""
    phantom_probability: Probability = 0.01
    """Probability of so long a silence with stock on hand below which the stock is doubted."""
    false_alarm_share: Probability = 0.05
    """Share of ordinary reviews at which stock is still called below safety."""


class Inventory(Section):
    """What the plan is made under."""

    unmet_demand: Literal["lost_sales", "backorders"] = "lost_sales"
    """Whether customers go elsewhere or wait when stock is out."""
    review_anchor: date = MONDAY
    """A day of review, from which review periods count. A Monday unless set."""
    max_stock_age_days: Annotated[int, Field(ge=0)] = 7
    """Days after which a stock count is too old to order from."""
    approval_expires_after_days: Annotated[int, Field(ge=0)] = 14
    """Days after which an approved proposal without a purchase order no longer counts as on its way."""
    lead_times: LeadTimes = LeadTimes()
    """How lead times are measured."""
    defaults: Defaults = Defaults()
    """What holds where an item says nothing."""
    class_targets: dict[AbcXyz, Target] = {}
    """Class → its service target, such as `AX: {cycle_service_level: 0.98}`."""
    class_policies: dict[AbcXyz, Policy] = {}
    """Class → its policy."""
    budget: Amount | None = None
    """Most money that one review may order in all. Null: no limit."""
    min_change_gain: Amount = 0
    """Money by which an order must beat the proposal of an earlier run for the same date. Else that stands."""
    alerts: Alerts = Alerts()
    """From where on something needs attention."""
