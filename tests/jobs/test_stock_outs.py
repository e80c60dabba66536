"""The packaged fresh food of one store: amounts by the day, and hours without stock."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import nbformat
import pytest
import yaml
from nbclient import NotebookClient

from tests.jobs.conftest import Job
from tests.jobs.sample import SETTINGS
from tests.jobs.stored import frame_of
from tests.places import ROOT

pytestmark = pytest.mark.spark

CONFIG = ROOT / "conf" / "fresh_retail.yaml"
SOME = "store_id = 5 AND product_id < 300"
KEYS = ["item_id", "location_id"]


@pytest.fixture(scope="module")
def warehouse(job: Job, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """After a nightly run on some products of a store."""
    folder = tmp_path_factory.mktemp("fresh") / "warehouse"
    sources = {"sales_line": {"where": f"sale_amount > 0 AND {SOME}"}, "availability": {"where": SOME}}
    tree = {
        "extends": str(CONFIG), "warehouse": str(folder), "sources": sources, "spark": SETTINGS,
        "forecast": {"min_buckets": 2},
    }  # fmt: skip
    config = folder.with_suffix(".yaml")
    config.write_text(yaml.safe_dump(tree), encoding="utf-8")
    assert job("nightly", "--config", config) == 0
    return folder


def test_a_day_that_ran_out_is_censored_and_not_dropped(warehouse: Path) -> None:
    demand = frame_of(warehouse, "demand")
    assert (demand["is_censored"] == (demand["in_stock_share"] < 1)).all()
    assert demand.loc[demand["is_censored"], "demand"].isna().all()
    assert demand["is_censored"].mean() > 0.2
    days = demand.groupby(KEYS)["period_start"].agg(["size", "min", "max"])
    assert (
        days["size"] == [(last - first).days + 1 for first, last in zip(days["min"], days["max"], strict=True)]
    ).all()
    assert days["size"].min() > 80


def test_forecasts_are_of_what_was_wanted_and_not_of_what_was_left_to_sell(warehouse: Path) -> None:
    demand, status, forecast = (frame_of(warehouse, name) for name in ("demand", "series_status", "forecast"))
    share = demand.groupby(KEYS)["is_censored"].mean()
    said = status.set_index(KEYS)
    assert (said["share_censored"] - share.reindex(said.index)).abs().max() < 1e-9
    assert (said["lost_demand"] > 0).all()
    sold_a_week = demand[demand["period_start"] >= demand["period_start"].max() - timedelta(days=27)]["sales"].sum() / 4
    expected = forecast[forecast["step"] <= 7]["mean"].sum()
    lost_a_week = 7 * said["recent_lost_demand"].sum()
    assert lost_a_week > 0.1 * sold_a_week
    assert 1.05 < expected / sold_a_week < 1.1 * (sold_a_week + lost_a_week) / sold_a_week


def test_the_notebook_shows_what_was_hidden(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKUCAST_WAREHOUSE", str(warehouse))
    notebook = nbformat.read(ROOT / "notebooks" / "2_forecasts.ipynb", as_version=4)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(ROOT / "notebooks")}}).execute()
    outputs = [output.data for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output]
    said = next(data["text/markdown"] for data in outputs if "ran out of stock, on" in data.get("text/markdown", ""))
    lost = frame_of(warehouse, "series_status")["lost_demand"].sum()
    assert f"a further **{lost:,.0f}**" in said
    assert sum("image/png" in data for data in outputs) == 8
