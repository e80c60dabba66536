"""One nightly run over everything odd that lines, items and stock can be: it succeeds, every oddity has its answer."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.scenarios.shop import FIRST, N_WEEKS, D, Shop, lasting, row, sale, weekly

pytestmark = pytest.mark.spark

NEVER_SOLD = ["never sold", "never sold jug", "never sold urn", "never sold, no category"]
ODD_NAMES = ["tea light", 'O\'Brien "mug"', "🫖☕", "茶壺", "a/b\\c", "50%_off", "NULL", "007", "$(rm)`x`{0}"]
RAN_OUT = {"sold out every week": 0.5, "never in stock": 0.0}
"""Items of which no week was in stock to its end, and the share of the time in which they were."""
LAST_WEEK = D - timedelta(days=7)
REJECTED = {
    "nan": ("NaN", "quantity_invalid"),
    "infinity": ("Infinity", "quantity_invalid"),
    "text": ("a dozen", "quantity_invalid"),
    "30 digits": ("123456789012345678901234567890", "quantity_out_of_range"),
}


def odd_lines() -> list[dict[str, Any]]:
    lines = [
        line for item in [*ODD_NAMES, *RAN_OUT, "regular", "unlisted", "no stock", "old stock"] for line in weekly(item)
    ]
    lines += [sale(f"{name}", FIRST + timedelta(days=20), text) for name, (text, _) in REJECTED.items()]
    lines += [
        sale("wrong date", FIRST, ordered_at="24/01/2011"),
        sale("sold once", FIRST + timedelta(days=30), 4),
        # The data begin on a Tuesday, so that the first week is not whole.
        sale("sold in the partial week", FIRST + timedelta(days=1), 4),
        sale("all cancelled", FIRST + timedelta(days=30), 4),
        sale("all cancelled", FIRST + timedelta(days=31), -4),
    ]
    lines += [sale("new", D - timedelta(days=days), 40) for days in (3, 10, 17)]
    lines += [sale("new without category", D - timedelta(days=days), 40) for days in (3, 10, 17)]
    return lines


CATEGORIES = {
    "never sold": "mugs",
    "new": "mugs",
    "no stock": "jugs",
    "never sold jug": "jugs",
    "never sold urn": "urns",
}
"""Mugs are many, there is one jug that sold, and no urn; all others have no category."""


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The shop after its nightly run."""
    folder: Path = tmp_path_factory.mktemp("odd")
    made = lasting(spark, folder)
    lines = odd_lines()
    items = list(dict.fromkeys(line["item_id"] for line in lines))
    made.write("lines.csv", lines)
    named = [{"item_id": item, "unit_cost": 1.5} for item in [*items, *NEVER_SOLD] if item != "unlisted"]
    mugs = dict.fromkeys(ODD_NAMES, "mugs") | CATEGORIES
    made.write("item.csv", [row | {"category": mugs.get(row["item_id"])} for row in named])
    terms = {"location_id": "GB-1", "lead_time_days": 7, "review_period_days": 7}
    listed = [{"item_id": item, **terms, "do_not_order": None} for item in [*items, *NEVER_SOLD]]
    listed += [{"item_id": "never sold", **terms, "location_id": "DE-1"}]
    listed += [{"item_id": "never ordered", **terms, "do_not_order": "true"}]
    made.write("item_location.csv", listed)
    fresh, old = f"{D}", f"{D - timedelta(days=8)}"
    stock = [
        {"item_id": item, "location_id": "GB-1", "as_of": old if item == "old stock" else fresh, "on_hand": 3}
        for item in [*items, *NEVER_SOLD]
        if item != "no stock"
    ]
    made.write("stock.csv", stock)
    weeks = [FIRST + timedelta(days=7 * week) for week in range(N_WEEKS)]
    made.write(
        "availability.csv",
        [
            {"item_id": item, "location_id": "GB-1", "period_start": week, "in_stock_share": share}
            for item, share in RAN_OUT.items()
            for week in weeks
        ],
    )
    sources = {
        name: {"format": "csv", "path": str(folder / f"{file}.csv")}
        for name, file in (
            ("sales_line", "lines"),
            ("item", "item"),
            ("item_location", "item_location"),
            ("stock", "stock"),
            ("availability", "availability"),
        )
    }
    made.config({"sources": sources})
    assert 0 == made.run("nightly").code
    return made


