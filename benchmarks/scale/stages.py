"""Seconds and rows per second of each stage on a multiple of the packaged sample: ``make bench``.

    python benchmarks/scale/stages.py [--fold 20] [--stages ingest,demand]

The forecast stage is run three times in the same process: with a null model that returns zeros (the floor of reading,
shuffling, crossing to Python and writing), with the cheap methods, and with the null model again, so that the ratio
does not depend on the machine's mood.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd

from skucast.cli.commands import COMMANDS
from skucast.config import Config, load_config
from skucast.datasets import dataset_path
from skucast.forecasting.engine.engine import forecast_panel
from skucast.forecasting.models.base import ModelFit, batched
from skucast.forecasting.models.registry import METHODS, Method, Tier
from skucast.forecasting.panel.panel import Panel
from skucast.runtime.context import Context
from skucast.stages.forecast import fitting
from skucast.store.runs import RunRecord
from skucast.store.session import open_session
from skucast.store.warehouse import Warehouse
from skucast.tables import DEMAND, FORECAST, ORDER_PLAN, RUN, SALES_LINE

CONFIG = Path(__file__).parents[2] / "conf" / "online_retail.yaml"
CHEAP = tuple(method.name for method in METHODS if method.tier == Tier.CHEAP)


def main() -> None:
    """Run the stages and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--fold", type=int, default=1, help="copies of the sample, with invoices of their own")
    parser.add_argument("--stages", default="ingest,demand,forecast,plan", help="which stages, comma separated")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = folded(Path(folder), arguments.fold)
        config = load_config(CONFIG, [f"warehouse={folder}/warehouse", f"sources.sales_line.path={source}"])
        run_stages(config, arguments.stages.split(","))


def folded(folder: Path, fold: int) -> str:
    """The sample ``fold`` times over, each copy with invoices and customers of its own, as Parquet files."""
    sample = dataset_path("online_retail.parquet")
    if fold == 1:
        return str(sample)
    target = folder / "lines"
    target.mkdir()
    lines = pd.read_parquet(sample)
    for copy in range(fold):
        renamed = lines["InvoiceNo"].str.replace(r"^(C?)", rf"\g<1>{copy:03d}", n=1, regex=True)
        customers = lines["CustomerID"] + 100_000 * copy
        lines.assign(InvoiceNo=renamed, CustomerID=customers).to_parquet(
            target / f"copy{copy:03d}.parquet", index=False
        )
    return str(target)


def run_stages(config: Config, stages: list[str]) -> None:
    """Run each stage through its pipeline and print rows, seconds and ratios."""
    settings = config.spark_settings
    spark = open_session(settings, warehouse=config.warehouse, timezone=config.timezone, app="skucast bench")
    warehouse = Warehouse(spark, config.warehouse, config.database)
    record = RunRecord(warehouse, "bench", "bench", config.hash, lambda _: None)
    context = Context(spark, config, warehouse, record, None, datetime.now(UTC))
    print(f"{'stage':<22}{'rows':>12}{'seconds':>10}{'rows/s':>12}{'x null':>9}")
    for stage in stages:
        if stage == "forecast":
            forecast_with_floor(context)
        else:
            COMMANDS[stage](context)
            line(stage, rows_of(context, stage), seconds_of(context, stage))
    print(f"peak memory of the JVM {peak_memory(spark):.1f} GiB, spark.driver.memory {settings['spark.driver.memory']}")
    spark.stop()


def forecast_with_floor(context: Context) -> None:
    """The forecast stage with the null model, the cheap methods, and the null model again."""
    rules = context.config.forecast.model_copy(update={"methods": CHEAP})
    context.config = context.config.model_copy(update={"forecast": rules})
    zero = partial(forecast_panel, methods=(Method("mean", batched(zeros)),))
    floors = []
    for name, engine in (("null", zero), ("cheap", forecast_panel), ("null", zero)):
        only_mean = {"methods": ("mean",), "methods_by_class": dict.fromkeys(rules.methods_by_class, ("mean",))}
        null_rules = rules.model_copy(update=only_mean) if name == "null" else rules
        context.config = context.config.model_copy(update={"forecast": null_rules})
        with patch.object(fitting, "forecast_panel", engine):
            COMMANDS["forecast"](context)
        seconds = seconds_of(context, "forecast")
        floors += [seconds] if name == "null" else []
        line(f"forecast ({name})", rows_of(context, "forecast"), seconds, seconds / min(floors))


def zeros(panel: Panel) -> ModelFit:
    """The null model: no demand at all."""
    return ModelFit(np.zeros((panel.n_series, panel.horizon)))


def rows_of(context: Context, stage: str) -> int:
    """Rows that the stage wrote to its main table."""
    tables = {"ingest": SALES_LINE, "demand": DEMAND, "forecast": FORECAST, "plan": ORDER_PLAN}
    return context.warehouse.read(tables[stage]).count()


def seconds_of(context: Context, stage: str) -> float:
    """Seconds of the stage from the run record."""
    row = context.warehouse.read(RUN).where(f"stage = '{stage}'").select("seconds").first()
    return float(row["seconds"]) if row else float("nan")


def line(name: str, rows: int, seconds: float, ratio: float | None = None) -> None:
    """Print one row of the table."""
    times = f"{ratio:9.2f}" if ratio else ""
    print(f"{name:<22}{rows:>12,}{seconds:>10.1f}{rows / seconds:>12,.0f}{times}", flush=True)


def peak_memory(spark: object) -> float:
    """Largest resident size of Spark's JVM so far, in GiB."""
    pid = spark.sparkContext._gateway.proc.pid  # type: ignore[attr-defined]
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 2**20 if found else float("nan")


if __name__ == "__main__":
    main()
