"""A tiny shop: CSV files, a configuration, and what reads them: functions of a stage, or the command line itself.

A run of the command line takes seconds and the functions that it calls a fraction of one: a story goes through the
command line only where it is about the command line.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import SparkSession

from skucast.cli.main import main
from skucast.config import load_config
from skucast.runtime.context import Context
from skucast.stages.ingest.stage import checked_source
from skucast.store.runs import RunRecord
from skucast.store.warehouse import Warehouse
from skucast.tables import SALES_LINE, TABLES

FIRST = date(2011, 1, 3)
"""A Monday: the first day of sales."""
N_WEEKS = 20
D = FIRST + timedelta(days=7 * N_WEEKS)
FORECAST: dict[str, Any] = {
    "methods": ["naive", "mean", "ses"], "origins": 3, "min_buckets": 2, "min_periods": 4,
    "accuracy": "none", "groups": {"reconciliation": "none"},
}  # fmt: skip
"""Few methods, and no table that only reports."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Shop:
    """A folder with input files and, unless told otherwise, a warehouse beside them."""

    spark: SparkSession
    folder: Path
    capture: pytest.CaptureFixture[str]

    @property
    def warehouse(self) -> Path:
        """Where tables go."""
        return self.folder / "warehouse"

    def write(self, name: str, rows: Iterable[Row]) -> Path:
        """Write a CSV file."""
        rows = list(rows)
        path = self.folder / name
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(dict.fromkeys(key for row in rows for key in row)))
            writer.writeheader()
            writer.writerows(rows)
        return path

    def config(self, sections: Mapping[str, Any] | None = None, *, without: Sequence[str] = ()) -> Path:
        """Write a configuration; ``sections`` are laid over the shop's own."""
        tree: dict[str, Any] = {
            "warehouse": str(self.warehouse),
            "frequency": "W",
            "timezone": "Europe/London",
            "currency": "GBP",
            "sources": self.sources(sales_line="lines"),
            "forecast": FORECAST,
            "inventory": {"defaults": {"lead_time_days": 7, "review_period_days": 7}},
            "spark": {"spark.sql.shuffle.partitions": 2},
        }
        tree = {key: value for key, value in {**tree, **(sections or {})}.items() if key not in without}
        path = self.folder / "config.yaml"
        path.write_text(yaml.safe_dump(tree, allow_unicode=True), encoding="utf-8")
        return path

    def sources(self, *names: str, **files: str) -> dict[str, Any]:
        """Sources that read a CSV file of the shop each: named like its table, or ``table="file"``."""
        named = dict.fromkeys(names) | files
        return {table: {"format": "csv", "path": str(self.folder / f"{file or table}.csv")}
                for table, file in named.items()}  # fmt: skip

    def context(self, *settings: str, day: date | None = None) -> Context:
        """What the functions of a stage are given: the configuration with settings laid over, and a decision date."""
        config = load_config(self.folder / "config.yaml", settings)
        tables = Warehouse(self.spark, config.warehouse, config.database)
        record = RunRecord(tables, "a run", "test", config.hash, lambda _: None)
        return Context(self.spark, config, tables, record, day, datetime.now(UTC))

    def accept(self, lines: Sequence[Row]) -> None:
        """Have order lines (rows of ``sale``) in the warehouse as if they had been read and accepted."""
        origin = {"source_file": "lines.csv", "batch_id": "1"}
        rows = [
            {**line, **origin, "line_id": f"{n}", "quantity": float(line["quantity"]),
             "ordered_at": datetime.fromisoformat(line["ordered_at"])}
            for n, line in enumerate(lines)
        ]  # fmt: skip
        self.context().warehouse.overwrite(SALES_LINE, SALES_LINE.frame(self.spark, rows))

    def take_in(self, *names: str) -> None:
        """Read the sources of input tables, check them, and write them."""
        context = self.context()
        for name in names:
            context.warehouse.overwrite(TABLES[name], checked_source(context, TABLES[name]))

    def run(self, *words: str, config: Path | None = None) -> Outcome:
        """Run a command as a user types it."""
        self.capture.readouterr()
        command, *options = words
        code = main([command, "--config", str(config or self.folder / "config.yaml"), *options])
        printed = self.capture.readouterr()
        return Outcome(code, printed.out, printed.err)

    def refused(self, *words: str, code: int = 2, config: Path | None = None) -> str:
        """The message of a command that must fail: one clear statement, no stack trace."""
        outcome = self.run(*words, config=config)
        assert code == outcome.code, outcome
        assert outcome.err.startswith("skucast: "), outcome.err
        for trace in ("Traceback", "\tat ", "Py4JJavaError", "org.apache.spark"):
            assert trace not in outcome.err
        return outcome.err

    def rows(self, table: str, where: str = "true") -> list[dict[str, Any]]:
        """Rows of a table as a fresh reader sees them."""
        warehouse = Warehouse(self.spark, str(self.warehouse), "skucast")
        return [row.asDict() for row in warehouse.read(TABLES[table]).where(where).collect()]

    def tables(self) -> set[str]:
        """Names of the tables that were written."""
        warehouse = Warehouse(self.spark, str(self.warehouse), "skucast")
        return {name for name, table in TABLES.items() if warehouse.exists(table)}


def sale(item: str, day: date, quantity: object = 1, **changes: object) -> dict[str, Any]:
    """An order line."""
    order = f"{item}-{day:%y%m%d}"
    row = {
        "order_id": order, "item_id": item, "location_id": "GB-1", "quantity": quantity, "unit_price": 2.5,
        "ordered_at": datetime(day.year, day.month, day.day, 12).isoformat(sep=" "), "customer_id": "7",
    }  # fmt: skip
    return row | changes


def weekly(item: str, *, weeks: int = N_WEEKS) -> list[dict[str, Any]]:
    """A sale every Tuesday, and a last one in the week of D, which is not over."""
    days = [FIRST + timedelta(days=1 + 7 * week) for week in range(weeks)]
    return [sale(item, day, 5 + number % 4) for number, day in enumerate([*days, D + timedelta(days=1)])]


class _Nothing:
    """In place of pytest's capture, which lives for one test only."""

    def readouterr(self) -> Any:
        return Outcome(0, "", "")


def lasting(spark: SparkSession, folder: Path) -> Shop:
    """A shop for all tests of a module; it shows nothing of what is printed."""
    return Shop(spark, folder, _Nothing())  # type: ignore[arg-type]


def row(shop: Shop, table: str, item: str) -> dict[str, Any]:
    """The only row of an item."""
    (found,) = [each for each in shop.rows(table) if each["item_id"] == item]
    return found
