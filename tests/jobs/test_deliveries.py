"""Order lines that arrive in several files, again, late, and in several formats."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from skucast.config import load_config
from skucast.stages.ingest.sales_lines import Fate, LineRules, classified
from skucast.store.sources import mapped_source
from tests.jobs.conftest import Job
from tests.jobs.orders import COLUMNS, line, lines_config, weekly_lines, write_csv
from tests.jobs.stored import Row, frame_of, rows_of

pytestmark = pytest.mark.spark

CONTENT = ["order_id", "line_id", "item_id", "location_id", "ordered_at", "quantity", "unit_price"]
RULES = LineRules(
    cancellation_order_pattern=None, not_items=[], max_quantity=1e6, earliest_date=date(1990, 1, 1),
    latest=datetime(2012, 1, 1, tzinfo=UTC), price_expected=True,
)  # fmt: skip
FIRST = [
    *weekly_lines("apple", [3, 5, 4, 0, 6], "2011-06-01"),
    line("A", 1, "apple", "2011-06-08 23:30:00", 30),
    line("A", 2, "pear", "2011-06-08 23:30:00", 8),
    line("A", 3, "plum", "2011-06-08 23:30:00", 2),
    line("B", 1, "pear", "2011-06-20 09:00:00", 7),
]
SECOND = [
    line("A", 1, "apple", "2011-06-08 23:30:00", 20),
    line("A", 2, "pear", "2011-06-08 23:30:00", 8),
    line("LATE", 1, "pear", "2011-06-09 09:00:00", 11),
    *weekly_lines("pear", [9], "2011-07-04"),
]


@dataclass
class Shop:
    """A folder into which an order system drops files, and the warehouse that reads it."""

    job: Job
    work: Path
    delivered: list[Path] = field(default_factory=list)

    @property
    def warehouse(self) -> Path:
        return self.work / "warehouse"

    def deliver(self, lines: Sequence[dict[str, Any]]) -> None:
        """One more file; each is a minute newer than the one before."""
        path = write_csv(self.work / "lines" / f"{len(self.delivered)}.csv", lines)
        os.utime(path, (1_600_000_000 + 60 * len(self.delivered),) * 2)
        self.delivered.append(path)

    def ingest(self) -> dict[str, int]:
        """Read the folder; the counts of the run record."""
        config = lines_config(self.warehouse, self.work / "lines", inventory={"defaults": {"lead_time_days": 7}})
        assert self.job("ingest", "--config", config) == 0
        rows: dict[str, int] = frame_of(self.warehouse, "run").sort_values("started_at")["rows"].iloc[-1]
        return rows

    def lines(self) -> pd.DataFrame:
        return frame_of(self.warehouse, "sales_line").set_index(["order_id", "line_id"])


@pytest.fixture(scope="module")
def shop(job: Job, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop that has delivered twice: read after the first file, after the second, and once more."""
    shop = Shop(job, tmp_path_factory.mktemp("shop"))
    shop.deliver(FIRST)
    first = shop.ingest()
    assert first["sales_line"] == len(FIRST)
    shop.deliver(SECOND)
    return shop


@pytest.fixture(scope="module")
def counts(shop: Shop) -> dict[str, int]:
    """What reading the grown folder counted."""
    return shop.ingest()


def test_an_order_delivered_again_is_replaced_whole(shop: Shop, counts: dict[str, int]) -> None:
    """The changed line has its new quantity, and the line that is gone is gone."""
    order = shop.lines().loc["A"]

    assert order["quantity"].to_dict() == {"1": 20, "2": 8}
    assert set(order["source_file"].str.rsplit("/").str[-1]) == {"1.csv"}
    assert counts["superseded"] == 3
    assert counts["rows_in"] == len(FIRST) + len(SECOND) == counts["accepted"] + counts["duplicates"]


def test_orders_that_were_not_delivered_again_stay(shop: Shop, counts: dict[str, int]) -> None:
    lines = shop.lines()

    assert lines.loc[("B", "1"), "quantity"] == 7
    assert counts["sales_line"] == len(lines) == len(FIRST) - 3 + len(SECOND)


def test_a_late_line_lands_in_its_own_period(shop: Shop, counts: dict[str, int]) -> None:
    """Delivered with a file of July, ordered on a Thursday of June."""
    config = shop.warehouse.with_suffix(".yaml")
    assert shop.job("demand", "--config", config, "--decision-date", "2011-07-04") == 0

    pears = frame_of(shop.warehouse, "demand").set_index(["item_id", "period_start"]).loc["pear", "sales"]

    assert {str(day): sold for day, sold in pears.items()} == {
        "2011-06-06": 8 + 11, "2011-06-13": 0, "2011-06-20": 7, "2011-06-27": 0,
    }  # fmt: skip


def test_reading_the_grown_folder_again_counts_nothing_twice(shop: Shop, counts: dict[str, int]) -> None:
    before = rows_of(shop.warehouse, "sales_line")

    again = shop.ingest()

    assert again == counts
    assert rows_of(shop.warehouse, "sales_line") == before


def test_an_older_order_stays_when_its_file_is_taken_away(job: Job, shop: Shop, counts: dict[str, int]) -> None:
    """A source that delivers news only: what it no longer holds is kept."""
    shop.delivered[0].rename(shop.work / "archived.csv")
    before = shop.lines()

    seen = shop.ingest()

    assert seen["rows_in"] == len(SECOND)
    assert shop.lines()["quantity"].to_dict() == before["quantity"].to_dict()


def _write_as(format: str, path: Path, spark: SparkSession) -> None:  # noqa: A002
    frame = pd.DataFrame(FIRST, columns=list(COLUMNS)).drop(columns="customer_id")
    if format == "csv":
        frame.to_csv(path, index=False)
    elif format == "json":
        frame.to_json(path, orient="records", lines=True)
    elif format == "parquet":
        timed = frame.assign(ordered_at=pd.to_datetime(frame["ordered_at"]))
        timed.to_parquet(path, index=False, coerce_timestamps="us")
    else:
        spark.createDataFrame(frame).write.format("delta").save(str(path))


@pytest.mark.parametrize("format", ["csv", "json", "parquet", "delta"])
def test_every_format_gives_the_same_lines(format: str, tmp_path: Path, spark: SparkSession) -> None:  # noqa: A002
    """Compared with what the file says: order times are of the configured zone, here British summer time."""
    _write_as(format, tmp_path / "lines", spark)
    columns = {"customer_id": "cast(NULL AS string)"}
    config = load_config(lines_config(tmp_path / "warehouse", tmp_path / "lines", format, columns=columns))

    mapped = mapped_source(spark, "sales_line", config.sources["sales_line"].model_dump())
    found = classified(mapped, RULES).where(F.col("fate") == Fate.ACCEPTED.value).select(*CONTENT).toArrow().to_pylist()

    at = pd.to_datetime(pd.Series([each["ordered_at"] for each in FIRST])).dt.tz_localize("Europe/London")
    expected = [
        {name: each[name] for name in CONTENT} | {"ordered_at": when.tz_convert("UTC").to_pydatetime()}
        for each, when in zip(FIRST, at, strict=True)
    ]
    assert _sorted(found) == _sorted(expected)


def _sorted(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row["order_id"], row["line_id"]))
