"""The configuration as a whole: its sections, and what must hold between them."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Annotated, Self
from zoneinfo import available_timezones

from pydantic import Field, field_validator, model_validator

from skucast.config.demand import Demand
from skucast.config.fields import Amount, Section
from skucast.config.forecast import Forecast
from skucast.config.ingest import Ingest, Source
from skucast.config.inventory import Inventory
from skucast.config.monitor import Monitor
from skucast.config.simulate import Simulate
from skucast.periods import Frequency
from skucast.tables import INPUT_TABLES, TABLES


class Config(Section):
    """The whole configuration. A file may extend others: `extends: [base.yaml, local.yaml]`; the later one wins."""

    warehouse: str
    """Folder of the Delta tables: a path, or a URL of an object store."""
    database: Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$")] = "skucast"
    """Name of the database under which the tables are registered."""
    frequency: Frequency
    """Length of a period: `D`, or `W` from Monday to Sunday."""
    timezone: str
    """Time zone in which days begin, such as `Europe/London`."""
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    """Currency of all prices and costs, ISO 4217."""
    complete_until: date | None = None
    """Last day whose orders are complete. Null: told by the data."""
    lock_wait_seconds: Amount = 0
    """Seconds to wait for another command on the same warehouse."""
    sources: dict[str, Source] = {}
    """Input table → where it comes from."""
    ingest: Ingest = Ingest()
    """How order lines are cleaned."""
    demand: Demand = Demand()
    """How order lines become demand."""
    forecast: Forecast = Forecast()
    """What is forecast, and how."""
    inventory: Inventory = Inventory()
    """What the plan is made under."""
    monitor: Monitor = Monitor()
    """How past forecasts are reviewed."""
    simulate: Simulate = Simulate()
    """How policies are replayed."""
    spark: dict[Annotated[str, Field(pattern=r"^spark\.")], str | int | float | bool] = {}
    """Settings of Spark, by their full names."""

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
