"""A driver that is killed while it writes leaves whole tables, and the next run repairs what is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from tests.jobs.conftest import Filled, Job
from tests.jobs.running import Process, Processes, wait_until
from tests.jobs.stored import Row, contents, differences, frame_of

pytestmark = pytest.mark.spark

WRITES_INTO = {"ingest": "sales_line", "demand": "demand", "forecast": "forecast", "plan": "policy"}
"""Stage → the table in which the kill finds a file that is written but not committed."""


@dataclass(frozen=True)
class Victim:
    """A copy of the reference warehouse in which a planner has spoken; four kills happen to it, one after the other.

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


@pytest.fixture(scope="module")
def victim(reference: Filled, copied: Callable[[Filled], Filled], spark: SparkSession) -> Victim:
    """The copy, with the dearest proposal approved at another quantity."""
    copy = copied(reference)
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


def _kill_while_writing(stage: str, warehouse: Path, process: Process) -> None:
    table = warehouse / WRITES_INTO[stage]
    versions = len(list((table / "_delta_log").glob("*.json")))
    assert wait_until(lambda: process.ended or stage in _running(warehouse), 180, pause=0.2), process.text
    before = _files(table)
    assert wait_until(lambda: process.ended or bool(_files(table) - before), 180, pause=0.005), process.text
    process.kill()
    assert process.popen.returncode == -9, process.text
    assert len(list((table / "_delta_log").glob("*.json"))) <= versions + 1


@pytest.mark.parametrize("stage", WRITES_INTO)
def test_a_kill_leaves_every_table_as_before_or_as_after(stage: str, victim: Victim, processes: Processes) -> None:
    """The run repeats the one that filled the warehouse: as before and as after are the same rows."""
    process = processes.skucast(stage, "--config", str(victim.config))

    _kill_while_writing(stage, victim.folder, process)

    assert _running(victim.folder) == [stage]
    assert differences(victim.before, _tables(victim.folder)) == []


def test_the_next_nightly_run_ends_as_if_nothing_had_been_killed(
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
    assert sorted(run.loc[run["outcome"] == "abandoned", "stage"]) == sorted(WRITES_INTO)
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
