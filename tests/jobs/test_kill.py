"""A driver that dies while it writes leaves whole tables, and the next run repairs what is missing.

One driver is killed for good. The others die of a fault in this process: the files of a table are written, the commit
is not, and nothing is written after that, the run record included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from skucast.tables import Table
from tests.jobs.conftest import Filled, Job
from tests.jobs.running import Process, Processes, wait_until
from tests.jobs.stored import Row, contents, differences, frame_of

pytestmark = pytest.mark.spark

WRITES_INTO = {"demand": "demand", "forecast": "forecast", "plan": "policy"}
"""Stage → the table in which the fault leaves files that are written but not committed."""
KILLED = ("ingest", "sales_line")
"""The stage that is killed, and the table in which the kill finds such a file."""


@dataclass(frozen=True)
class Victim:
    """A copy of the reference warehouse in which a planner has spoken; four deaths happen to it, one after the other.

    Attributes:
        folder: the warehouse.
        config: its configuration.
        before: every table but ``run``, as it was.
        item: item whose proposal the planner changed and approved.
    """

    folder: Path
    config: Path
    before: dict[str, list[Row]]
    item: str


class DiedError(BaseException):
    """What stands for the death of the driver: nobody catches it."""


@dataclass
class Fault:
    """Breaks the write into a table off after a file and before the commit, and every write after that.

    Attributes:
        table: folder of the table.
        has_struck: whether the write has begun.
    """

    table: Path
    has_struck: bool = field(default=False, init=False)

    def __call__(self, table: Table, rows: DataFrame) -> DataFrame:
        """In place of ``rows_to_write``."""
        if self.has_struck:
            raise DiedError
        if table.name != self.table.name:
            return rows
        self.has_struck = True
        failing = partial(_broken_off, table=self.table, before=_files(self.table))
        return rows.union(rows.sparkSession.range(0, 1, 1, 1).mapInArrow(failing, rows.schema))


def _broken_off(batches: Iterator[pa.RecordBatch], *, table: Path, before: set[Path]) -> Iterator[pa.RecordBatch]:
    """A partition beside the others: no rows, and a failure as soon as one of them has a file."""
    yield from ()
    assert wait_until(lambda: bool(_files(table) - before), 120)
    raise OSError("the disk is gone")


@pytest.fixture(scope="module")
def victim(tiny_reference: Filled, copied: Callable[[Filled], Filled], spark: SparkSession) -> Victim:
    """The copy, with the dearest proposal approved at another quantity."""
    copy = copied(tiny_reference)
    item = frame_of(copy.folder, "order_plan").sort_values("value", ascending=False)["item_id"].iloc[0]
    word = {"status": "approved", "final_quantity": 17.0, "decided_by": "Ada", "decided_at": datetime(2011, 12, 5, 9)}
    DeltaTable.forPath(spark, str(copy.folder / "order_plan")).update(
        F.col("item_id") == item, {name: F.lit(value) for name, value in word.items()}
    )
    return Victim(copy.folder, copy.config, _tables(copy.folder), item)


def _tables(warehouse: Path) -> dict[str, list[Row]]:
    return {name: rows for name, rows in contents(warehouse).items() if name != "run"}


def _running(warehouse: Path) -> list[str]:
    run = frame_of(warehouse, "run")
    return list(run.loc[run["outcome"] == "running", "stage"])


def _files(table: Path) -> set[Path]:
    return set(table.rglob("*.parquet"))


def _commits(table: Path) -> int:
    return len(list((table / "_delta_log").glob("*.json")))


def _kill_while_writing(stage: str, table: Path, process: Process) -> None:
    commits = _commits(table)
    assert wait_until(lambda: process.ended or stage in _running(table.parent), 180, pause=0.2), process.text
    before = _files(table)
    assert wait_until(lambda: process.ended or bool(_files(table) - before), 180, pause=0.005), process.text
    process.kill()
    assert process.popen.returncode == -9, process.text
    assert _commits(table) <= commits + 1


@pytest.mark.parametrize("stage", WRITES_INTO)
def test_a_death_between_files_and_commit_leaves_every_table_as_it_was(
    stage: str, victim: Victim, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = victim.folder / WRITES_INTO[stage]
    files, commits = _files(table), _commits(table)
    monkeypatch.setattr("skucast.store.warehouse.rows_to_write", Fault(table))

    with pytest.raises(DiedError):
        job(stage, "--config", victim.config)

    assert _files(table) > files
    assert _commits(table) == commits
    assert _running(victim.folder) == [stage]
    assert differences(victim.before, _tables(victim.folder)) == []


def test_a_kill_leaves_every_table_as_before_or_as_after(victim: Victim, processes: Processes) -> None:
    """The run repeats the one that filled the warehouse: as before and as after are the same rows."""
    stage, table = KILLED
    process = processes.skucast(stage, "--config", str(victim.config))

    _kill_while_writing(stage, victim.folder / table, process)

    assert _running(victim.folder) == [stage]
    assert differences(victim.before, _tables(victim.folder)) == []


def test_the_next_nightly_run_ends_as_if_nobody_had_died(
    victim: Victim, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    """The tables are those of before, the planner's word included; the run record says what was killed."""
    interrupted = frame_of(victim.folder, "run").groupby("outcome")["stage"].count()
    assert interrupted.to_dict() == {"done": 4, "abandoned": 3, "running": 1}

    assert job("nightly", "--config", victim.config) == 0

    assert "broke the lock of a run that died" in capsys.readouterr().out
    assert differences(victim.before, _tables(victim.folder)) == []
    run = frame_of(victim.folder, "run")
    assert run.groupby("outcome")["stage"].count().to_dict() == {"done": 8, "abandoned": 4}
    assert sorted(run.loc[run["outcome"] == "abandoned", "stage"]) == sorted([*WRITES_INTO, KILLED[0]])
    assert set(run.loc[run["outcome"] == "abandoned", "message"]) == {"the run was killed"}


def test_the_next_nightly_run_leaves_the_planners_word(victim: Victim) -> None:
    """Its row is still of the first run, all others are of the last."""
    run, plan = frame_of(victim.folder, "run"), frame_of(victim.folder, "order_plan").set_index("item_id")
    done = run[run["outcome"] == "done"].sort_values("started_at")["run_id"].drop_duplicates()
    row = plan.loc[victim.item]

    assert (row["status"], row["final_quantity"], row["decided_by"]) == ("approved", 17, "Ada")
    assert row["run_id"] == done.iloc[0]
    assert set(plan.drop(victim.item)["run_id"]) == {done.iloc[1]}
    assert set(plan.drop(victim.item)["status"]) == {"proposed"}
