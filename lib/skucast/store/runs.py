"""The run record: what ran, on which versions, with which outcome; for failed and killed runs too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from delta.tables import DeltaTable
from pyspark.sql import functions as F

from skucast import __version__
from skucast.store.warehouse import Warehouse
from skucast.tables.run import RUN


@dataclass
class Stage:
    """What a stage fills in while it runs.

    Attributes:
        name: ingest, demand, forecast, plan or monitor.
        rows: row counts by name.
        measures: what the result is like, by name.
        input_versions: Delta version of each table that was read.
        decision_date: D, once it is decided.
        cutoff: last period used, once it is decided.
        message: a remark.
    """

    name: str
    rows: dict[str, int] = field(default_factory=dict)
    measures: dict[str, float] = field(default_factory=dict)
    input_versions: dict[str, int] = field(default_factory=dict)
    decision_date: date | None = None
    cutoff: date | None = None
    message: str | None = None


@dataclass(frozen=True)
class RunRecord:
    """Writes the rows of table ``run`` for one command.

    Attributes:
        warehouse: where the table lives.
        run_id: identifier shared by all stages of the command.
        job: command that was typed.
        config_hash: hash of the configuration in force.
        report: called with a line of text when a stage ends.
        purpose: added to the names of the stages, where they serve another one: readers do not take them for the last.
    """

    warehouse: Warehouse
    run_id: str
    job: str
    config_hash: str
    report: Callable[[str], None]
    purpose: str = ""

    def abandon_dead(self) -> None:
        """Mark stages that still say running as abandoned. Call only while holding the warehouse lock."""
        if not self.warehouse.exists(RUN):
            return
        DeltaTable.forPath(self.warehouse.spark, self.warehouse.path(RUN)).update(
            condition="outcome = 'running'", set={"outcome": "'abandoned'", "message": "'the run was killed'"}
        )

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """Record a stage: a row when it starts, replaced by its outcome when it ends or fails."""
        stage, started_at, clock = Stage(f"{name}{self.purpose}"), datetime.now(UTC), time.monotonic()
        self._write(stage, started_at, None, "running")
        try:
            yield stage
        except BaseException as problem:
            stage.message = f"{type(problem).__name__}: {problem}"[:2000]
            self._write(stage, started_at, time.monotonic() - clock, "failed")
            raise
        seconds = time.monotonic() - clock
        self._write(stage, started_at, seconds, "done")
        facts = [f"{key} {value:,}" for key, value in stage.rows.items()]
        facts += [f"{key} {value:.3f}" for key, value in stage.measures.items()]
        self.report(f"{stage.name:<9}{seconds:7.1f} s  {', '.join(facts)}")

    def _write(self, stage: Stage, started_at: datetime, seconds: float | None, outcome: str) -> None:
        row: dict[str, object] = {
            "run_id": self.run_id,
            "stage": stage.name,
            "job": self.job,
            "decision_date": stage.decision_date,
            "cutoff": stage.cutoff,
            "config_hash": self.config_hash,
            "code_version": __version__,
            "input_versions": stage.input_versions,
            "rows": stage.rows,
            "measures": stage.measures,
            "started_at": started_at,
            "seconds": seconds,
            "outcome": outcome,
            "message": stage.message,
        }
        frame = RUN.frame(self.warehouse.spark, [row]).coalesce(1)
        self.warehouse.replace_where(RUN, frame, f"run_id = '{self.run_id}' AND stage = '{stage.name}'")


def last_decision_date(warehouse: Warehouse, stage: str) -> date | None:
    """Decision date of the newest complete run of the stage: what readers show."""
    newest = (
        warehouse.read(RUN)
        .where((F.col("stage") == stage) & (F.col("outcome") == "done"))
        .agg(F.max_by("decision_date", "started_at").alias("decision_date"))
        .first()
    )
    return newest["decision_date"] if newest else None


def published_decision_date(warehouse: Warehouse) -> date | None:
    """Newest decision date for which ``demand`` was published."""
    published = warehouse.read(RUN).where("stage = 'demand' AND outcome = 'done' AND rows['published'] > 0")
    newest = published.agg(F.max("decision_date").alias("decision_date")).first()
    return newest["decision_date"] if newest else None
