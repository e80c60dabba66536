"""The forecast stage on a synthetic catalogue of any size, from ``demand`` to ``forecast``: ``make bench-scale``.

    python benchmarks/scale/scale.py [--series 1000000] [--tiers null,cheap,default] [--weeks 104] [--keep FOLDER]

Demand is drawn by ``synthetic.py`` inside Spark and written as the table ``demand``; then the stage itself runs, as
``skucast forecast`` would run it: with a null model that returns zeros, with the cheap methods for every series
(``cheap-alone``: without the model over all series), and with the default tiers. Memory is that of the Java process and
of all its Python workers together, seen every second.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import stages
import synthetic
from pyspark.sql import functions as F

from skucast.cli.commands import COMMANDS
from skucast.config import load_config
from skucast.forecasting.engine.engine import forecast_panel
from skucast.forecasting.models.base import batched
from skucast.forecasting.models.registry import Method
from skucast.runtime.context import Context
from skucast.stages.forecast import fitting
from skucast.store.runs import RunRecord
from skucast.store.session import open_session
from skucast.store.warehouse import Warehouse
from skucast.tables import DEMAND, EVENT, ITEM_LOCATION, RUN, SALES_LINE

CONFIG = Path(__file__).parents[2] / "conf" / "base.yaml"
FIRST = date(2023, 1, 2)
HORIZON = 8


def main() -> None:
    """Make the catalogue, run the tiers, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--series", type=int, default=1_000_000, help="a multiple of 1,000")
    parser.add_argument("--weeks", type=int, default=104)
    parser.add_argument("--tiers", default="null,cheap,default", help="which runs, comma separated")
    parser.add_argument("--keep", help="folder in which the catalogue stays, to be used again")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as passing:
        context = opened(Path(arguments.keep or passing).absolute(), arguments.series, arguments.weeks)
        print(
            f"{'run':<12}{'series':>10}{'seconds':>10}{'core-ms a series':>18}{'x null':>8}{'GiB':>6}{'learner s':>11}"
        )
        floor = float("nan")
        for tier in arguments.tiers.split(","):
            seconds, memory, learning = measured(context, tier)
            floor = seconds if tier == "null" else floor
            times = f"{seconds:>10.1f}{2000.0 * seconds / arguments.series:>18.2f}{seconds / floor:>8.2f}"
            print(f"{tier:<12}{arguments.series:>10,}{times}{memory:>6.1f}{learning:>11}", flush=True)
        context.spark.stop()


def opened(folder: Path, n_series: int, n_weeks: int) -> Context:
    """A warehouse that holds the catalogue, as after ``skucast demand``."""
    own = [
        f"warehouse={folder}/{n_series}x{n_weeks}",
        f"forecast.horizon={HORIZON}",
        "spark.spark.driver.memory=4g",
    ]
    config = load_config(CONFIG, [*own, "frequency=W", "timezone=UTC", "currency=EUR"])
    spark = open_session(config.spark_settings, warehouse=config.warehouse, timezone="UTC", app="skucast scale")
    for module in (synthetic, stages):
        spark.sparkContext.addPyFile(module.__file__)
    warehouse = Warehouse(spark, config.warehouse, config.database)
    record = RunRecord(warehouse, "scale", "bench", config.hash, lambda _: None)
    context = Context(spark, config, warehouse, record, FIRST + timedelta(weeks=n_weeks), datetime.now(UTC))
    newest = datetime.combine(FIRST, datetime.min.time()) + timedelta(weeks=n_weeks, days=-1)
    names = ("order_id", "line_id", "item_id", "location_id", "source_file", "batch_id")
    line = dict.fromkeys(names, "L") | {"quantity": 1.0, "unit_price": 1.0}
    times = (datetime.combine(FIRST, datetime.min.time()), newest)
    lines = [line | {"line_id": str(number), "ordered_at": at} for number, at in enumerate(times)]
    warehouse.overwrite(SALES_LINE, SALES_LINE.frame(spark, lines))
    for table in (ITEM_LOCATION, EVENT):
        warehouse.overwrite(table, table.frame(spark))
    if not warehouse.exists(DEMAND):
        publish_demand(context, n_series, n_weeks)
    return context