def test_unusable_lines_are_kept_with_their_reasons(shop: Shop):
    rejected = {each["item_id"]: each for each in shop.rows("rejected_sales_line")}
    expected = {name: (text, [reason]) for name, (text, reason) in REJECTED.items()} | {
        "wrong date": ("1", ["date_invalid"])
    }
    assert expected == {name: (each["quantity"], each["reasons"]) for name, each in rejected.items()}
    assert "24/01/2011" == rejected["wrong date"]["ordered_at"]
    (ingest,) = shop.rows("run", "stage = 'ingest'")
    counts = ingest["rows"]
    assert len(odd_lines()) == counts["rows_in"] == counts["accepted"] + counts["rejected"] + counts["duplicates"]


def test_every_item_location_has_one_row_in_the_plan_and_odd_names_are_kept_as_they_are(shop: Shop):
    keys = [(each["item_id"], each["location_id"]) for each in shop.rows("order_plan")]
    plan, sold = {item for item, _ in keys}, {each["item_id"] for each in shop.rows("sales_line")}
    assert len(keys) == len(set(keys))
    assert set(ODD_NAMES) | sold | {*NEVER_SOLD, "never ordered"} <= plan
    assert {("never sold", "GB-1"), ("never sold", "DE-1")} < set(keys)
    for name in ODD_NAMES:
        planned = row(shop, "order_plan", name)
        assert planned["final_quantity"] > 0
        # All sell alike: the name changes nothing.
        assert row(shop, "order_plan", "regular")["final_quantity"] == planned["final_quantity"]


def test_an_item_without_a_cost_is_ordered_and_its_value_is_unknown(shop: Shop):
    planned = row(shop, "order_plan", "unlisted")
    assert planned["final_quantity"] > 0
    assert (None, None) == (planned["unit_cost"], planned["value"])
    assert row(shop, "order_plan", "regular")["value"] == 1.5 * row(shop, "order_plan", "regular")["final_quantity"]


@pytest.mark.parametrize("item", ["no stock", "old stock"])
def test_without_a_present_stock_nothing_is_ordered(shop: Shop, item: str):
    planned = row(shop, "order_plan", item)
    assert ("stock_unknown", 0.0) == (planned["reason"], planned["final_quantity"])


def test_thin_histories_have_a_status_and_a_forecast(shop: Shop):
    status = {(each["item_id"], each["location_id"]): each for each in shop.rows("series_status")}
    assert "fitted" == status["regular", "GB-1"]["status"]
    assert "no_demand" == status["sold in the partial week", "GB-1"]["status"]
    assert status["sold once", "GB-1"]["status"] in ("fitted", "too_short", "fallback")
    forecast = shop.rows("forecast")
    demand = {(each["item_id"], each["location_id"]) for each in shop.rows("demand")}
    listed = {(each["item_id"], each["location_id"]) for each in shop.rows("item_location")}
    expected = demand | listed - {("never ordered", "GB-1")}
    assert "all cancelled" not in {item for item, _ in demand}
    assert set(status) == {(each["item_id"], each["location_id"]) for each in forecast} == expected
    steps = len({each["step"] for each in forecast})
    assert steps * len(status) == len(forecast)
    nothing = [each for each in forecast if each["item_id"] == "sold in the partial week"]
    assert {0.0} == {each["mean"] for each in nothing}
    assert 0.0 == row(shop, "order_plan", "sold in the partial week")["final_quantity"]
    assert ("do_not_order", 0.0) == tuple(row(shop, "order_plan", "never ordered")[name] for name in REASON)


REASON = ("reason", "final_quantity")


