"""What every stage of one command shares: session, configuration, warehouse, run record and clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from skucast.config import Config
from skucast.errors import DecisionDateError
from skucast.periods import DecisionClock, Selling, resolve_decision_date
from skucast.store.runs import RunRecord, Stage
from skucast.store.warehouse import Warehouse
from skucast.tables import OPEN_ORDER, RECEIPT, SALES_LINE, STOCK, TABLES

_NOTES = ((STOCK, "as_of"), (RECEIPT, "received_on"), (OPEN_ORDER, "ordered_on"))
"""What a shop notes beside its sales, and the day of it."""


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
        remarks: what the command says when it has ended.
    """

    spark: SparkSession
    config: Config
    warehouse: Warehouse
    record: RunRecord
    asked_date: date | None
    now: datetime
    known: dict[tuple[str, date], tuple[DataFrame, ...]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

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
        promised, frequency = self.config.complete_until, self.config.frequency
        known_until = None if self.asked_date or promised else self._known_until()
        return resolve_decision_date(self.asked_date, promised, first, newest, frequency, known_until=known_until)

    def _known_until(self) -> date:
        """How far the order lines are complete, told by what else the shop noted; isolated lines do not count."""
        selling = self._selling()
        for day in selling.isolated:
            self.remarks.append(
                f"the order of {day} lies more than {selling.max_gap_days} days beyond all others "
                "(ingest.max_gap_days): the decision date does not follow it; correct it, or give --decision-date"
            )
        return selling.known_until(self.config.frequency)

    def _selling(self) -> Selling:
        rules, today = self.config.demand, self.now.astimezone(ZoneInfo(self.config.timezone)).date()
        sold = self.warehouse.read(SALES_LINE).where("quantity > 0").groupBy(F.to_date("ordered_at").alias("day"))
        found = sold.agg(F.count_distinct("location_id", "order_id").alias("orders")).collect()
        orders = sorted((row["day"], row["orders"]) for row in found)
        gap = self.config.ingest.max_gap_days
        return Selling(orders, self._noted_on(today), today, rules.closed_weekdays, rules.closed_dates, gap)

    def _noted_on(self, today: date) -> date | None:
        """Newest day up to today on which stock was counted or received, or goods were ordered."""
        read = self.warehouse.read
        found = (
            read(table).where(F.col(day) <= F.lit(today)).agg(F.max(day)).first()
            for table, day in _NOTES
            if self.warehouse.exists(table)
        )
        return max((row[0] for row in found if row and row[0]), default=None)

    def begin(self, stage: Stage, *inputs: str) -> DecisionClock:
        """Note what a stage reads and decides for."""
        stage.decision_date, stage.cutoff = self.clock.decision_date, self.clock.cutoff
        stage.input_versions = self.warehouse.versions(tuple(TABLES[name] for name in inputs))
        return self.clock
