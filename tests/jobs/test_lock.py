"""Two runs on one warehouse: one after the other, or a clear refusal; an owner that died does not block."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.jobs.orders import lines_config, weekly_lines, write_csv
from tests.jobs.running import Process, Processes, wait_until

pytestmark = pytest.mark.spark

HOLDER = """
import sys, time
from skucast.store.lock import warehouse_lock
with warehouse_lock(sys.argv[1], wait_seconds=float(sys.argv[2])) as remark:
    print("holding,", remark, flush=True)
    time.sleep(float(sys.argv[3]))
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration over a few order lines."""
    source = write_csv(tmp_path / "lines.csv", weekly_lines("apple", [3, 5, 4], "2011-01-05"))
    return lines_config(tmp_path / "warehouse", source)


def _holder(processes: Processes, warehouse: Path, *, wait: float = 0, hold: float = 120) -> Process:
    return processes.script(HOLDER, str(warehouse), str(wait), str(hold))


def _holding(process: Process) -> bool:
    return "holding" in process.text


def test_a_second_run_is_refused_and_told_who_owns_the_warehouse(
    tmp_path: Path, config: Path, processes: Processes
) -> None:
    warehouse = tmp_path / "warehouse"
    owner = _holder(processes, warehouse)
    assert wait_until(lambda: _holding(owner), 30), owner.text

    second = processes.skucast("ingest", "--config", str(config), "--set", "lock_wait_seconds=0")

    assert second.end(60) == 1
    said = f"skucast: warehouse {warehouse} is in use by process {owner.popen.pid} on {socket.gethostname()} since "
    assert said in second.text
    assert "Traceback" not in second.text
    assert [each.name for each in warehouse.iterdir()] == ["_skucast.lock"]
    assert not owner.ended


def test_a_second_run_that_waits_gets_its_turn(tmp_path: Path, processes: Processes) -> None:
    warehouse = tmp_path / "warehouse"
    owner = _holder(processes, warehouse, hold=2)
    assert wait_until(lambda: _holding(owner), 30), owner.text

    second = _holder(processes, warehouse, wait=60, hold=0)

    assert not wait_until(lambda: _holding(second), 0.5)
    assert second.end(60) == 0
    assert "holding, None" in second.text
    assert owner.end(0) == 0


def test_two_runs_that_start_at_once_do_not_hold_it_together(tmp_path: Path, processes: Processes) -> None:
    both = [_holder(processes, tmp_path / "warehouse", hold=3) for _ in range(2)]

    assert sorted(each.end(60) for each in both) == [0, 1]
    assert sum(_holding(each) for each in both) == 1


def test_a_run_that_waited_takes_over_from_an_owner_that_died(tmp_path: Path, processes: Processes) -> None:
    warehouse = tmp_path / "warehouse"
    owner = _holder(processes, warehouse)
    assert wait_until(lambda: _holding(owner), 30), owner.text
    second = _holder(processes, warehouse, wait=600, hold=0)
    assert not wait_until(lambda: second.ended, 1.5)

    owner.kill()

    assert second.end(60) == 0, second.text
    assert f"holding, broke the lock of a run that died: process {owner.popen.pid} on " in second.text
    assert (warehouse / "_skucast.lock").read_text() == ""
