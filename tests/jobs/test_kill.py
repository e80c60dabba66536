"""A driver that is killed while it writes leaves whole tables, and the next run repairs what is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.jobs.conftest import Filled, Job
from tests.jobs.running import Process, Processes, wait_until
from tests.jobs.stored import contents, differences, frame_of

pytestmark = pytest.mark.spark

WRITES_INTO = {"ingest": "sales_line", "demand": "demand", "forecast": "forecast", "plan": "policy"}
"""Stage → the table in which the kill finds a file that is written but not committed."""


@pytest.fixture(scope="module")
def killed(reference: Filled, copied: Callable[[Filled], Filled]) -> Filled:
    """A copy of the reference warehouse: the four kills happen to it one after the other."""
    return copied(reference)


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
def test_a_kill_leaves_every_table_as_before_or_as_after(
    stage: str, reference: Filled, killed: Filled, processes: Processes
) -> None:
    """The run repeats the one that filled the warehouse: as before and as after are the same rows."""
    process = processes.skucast(stage, "--config", str(killed.config))

    _kill_while_writing(stage, killed.folder, process)

    assert _running(killed.folder) == [stage]
    names = [name for name in contents(reference.folder) if name != "run"]
    assert differences(contents(reference.folder, names), contents(killed.folder, names)) == []


def test_the_next_nightly_run_ends_as_if_nothing_had_been_killed(
    reference: Filled, killed: Filled, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted = frame_of(killed.folder, "run").groupby("outcome")["stage"].count()
    assert interrupted.to_dict() == {"done": 4, "abandoned": 3, "running": 1}

    assert job("nightly", "--config", killed.config) == 0

    assert "broke the lock of a run that died" in capsys.readouterr().out
    expected, found = contents(reference.folder), contents(killed.folder)
    del expected["run"], found["run"]
    assert differences(expected, found) == []
    run = frame_of(killed.folder, "run")
    assert sorted(run.loc[run["outcome"] == "abandoned", "stage"]) == sorted(WRITES_INTO)
    assert run.groupby("outcome")["stage"].count().to_dict() == {"done": 8, "abandoned": 4}
    assert set(run.loc[run["outcome"] == "abandoned", "message"]) == {"the run was killed"}
