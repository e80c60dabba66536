"""Events and prices as people deliver them: known too late, twice, of no known kind, with holes; and their answers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.bad_input.shop import FIRST, D, Shop, sale, weekly

pytestmark = pytest.mark.spark

METHODS = ["naive", "mean", "ses", "ridge_autoregression", "prophet"]
CLASSES = dict.fromkeys(("smooth", "erratic", "intermittent", "lumpy"), METHODS)
FORECAST = {"methods": METHODS, "methods_by_class": CLASSES, "origins": 3, "min_buckets": 2, "min_periods": 4}


def week(number: int) -> str:
    return f"{FIRST + timedelta(days=7 * number + 2)}"


def sold(busy: set[int]) -> list[dict[str, Any]]:
    """Items A and B, with 20 pieces more in busy weeks; one line of B was a present."""
    lines = weekly("A") + weekly("B")
    lines += [sale(item, FIRST + timedelta(days=7 * n + 3), 20) for item in "AB" for n in sorted(busy)]
    return [*lines, sale("B", FIRST + timedelta(days=40), 1, unit_price=0)]


def event(number: int, name: str, **given: Any) -> dict[str, Any]:
    return {"location_id": "GB-1", "event_date": week(number), "name": name, "kind": None, "value": None,
            "known_at": None} | given  # fmt: skip


def run(
    shop: Shop, events: list[dict[str, Any]], stages: str = "ingest demand forecast", **sections: Any
) -> dict[str, Any]:
    """Forecast with these events; the record of the last stage."""
    shop.write("event.csv", events)
    shop.write("item.csv", [{"item_id": "A", "unit_cost": 1, "unit_price": p, "valid_from": day} for p, day in PRICES])
    sources = {
        name: {"format": "csv", "path": str(shop.folder / f"{file}.csv")}
        for name, file in (("sales_line", "lines"), ("event", "event"), ("item", "item"))
    }
    shop.config({"sources": sources, "forecast": FORECAST} | sections)
    for command in stages.split():
        outcome = shop.run(command, "--decision-date", f"{D}")
        assert outcome.code == 0, outcome
    newest = max((row for row in shop.rows("run") if row["stage"] == "forecast"), key=lambda row: row["started_at"])
    return dict(newest)


PRICES = [(2.5, "2010-01-01"), (2.0, f"{D}")]
BUSY = {4, 9, 14, 18}


def means(shop: Shop, table: str = "forecast") -> list[tuple[Any, ...]]:
    if table == "forecast":
        return sorted((r["item_id"], r["step"], r["mean"], *r["quantiles"]) for r in shop.rows(table))
    return sorted((r["item_id"], r["method"], r["origin"], r["sum_squared_error"]) for r in shop.rows(table))


def test_what_is_known_ahead_is_used_and_the_rest_is_counted(shop: Shop):
    shop.write("lines.csv", sold(BUSY))
    fair = [event(n, "fair", kind="holiday") for n in (*sorted(BUSY), 20)]
    record = run(
        shop,
        [
            *fair,
            event(7, "strike", known_at=week(8)),
            event(12, "rain", kind="weather", value=3.5, known_at=week(12)),
            event(13, "sun", kind="weather", known_at=week(1)),
            event(20, "panic", known_at=week(22)),
        ],
        demand={"holidays": {"everywhere": {"country": "GB", "subdivision": "ENG"}}},
    )
    assert record["rows"]["drivers"] == 1  # the price of item A, which has a list
    assert record["rows"]["drivers_left_out"] == 1
    assert record["rows"]["events_known_late"] == 2
    assert "left out where that is so: rain" in record["message"]
    assert record["rows"]["events"] >= 4  # fair, strike, sun, and the bank holidays of spring
    assert {"A", "B"} == {row["item_id"] for row in shop.rows("series_status", "status = 'fitted'")}


def test_what_becomes_known_later_changes_nothing_of_the_past(shop: Shop):
    """A second run whose events add what was known too late has the same backtest and the same forecasts."""
    shop.write("lines.csv", sold(BUSY))
    fair = [event(n, "fair", kind="promotion") for n in sorted(BUSY)]
    run(shop, fair)
    before = means(shop), means(shop, "backtest")
    record = run(shop, [*fair, event(20, "fair", kind="promotion", known_at=f"{D}"),
                        event(21, "flood", known_at=week(22)), event(19, "flood", known_at=week(22))],
                 "ingest forecast")  # fmt: skip
    assert before == (means(shop), means(shop, "backtest"))
    assert record["rows"]["events"] == 1
    assert record["rows"].get("events_known_late", 0) == 0


def test_without_drivers_events_are_not_looked_at(shop: Shop):
    shop.write("lines.csv", sold(BUSY))
    fair = [event(n, "fair", kind="promotion") for n in (*sorted(BUSY), 20)]
    record = run(shop, fair, forecast=FORECAST | {"drivers": False})
    without = means(shop, "backtest")
    assert {"events", "drivers"}.isdisjoint(record["rows"])
    record = run(shop, fair, "forecast", forecast=FORECAST | {"drivers": ["another"]})
    assert record["message"].endswith("has a name in forecast.drivers: another")
    assert without == means(shop, "backtest")
    run(shop, fair, "forecast")
    assert without != means(shop, "backtest")


def test_an_event_of_no_known_kind_is_refused(shop: Shop):
    shop.write("event.csv", [event(3, "fair", kind="hollyday"), event(4, "fair", kind="holiday")])
    sources = {
        name: {"format": "csv", "path": str(shop.folder / f"{file}.csv")}
        for name, file in (("sales_line", "lines"), ("event", "event"))
    }
    shop.config({"sources": sources})
    message = shop.refused("ingest")
    assert "event" in message
    assert "'holiday', 'closure', 'promotion', 'price', 'weather'" in message


def test_the_same_event_twice_on_a_day_is_refused(shop: Shop):
    shop.write("event.csv", [event(3, "fair", kind="holiday"), event(3, "fair", kind="promotion")])
    sources = {
        name: {"format": "csv", "path": str(shop.folder / f"{file}.csv")}
        for name, file in (("sales_line", "lines"), ("event", "event"))
    }
    shop.config({"sources": sources})
    assert "event" in shop.refused("ingest")
