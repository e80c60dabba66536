"""The configuration: every section, its defaults and its allowed values."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Annotated, Literal, Self
from zoneinfo import available_timezones

from pydantic import Field, field_validator, model_validator

from skucast.calendars import Region
from skucast.config.fields import Days, PositiveDays, Probability, Section, Share, Weekday
from skucast.config.forecast import Forecast
from skucast.config.lead_times import LeadTimes
from skucast.config.monitor import Monitor
from skucast.config.simulate import Simulate
from skucast.periods import MONDAY, Frequency
from skucast.tables import INPUT_TABLES, TABLES

Policy = Literal["base_stock", "R_S", "R_s_S", "s_S", "s_Q"]
"""``base_stock``, ``s_S`` and ``s_Q`` look at the stock in every period, the others every review period."""
AbcXyz = Annotated[str, Field(pattern="^[ABCN]?[XYZN]?$", min_length=1)]
"""A class by value, by variability, or by both: A, X, AX."""


class Source(Section):
    """Where a contract table comes from and how its columns are expressed."""

    format: Literal["csv", "json", "parquet", "delta", "jdbc"]
    path: str | None = None
    options: dict[str, str | int | float | bool] = {}
    columns: dict[str, str] = {}
    where: str | None = None

    @model_validator(mode="after")
    def _has_a_place(self) -> Self:
        if self.format != "jdbc" and not self.path:
            raise ValueError(f"format {self.format} needs a path")
        return self


class Ingest(Section):
    """How order lines are cleaned.

    ``max_gap_days``: a single order that lies farther beyond all others does not move the default decision date.
    """

    cancellation_order_pattern: str | None = None
    not_items: tuple[str, ...] = ()
    max_quantity: Annotated[float, Field(gt=0)] = 1e9
    earliest_date: date = date(1990, 1, 1)
    max_rejected_share: Share = 0.1
    max_gap_days: Annotated[int, Field(ge=1)] = 35
    customer_key_variable: str = "SKUCAST_CUSTOMER_KEY"


class Outliers(Section):
    """Which demands are out of line, and what forecasting does with them."""

    method: Literal["none", "iqr", "zscore", "hampel"] = "hampel"
    limit: Annotated[float, Field(gt=0)] = 6.0
    treatment: Literal["robust", "flag", "cap"] = "robust"


class Exceptional(Section):
    """Orders far beyond the usual size that make their period, and how much of them base demand keeps.

    ``treatment``: "exclude" keeps a usual order in place of each, "cap" the largest that is not exceptional, "share" a
    usual order and ``share`` of the rest, "include" all. ``limit``: robust standard deviations, of the logarithm of
    sizes and of the item's periods, from which on an order is exceptional.
    """

    treatment: Literal["exclude", "include", "cap", "share"] = "exclude"
    share: Share = 0.5
    limit: Annotated[float, Field(gt=0)] = 4.0


class Keeping(Section):
    """Whose public holidays are kept: ``country`` (ISO 3166-1 alpha-2), and a ``subdivision`` of it."""

    country: str
    subdivision: str | None = None

    @property
    def region(self) -> Region:
        """As the calendar takes it."""
        return Region(self.country, self.subdivision)

    @model_validator(mode="after")
    def _exists(self) -> Self:
        if problem := self.region.problem():
            raise ValueError(problem)
        return self


class Holidays(Section):
    """Public holidays of every location, and of those that differ."""

    everywhere: Keeping | None = None
    locations: dict[str, Keeping] = {}


class Demand(Section):
    """How order lines become demand."""

    holidays: Holidays = Holidays()
    closed_weekdays: tuple[Weekday, ...] = ()
    closed_dates: tuple[date, ...] = ()
    gaps: Literal["zero", "unknown"] = "zero"
    outliers: Outliers = Outliers()
    exceptional: Exceptional = Exceptional()


class Target(Section):
    """At most one of three ways to say how much service is wanted."""

    cycle_service_level: Probability | None = None
    fill_rate: Probability | None = None
    stockout_cost: Annotated[float, Field(gt=0)] | None = None

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
    """Terms of an item-location that its own row does not state."""

    lead_time_days: Days = 14
    lead_time_sd_days: Days = 0
    safety_lead_time_days: Days = 0
    review_period_days: PositiveDays = 7
    replenishment_policy: Policy = "R_s_S"
    holding_rate_per_year: Annotated[float, Field(gt=0)] = 0.25
    fixed_cost: Annotated[float, Field(ge=0)] = 0
    min_order_quantity: Annotated[float, Field(ge=0)] = 0
    pack_size: Annotated[float, Field(gt=0)] = 1
    rounding: Literal["up", "down", "nearest"] = "up"
    max_cover_days: PositiveDays | None = None

    @property
    def terms(self) -> dict[str, float]:
        """Every default number; a cycle service level of 0.95 where no target is given."""
        words = {"replenishment_policy", "rounding"}
        numbers = self.model_dump(exclude={*Target.model_fields, *words}, exclude_none=True)
        return {**numbers, **(self.given or {"cycle_service_level": 0.95})}


class Alerts(Section):
    """From where on something needs attention.

    ``false_alarm_share``: of normal reviews that are still called below safety: the stock that will be left when the
    order arrives is lower there only after a review period of the strongest demand.
    """

    alert_probability: Probability = 0.2
    service_tolerance: Share = 0.02
    overstock_cover_days: Days = 90
    dead_after_days: Annotated[int, Field(ge=1)] = 180
    phantom_probability: Probability = 0.01
    false_alarm_share: Probability = 0.05


class Inventory(Section):
    """The world that the plan is made for.

    ``budget``: most money that one review may order in all. ``min_change_gain``: money by which an order must be better
    than what an earlier run proposed for the same decision date, or that proposal stands. ``review_anchor``: a day of
    review, from which review periods count; a Monday unless set.
    """

    unmet_demand: Literal["lost_sales", "backorders"] = "lost_sales"
    review_anchor: date = MONDAY
    max_stock_age_days: Annotated[int, Field(ge=0)] = 7
    approval_expires_after_days: Annotated[int, Field(ge=0)] = 14
    lead_times: LeadTimes = LeadTimes()
    defaults: Defaults = Defaults()
    class_targets: dict[AbcXyz, Target] = {}
    class_policies: dict[AbcXyz, Policy] = {}
    budget: Annotated[float, Field(ge=0)] | None = None
    min_change_gain: Annotated[float, Field(ge=0)] = 0
    alerts: Alerts = Alerts()


class Config(Section):
    """The whole configuration."""

    warehouse: str
    database: Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$")] = "skucast"
    frequency: Frequency
    timezone: str
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    complete_until: date | None = None
    lock_wait_seconds: Annotated[float, Field(ge=0)] = 0
    sources: dict[str, Source] = {}
    ingest: Ingest = Ingest()
    demand: Demand = Demand()
    forecast: Forecast = Forecast()
    inventory: Inventory = Inventory()
    monitor: Monitor = Monitor()
    simulate: Simulate = Simulate()
    spark: dict[Annotated[str, Field(pattern=r"^spark\.")], str | int | float | bool] = {}

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError("needs a name of the IANA time zone database, such as Europe/London")
        return zone

    @field_validator("sources")
    @classmethod
    def _known_tables(cls, sources: dict[str, Source]) -> dict[str, Source]:
        allowed = {"sales_line": SALES_COLUMNS} | {table.name: set(table.names) for table in INPUT_TABLES}
        for table, source in sources.items():
            if table not in allowed:
                raise ValueError(f"{table} is no input table; allowed: {', '.join(sorted(allowed))}")
            unknown = sorted(set(source.columns) - allowed[table])
            if unknown:
                raise ValueError(
                    f"{table}.columns: {', '.join(unknown)} not in the contract; allowed: "
                    f"{', '.join(sorted(allowed[table]))}"
                )
        return sources

    @model_validator(mode="after")
    def _levels_reach_the_targets(self) -> Self:
        low, high = self.forecast.quantile_levels[0], self.forecast.quantile_levels[-1]
        targets = [self.inventory.defaults, *self.inventory.class_targets.values()]
        for level in (target.cycle_service_level for target in targets):
            if level is not None and not low <= level <= high:
                raise ValueError(
                    f"cycle_service_level {level} lies outside forecast.quantile_levels ({low} … {high}): add a level "
                    "beyond it, for a stated level must be one that the forecast tells"
                )
        return self

    @property
    def hash(self) -> str:
        """Hash of everything that can change a result."""
        text = json.dumps(self.model_dump(mode="json", exclude={"lock_wait_seconds", "spark"}), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def spark_settings(self) -> dict[str, str]:
        """Spark settings as text, the way Spark takes them."""
        return {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in self.spark.items()}


SALES_COLUMNS = (set(TABLES["sales_line"].names) | {"customer_id"}) - {
    "cancels_line", "cancelled_at", "customer_key", "source_file", "batch_id",
}  # fmt: skip
"""Contract columns that a mapping of sales_line may give; the rest is made at ingestion."""
