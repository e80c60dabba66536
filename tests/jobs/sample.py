"""A small real sample: some sixty or twenty items of the packaged order lines, with everything that belongs to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

from skucast.datasets import FOLDER
from tests.places import ROOT

CONFIG = ROOT / "conf" / "online_retail.yaml"
MASTERS = ("item", "item_location", "supplier", "event")
DATED = {"stock": "as_of", "receipt": "received_on", "open_order": "ordered_on"}

CANCELLED_WHOLE = ("23843", "23166")
"""Their orders of 80,995 and 74,215 pieces were cancelled within minutes."""
DO_NOT_ORDER = ("21784", "22443", "84584")
DISCONTINUED = ("21717", "22618", "85016")
NEVER_COUNTED = ("22086", "21784")
"""Items whose stock snapshots are left out: one that is ordered, one that is not to be ordered."""
NEVER_SOLD = "SAMPLE-NEW"
"""An item that is listed and has no order line."""
CUSTOMER_OFFSET = 7_700_000_000
"""Added to every customer id, so that no other number of the data looks like one."""
SLOW_REVENUE_SHARE = 0.09
"""Two or three items make that much of the sample's revenue: on them the library engines are tried."""

SIMPLE = ["naive", "mean", "seasonal_naive", "ses", "gradient_boosting", "combination_weighted"]
SEARCHED = ["ets", "prophet", "arima", "arima_statsmodels", "prophet_stan"]

WITH_LIBRARIES = {
    "components": True,
    "selection": {"margin": 0.05},
    "search": {"learner": [{"rounds": 30}]},
    "groups": {"reconciliation": "wls", "analysis": True},
    "methods": [*SIMPLE, "tsb", *SEARCHED],
    "methods_by_class": {
        **{name: [*SIMPLE, *SEARCHED] for name in ("smooth", "erratic")},
        **{name: [*SIMPLE, "tsb"] for name in ("intermittent", "lumpy")},
    },
    "revenue_shares": {"full": 0.8, "library": SLOW_REVENUE_SHARE},
}

FEW_METHODS = {
    **WITH_LIBRARIES,
    "methods": [*SIMPLE, "tsb"],
    "methods_by_class": {name: [*SIMPLE, "tsb"] for name in ("smooth", "erratic", "intermittent", "lumpy")},
}

