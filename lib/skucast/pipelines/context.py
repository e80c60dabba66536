"""What every stage of one command shares: session, configuration, warehouse, run record and clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from skucast.config import Config
from skucast.errors import DecisionDateError
from skucast.periods import DecisionClock, resolve_decision_date
from skucast.store.delta import Warehouse
from skucast.store.runs import RunRecord, Stage
from skucast.tables import SALES_LINE, TABLES


@dataclass
class Context:
    """What every stage of one command shares.

    Attributes:
        spark: the session.
        config: the configuration.
        warehouse: where the tables are.
        record: the run record.
        asked_date: decision date that was typed, if any.
        now: when the command began.
        known: frames that stages of the command share, by what they are and for which date.
    """

    spark: SparkSession
    config: Config
    warehouse: Warehouse
    record: RunRecord
    asked_date: date | None
    now: datetime
    known: dict[tuple[str, date], tuple[DataFrame, ...]] = field(default_factory=dict)

    @cached_property
    def sales_days(self) -> tuple[date, date]:
        """Days of the oldest and the newest sale among the accepted lines."""
        day = F.to_date("ordered_at")
        lines = self.warehouse.read(SALES_LINE).where("quantity > 0")
        found = lines.agg(F.min(day).alias("first"), F.max(day).alias("newest")).first()
        if found is None or found["first"] is None:
            raise DecisionDateError("table sales_line holds no sale: run `skucast ingest` on a source with order lines")
        return found["first"], found["newest"]

    @cached_property
    def clock(self) -> DecisionClock:
        """The decision date and what follows from it."""
        first, newest = self.sales_days
        return resolve_decision_date(self.asked_date, self.config.complete_until, first, newest, self.config.frequency)

    def begin(self, stage: Stage, *inputs: str) -> DecisionClock:
        """Note what a stage reads and decides for."""
        stage.decision_date, stage.cutoff = self.clock.decision_date, self.clock.cutoff
        stage.input_versions = self.warehouse.versions(tuple(TABLES[name] for name in inputs))
        return self.clock