def test_what_never_sold_or_hardly_is_forecast_from_its_category_and_planned(shop: Shop):
    mean = {
        (each["item_id"], each["location_id"]): each["cumulative_mean"]
        for each in shop.rows("forecast", "method = 'cold_start'")
        if each["step"] == 2
    }
    status = {(each["item_id"], each["location_id"]): each for each in shop.rows("series_status")}
    for item, known, whose in (
        ("never sold", 0, "category mugs (10 series)"), ("new", 3, "category mugs (10 series)"),
        ("never sold jug", 0, "category jugs (1 series)"), ("never sold urn", 0, "all categories"),
        ("never sold, no category", 0, "all categories"), ("new without category", 3, "all categories"),
    ):  # fmt: skip
        found = status[item, "GB-1"]
        assert ("cold_start", "cold_start", known) == (found["status"], found["method"], found["n_periods"])
        assert whose in found["reason"]
        assert mean[item, "GB-1"] > 0
    # All items sell 5 to 8 a week but the new ones, who sell 40.
    assert 6 < mean["never sold", "GB-1"] < 40 < mean["new", "GB-1"] < 90
    assert mean["never sold", "DE-1"] == pytest.approx(mean["never sold", "GB-1"])
    plan = {(each["item_id"], each["location_id"]): each for each in shop.rows("order_plan")}
    for item in NEVER_SOLD:
        assert plan[item, "GB-1"]["reason"] == "below_reorder_point"
        assert plan[item, "GB-1"]["final_quantity"] > 0
    assert "stock_unknown" == plan["never sold", "DE-1"]["reason"]
    rungs = {each["item_id"]: each["spread_rung"] for each in shop.rows("policy") if each["location_id"] == "GB-1"}
    assert ("category", "all") == (rungs["never sold"], rungs["never sold urn"])


@pytest.mark.parametrize("item", list(RAN_OUT))
def test_an_item_that_ran_out_every_week_is_forecast_above_what_it_sold(shop: Shop, item: str):
    """Even where it is said never to have been in stock: what it sold is a bound."""
    status, regular = (row(shop, "series_status", each) for each in (item, "regular"))
    assert "fitted" == status["status"]
    assert (1.0, 0.0) == (status["share_censored"], regular["share_censored"])
    assert status["n_periods"] == regular["n_periods"]
    assert status["lost_demand"] > 0 == regular["lost_demand"]
    means = {each["item_id"]: each["mean"] for each in shop.rows("forecast", "step = 1")}
    assert means[item] > means["regular"] + 1
    tried = shop.rows("backtest", f"item_id = '{item}' AND is_champion")
    assert tried
    assert {None} == {actual for each in tried for actual in each["actuals"]}


def test_forecasts_rise_with_the_level_and_sums_with_the_step(shop: Shop):
    rows = sorted(shop.rows("forecast"), key=lambda each: (each["item_id"], each["location_id"], each["step"]))
    for each in rows:
        for name in ("quantiles", "cumulative_quantiles"):
            assert all(low <= high for low, high in pairwise(each[name]))
    for before, after in pairwise(rows):
        if before["item_id"] == after["item_id"] and before["location_id"] == after["location_id"]:
            assert before["cumulative_mean"] + after["mean"] == pytest.approx(after["cumulative_mean"])
            pairs = zip(before["cumulative_quantiles"], after["cumulative_quantiles"], strict=True)
            assert all(low <= high for low, high in pairs)


def test_every_table_kept_its_contract_and_every_stage_its_record(shop: Shop):
    stages = {each["stage"]: each["outcome"] for each in shop.rows("run")}
    assert dict.fromkeys(("ingest", "demand", "forecast", "plan"), "done") == stages
    assert {f"{LAST_WEEK}"} == {f"{each['cutoff']}" for each in shop.rows("forecast")}
    assert {D} == {each["decision_date"] for each in shop.rows("order_plan")}


def test_the_plan_is_shown_with_odd_names(shop: Shop, capsys: pytest.CaptureFixture[str]):
    assert 0 == shop.run("show", "order_plan", "--top", "50").code
    shown = capsys.readouterr().out
    for name in ODD_NAMES:
        assert name in shown
