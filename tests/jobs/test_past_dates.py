"""Deciding for a date in the past gives what was decided then: nothing that came later may change it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from tests.jobs.conftest import LATEST, PAST, Filled, Job
from tests.jobs.orders import PLAIN, lines_config, weekly_lines, write_csv
from tests.jobs.sample import CANCELLED_WHOLE, Sample
from tests.jobs.stored import Row, contents, differences, frame_of, rows_of

pytestmark = pytest.mark.spark

RESULTS = {"forecast": "cutoff", "backtest": "cutoff", "series_status": "cutoff", "policy": "decision_date",
           "order_plan": "decision_date"}  # fmt: skip


@pytest.fixture(scope="module")
def later(tiny_reference: Filled, copied: Callable[[Filled], Filled], job: Job) -> Filled:
    """The warehouse of the newest date, after deciding once more for a date two months before."""
    again = copied(tiny_reference)
    for stage in ("demand", "forecast", "plan"):
        assert job(stage, "--config", again.config, "--decision-date", PAST) == 0
    return again


@pytest.fixture(scope="module")
def then(tiny: Sample, job: Job, tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """A warehouse of that day: it has seen nothing that came later, and no customer key."""
    work = tmp_path_factory.mktemp("then")
    folder = work / "warehouse"
    known = tiny.known_before(PAST, work / "files")
    config = known.config(folder)
    assert job("nightly", "--config", config, "--decision-date", PAST, key=None) == 0
    return Filled(folder, config, known)


def _results(warehouse: Path, day: date) -> dict[str, list[Row]]:
    """What was computed for one date: its cutoff is the Monday before."""
    wanted = {"decision_date": day, "cutoff": date.fromordinal(day.toordinal() - 7)}
    return {
        name: [row for row in rows_of(warehouse, name) if row[column] == wanted[column]]
        for name, column in RESULTS.items()
        if (warehouse / name).is_dir()
    }


def test_what_came_later_changes_nothing(tiny: Sample, later: Filled, then: Filled) -> None:
    """Later orders, cancellations, receipts, snapshots and purchase orders; the truncated run has no key either."""
    found, expected = _results(later.folder, PAST), _results(then.folder, PAST)

    assert len(frame_of(later.folder, "sales_line")) > len(frame_of(then.folder, "sales_line"))
    assert len(expected["order_plan"]) == len(frame_of(then.folder, "order_plan")) == len(tiny.items)
    assert differences(expected, found) == []


def test_an_older_date_leaves_the_published_demand_and_plan(tiny_reference: Filled, later: Filled) -> None:
    run = frame_of(later.folder, "run")

    assert differences(contents(tiny_reference.folder, ["demand"]), contents(later.folder, ["demand"])) == []
    assert differences(_results(tiny_reference.folder, LATEST), _results(later.folder, LATEST)) == []
    older = run[(run["decision_date"] == PAST) & (run["stage"] == "demand")]
    assert list(older["rows"]) == [{"published": 0}]
    assert "newer" in older["message"].iloc[0]


def test_the_customer_key_changes_no_quantity(tiny_reference: Filled, then: Filled) -> None:
    keyed, keyless = frame_of(tiny_reference.folder, "sales_line"), frame_of(then.folder, "sales_line")
    keyed = keyed[keyed["ordered_at"] < keyless["ordered_at"].max()].sort_values(["order_id", "line_id"])
    keyless = keyless[keyless["ordered_at"] < keyless["ordered_at"].max()].sort_values(["order_id", "line_id"])

    assert keyed["customer_key"].notna().any()
    assert keyless["customer_key"].isna().all()
    for column in ("order_id", "line_id", "item_id", "ordered_at", "quantity", "cancels_line"):
        assert keyed[column].tolist() == keyless[column].tolist(), column
    ingest = frame_of(then.folder, "run").set_index("stage").loc["ingest"]
    assert "customer_key is null" in ingest["message"]


def test_a_sale_cancelled_later_is_still_a_sale_then(later: Filled, then: Filled) -> None:
    """The order of 80,995 pieces lies after the date, the one of 74,215 before it, with its cancellation."""
    lines = frame_of(later.folder, "sales_line")
    undone = lines[(lines["ordered_at"].dt.date < PAST) & (lines["cancelled_at"].dt.date >= PAST)]

    assert len(undone) > 0
    known = frame_of(then.folder, "sales_line").set_index(["order_id", "line_id"])
    assert known.loc[list(zip(undone["order_id"], undone["line_id"], strict=True)), "cancelled_at"].isna().all()
    assert CANCELLED_WHOLE[0] not in set(known["item_id"])


def test_demand_of_a_run_that_was_killed_is_not_taken_for_that_of_an_older_date(
    tmp_path: Path, spark: SparkSession, job: Job
) -> None:
    """A run killed between its commit of ``demand`` and its last word leaves newer demand than it says."""
    lines = weekly_lines("apple", [5, 7, 6, 5, 8, 7, 6, 5, 7, 9, 90, 95], "2011-01-05")
    source = write_csv(tmp_path / "lines.csv", lines)
    config = lines_config(tmp_path / "warehouse", source, forecast=PLAIN)
    older, newer = "2011-03-07", "2011-03-28"
    assert job("ingest", "--config", config) == 0
    assert job("demand", "--config", config, "--decision-date", older) == 0
    assert job("forecast", "--config", config, "--decision-date", older) == 0
    before = _results(tmp_path / "warehouse", date.fromisoformat(older))
    assert job("demand", "--config", config, "--decision-date", newer) == 0
    runs = DeltaTable.forPath(spark, str(tmp_path / "warehouse" / "run"))
    runs.update(F.col("decision_date") == date.fromisoformat(newer), {"outcome": F.lit("abandoned")})

    assert job("forecast", "--config", config, "--decision-date", older) == 0

    after = _results(tmp_path / "warehouse", date.fromisoformat(older))
    assert differences(before, after) == []
