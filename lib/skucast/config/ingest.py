"""Where tables come from, and how order lines are cleaned."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from skucast.config.fields import Positive, Section, Share


class Source(Section):
    """Where an input table comes from, and how its columns are expressed."""

    format: Literal["csv", "json", "parquet", "delta", "jdbc"]
    """Format of the source."""
    path: str | None = None
    """File or folder. Needed for every format but `jdbc`."""
    options: dict[str, str | int | float | bool] = {}
    """Options of Spark's reader, such as `header`, `sep`, `encoding`, or `url` and `dbtable` for `jdbc`."""
    columns: dict[str, str] = {}
    """Column of the table → Spark SQL expression over the columns of the source."""
    where: str | None = None
    """Spark SQL condition. Rows that do not meet it are not read."""

    @model_validator(mode="after")
    def _has_a_place(self) -> Self:
        if self.format != "jdbc" and not self.path:
            raise ValueError(f"format {self.format} needs a path")
        return self


class Ingest(Section):
    """How order lines are cleaned."""

    cancellation_order_pattern: str | None = None
    """Regular expression of the order ids that may carry negative quantities. Null: any order may."""
    not_items: tuple[str, ...] = ()
    """Item ids that are no goods, such as postage. Their lines are rejected."""
    max_quantity: Positive = 1e9
    """Largest quantity of one line, units. Larger ones are rejected."""
    earliest_date: date = date(1990, 1, 1)
    """Lines before this day are rejected."""
    max_rejected_share: Share = 0.1
    """The run stops if a larger share of the lines is rejected."""
    max_gap_days: Annotated[int, Field(ge=1)] = 35
    """An order farther beyond all others does not move the default decision date, days."""
    customer_key_variable: str = "SKUCAST_CUSTOMER_KEY"
    """Environment variable with the secret that customer ids are hashed with. Without it `customer_key` is null."""
