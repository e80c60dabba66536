"""The run record: one row per stage, whatever its end."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from skucast.store.runs import RunRecord, last_decision_date, published_decision_date
from skucast.store.warehouse import Warehouse
from skucast.tables import RUN

pytestmark = pytest.mark.spark

D = date(2011, 10, 3)


def record_of(warehouse: Warehouse, run_id: str, said: list[str]) -> RunRecord:
    return RunRecord(warehouse, run_id, "nightly", "abc", said.append)


def _fail(record: RunRecord) -> None:
    with record.stage("demand") as stage:
        stage.decision_date, stage.rows = date(2012, 1, 2), {"published": 1}
        raise ZeroDivisionError("it's 1/0")


def outcomes(warehouse: Warehouse) -> dict[tuple[str, str], str]:
    fresh = Warehouse(warehouse.spark, warehouse.root, "runs")
    return {(row["run_id"], row["stage"]): row["outcome"] for row in fresh.read(RUN).collect()}


def test_a_stage_is_running_then_done_failed_or_abandoned_and_readers_see_complete_ones(
    spark: SparkSession, tmp_path: Path
):
    warehouse, said = Warehouse(spark, str(tmp_path), "runs"), []
    assert last_decision_date(warehouse, "demand") is None
    assert published_decision_date(warehouse) is None
    record_of(warehouse, "0", said).abandon_dead()

    with record_of(warehouse, "1", said).stage("demand") as stage:
        stage.decision_date, stage.rows, stage.input_versions = D, {"published": 1234}, {"sales_line": 3}
        assert {("1", "demand"): "running"} == outcomes(warehouse)
    row = warehouse.read(RUN).first()
    assert ("done", D, {"published": 1234}, {"sales_line": 3}, "abc") == (
        row["outcome"], row["decision_date"], row["rows"], row["input_versions"], row["config_hash"],
    )  # fmt: skip
    assert 0 < row["seconds"] < 600
    assert "demand" == said[0].split()[0]
    assert said[0].endswith("published 1,234")

    with pytest.raises(ZeroDivisionError):
        _fail(record_of(warehouse, "2", said))
    killed = record_of(warehouse, "3", said).stage("plan")
    killed.__enter__()
    later = Warehouse(spark, str(tmp_path), "runs")
    record_of(later, "4", said).abandon_dead()
    assert {("1", "demand"): "done", ("2", "demand"): "failed", ("3", "plan"): "abandoned"} == outcomes(later)
    failed = later.read(RUN).where("run_id = '2'").first()
    assert "ZeroDivisionError: it's 1/0" == failed["message"]
    # Neither the failed run's later date nor one that did not publish counts.
    assert D == last_decision_date(later, "demand") == published_decision_date(later)
    with record_of(later, "5", said).stage("demand") as stage:
        stage.decision_date, stage.rows = date(2011, 9, 5), {"published": 0}
    assert D == published_decision_date(later)
    assert date(2011, 9, 5) == last_decision_date(later, "demand")
    assert last_decision_date(later, "plan") is None
    assert 2 == len(said)