SETTINGS = {
    "spark.master": "local[2]",
    "spark.driver.memory": "1g",
    # With one compiler Java keeps 48 MB of compiled code and spends a third of its time on throwing out and redoing it.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:ReservedCodeCacheSize=256m",
    "spark.buffer.pageSize": "256k",
    "spark.sql.shuffle.partitions": 2,
    "spark.databricks.delta.snapshotPartitions": 2,
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": 2,
    # A few thousand rows: compiling a query takes longer than running it. The cluster's test compiles.
    "spark.sql.codegen.wholeStage": False,
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
COMPILED = {"spark.sql.codegen.wholeStage": True, "spark.sql.codegen.factoryMode": "FALLBACK"}


@dataclass(frozen=True)
class Sample:
    """Where the files of a sample are.

    Attributes:
        folder: one Parquet file per input table.
        forecast: section of that name in its configurations.
    """

    folder: Path
    forecast: Mapping[str, Any]

    def config(self, warehouse: Path, **sections: Any) -> Path:
        """Write a configuration for a warehouse, beside it; ``sections`` overlay the sample's own."""
        tables = ("sales_line", *MASTERS, *DATED)
        own: dict[str, Any] = {
            "extends": str(CONFIG),
            "warehouse": str(warehouse),
            "sources": {name: {"path": str(self.folder / f"{name}.parquet")} for name in tables},
            "forecast": {"min_buckets": 2, **self.forecast},
            "spark": SETTINGS,
        }
        path = warehouse.with_suffix(".yaml")
        path.write_text(yaml.safe_dump({**own, **sections}), encoding="utf-8")
        return path

    def known_before(self, day: date, folder: Path) -> Sample:
        """The same sample without what was not known yet at the start of ``day``."""
        folder.mkdir()
        start = datetime.combine(day, datetime.min.time())
        last = {"stock": day, "receipt": day - timedelta(days=1), "open_order": day - timedelta(days=1)}
        lines = pq.read_table(self.folder / "sales_line.parquet")
        pq.write_table(lines.filter(pc.less(lines["InvoiceDate"], pa.scalar(start))), folder / "sales_line.parquet")
        for name, column in DATED.items():
            rows = pq.read_table(self.folder / f"{name}.parquet")
            known = pc.less_equal(rows[column], pa.scalar(last[name], rows[column].type))
            pq.write_table(rows.filter(known), folder / f"{name}.parquet")
        for name in MASTERS:
            (folder / f"{name}.parquet").symlink_to(self.folder / f"{name}.parquet")
        return replace(self, folder=folder)

    @property
    def items(self) -> list[str]:
        """Every item that is listed."""
        return pq.read_table(self.folder / "item_location.parquet")["item_id"].to_pylist()


def write_sample(folder: Path, *, few: bool = False) -> Sample:
    """Choose the items, the same ones each time, and write the files; of a few items the dear methods are not tried."""
    folder.mkdir(parents=True)
    lines = pq.read_table(FOLDER / "online_retail.parquet")
    frame = lines.select(["InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice"]).to_pandas()
    frame = frame.assign(item=frame["StockCode"].str.strip().str.upper(), row=range(len(frame)))
    items = _chosen_items(frame, every=300 if few else 40)
    rows = sorted({*frame.loc[frame["item"].isin(items), "row"], *_unusable_rows(frame)})
    chosen = lines.take(pa.array(rows))
    customers = pc.add(chosen["CustomerID"], float(CUSTOMER_OFFSET))
    chosen = chosen.set_column(chosen.schema.get_field_index("CustomerID"), "CustomerID", customers)
    pq.write_table(chosen, folder / "sales_line.parquet")
    for name in (*MASTERS, *DATED):
        pq.write_table(_master(name, items), folder / f"{name}.parquet")
    return Sample(folder, FEW_METHODS if few else WITH_LIBRARIES)


def _chosen_items(frame: pd.DataFrame, *, every: int) -> list[str]:
    sold = frame[(frame["Quantity"] > 0) & (frame["UnitPrice"] > 0) & frame["item"].str.match(r"\d{5}[A-Z]*$")]
    sold = sold.assign(revenue=sold["Quantity"] * sold["UnitPrice"], week=sold["InvoiceDate"].dt.to_period("W"))
    by_item = sold.groupby("item").agg(revenue=("revenue", "sum"), weeks=("week", "nunique"))
    ranked = by_item.sort_values(["revenue", "weeks"], ascending=False)
    steady, rare = ranked[ranked["weeks"] > 30].index, ranked[ranked["weeks"].between(6, 20)].index
    picked = [*steady[3:7], *steady[100:1000:every], *rare[5:800:every]]
    return sorted({*CANCELLED_WHOLE, *DO_NOT_ORDER, *DISCONTINUED, *NEVER_COUNTED, *picked})


def _unusable_rows(frame: pd.DataFrame) -> list[int]:
    """Some lines of what is no item, corrections of stock, and lines without a price."""
    cancels = frame["InvoiceNo"].str.startswith("C")
    kinds = (
        frame["item"] == "POST",
        frame["item"] == "M",
        (frame["Quantity"] < 0) & ~cancels,
        (frame["UnitPrice"] == 0) & (frame["Quantity"] > 0),
    )
    return [int(row) for kind in kinds for row in frame.loc[kind, "row"].iloc[::50][:30]]


def _master(name: str, items: list[str]) -> pa.Table:
    table = pq.read_table(FOLDER / "online_retail_simulated" / f"{name}.parquet")
    if "item_id" not in table.column_names:
        return table
    kept = [each for each in items if name != "stock" or each not in NEVER_COUNTED]
    chosen = table.filter(pc.is_in(table["item_id"], pa.array(kept)))
    if name not in ("item", "item_location"):
        return chosen
    new = chosen.slice(0, 1)
    return pa.concat_tables([chosen, new.set_column(0, "item_id", pa.array([NEVER_SOLD]))])