def publish_demand(context: Context, n_series: int, n_weeks: int) -> None:
    """Draw the catalogue inside Spark and write it as ``demand`` of the decision date."""
    with context.record.stage("demand") as stage:
        stage.decision_date, stage.rows["published"] = context.asked_date, n_series
        n_blocks = n_series // synthetic.BLOCK
        blocks = context.spark.range(0, n_blocks, 1, numPartitions=max(2, n_blocks // 20))
        drawn = blocks.mapInArrow(partial(demand_rows, n_weeks=n_weeks), DRAWN)
        absent = {"returns": "0D", "is_closed": "false", "is_outlier": "false", "promotion": "false"}
        context.warehouse.overwrite(DEMAND, DEMAND.select(drawn.withColumns({k: F.expr(v) for k, v in absent.items()})))


DRAWN = "item_id string, location_id string, period_start date, sales double, demand double, is_censored boolean"


def demand_rows(batches: Iterator[pa.RecordBatch], n_weeks: int) -> Iterator[pa.RecordBatch]:
    """Rows of ``demand`` of the blocks."""
    for number in (number for batch in batches for number in batch.column("id").to_pylist()):
        made = synthetic.block(number, n_weeks)
        series, week = np.nonzero(np.arange(n_weeks) >= made.birth[:, None])
        censored, demand = made.is_censored[series, week], made.demand[series, week]
        names = pa.array([f"I{number:05d}-{each:03d}" for each in range(synthetic.BLOCK)])
        days = (np.datetime64(FIRST, "D").astype(np.int32) + 7 * week).astype(np.int32)
        columns = {
            "item_id": names.take(pa.array(series)),
            "location_id": pa.array(np.repeat("L", series.size)),
            "period_start": pa.array(days).cast(pa.date32()),
            "sales": np.where(censored, np.floor(demand / 2), demand),
            "demand": pa.array(demand, mask=censored),
            "is_censored": censored,
        }
        yield pa.RecordBatch.from_pydict({name: pa.array(column) for name, column in columns.items()})


def measured(context: Context, tier: str) -> tuple[float, float, int]:
    """Seconds of the stage, largest memory of all processes together in GiB, seconds of learning from all series."""
    rules = context.config.forecast
    cheap = rules.model_copy(update={"revenue_shares": rules.revenue_shares.model_copy(update={"full": 0.0})})
    only_mean = {"methods": ("mean",), "methods_by_class": dict.fromkeys(rules.methods_by_class, ("mean",))}
    null = rules.model_copy(update=only_mean)
    alone = cheap.model_copy(update={"learner": rules.learner.model_copy(update={"enabled": False})})
    tiers = {"null": null, "cheap": cheap, "cheap-alone": alone}
    context.config = context.config.model_copy(update={"forecast": tiers.get(tier, rules)})
    zero = partial(forecast_panel, methods=(Method("mean", batched(stages.zeros)),))
    with patch.object(fitting, "forecast_panel", zero if tier == "null" else forecast_panel), Memory() as memory:
        COMMANDS["forecast"](context)
    context.config = context.config.model_copy(update={"forecast": rules})
    row = context.warehouse.read(RUN).where("stage = 'forecast'").first()
    return (float(row["seconds"]), memory.peak, row["rows"].get("learner_seconds", 0)) if row else (np.nan, np.nan, 0)


class Memory:
    """Largest resident memory of the children of this process, all together, while it is open."""

    def __init__(self) -> None:
        self.peak, self._done = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(1.0):
            self.peak = max(self.peak, sum(resident(pid) for pid in family(os.getpid())) / 2**20)


def family(root: int) -> set[int]:
    """A process and its descendants."""
    parents = {int(path.name): parent_of(path) for path in Path("/proc").iterdir() if path.name.isdigit()}
    found, size = {root}, 0
    while len(found) > size:
        size = len(found)
        found |= {pid for pid, parent in parents.items() if parent in found}
    return found


def parent_of(process: Path) -> int:
    """Parent of a process; 0 if it has just ended."""
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def resident(pid: int) -> int:
    """Memory that a process has to itself and its fair part of what it shares, in KiB; 0 if it has just ended."""
    try:
        found = re.search(r"Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(found[1]) if found else 0


if __name__ == "__main__":
    main()
