"""Events and prices as people deliver them: known too late, twice, of no known kind, with holes; and their answers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from skucast.errors import ContractError
from skucast.periods import Frequency
from skucast.stages.forecast.covariates.stage import Drivers, drivers_known
from skucast.stages.forecast.span import Span
from skucast.stages.ingest.stage import checked_source
from skucast.store.runs import Stage
from skucast.tables import EVENT
from tests.scenarios.shop import FIRST, FORECAST, D, Shop, sale, weekly

pytestmark = pytest.mark.spark

METHODS = ["naive", "mean", "ses", "ridge_autoregression", "prophet"]
CLASSES = dict.fromkeys(("smooth", "erratic", "intermittent", "lumpy"), METHODS)
SPAN = Span(FIRST, D - timedelta(days=7), 2, Frequency.WEEK)


def week(number: int) -> str:
    return f"{FIRST + timedelta(days=7 * number + 2)}"


def sold(busy: set[int]) -> list[dict[str, Any]]:
    """Items A and B, with 20 pieces more in busy weeks; one line of B was a present."""
    lines = weekly("A") + weekly("B")
    lines += [sale(item, FIRST + timedelta(days=7 * n + 3), 20) for item in "AB" for n in sorted(busy)]
    return [*lines, sale("B", FIRST + timedelta(days=40), 1, unit_price=None)]


def event(number: int, name: str, **given: Any) -> dict[str, Any]:
    return {"location_id": "GB-1", "event_date": week(number), "name": name, "kind": None, "value": None,
            "known_at": None} | given  # fmt: skip


PRICES = [(2.5, "2010-01-01"), (2.0, f"{D}")]
BUSY = {4, 9, 14, 18}


def deliver(shop: Shop, events: list[dict[str, Any]], **sections: Any) -> None:
    """Events and a price list in the warehouse, as they were read from files, beside the lines that were accepted."""
    shop.write("event.csv", events)
    shop.write("item.csv", [{"item_id": "A", "unit_cost": 1, "unit_price": p, "valid_from": day} for p, day in PRICES])
    shop.config(
        {
            "sources": shop.sources("event", "item", sales_line="lines"),
            "forecast": FORECAST | {"methods": METHODS, "methods_by_class": CLASSES},
        }
        | sections
    )
    shop.take_in("event", "item")


def known(shop: Shop, *settings: str) -> tuple[Drivers, Stage]:
    """What drives demand as the forecast for D is told, and what of it goes to the run record."""
    stage = Stage("forecast")
    return drivers_known(shop.context(*settings, day=D), stage, SPAN), stage


def facts(drivers: Drivers) -> list[Any]:
    assert drivers.facts is not None
    found = drivers.facts.selectExpr("location_id", "t", "array_sort(facts) AS facts").orderBy("location_id", "t")
    return [drivers.catalogue, *(tuple(row) for row in found.collect())]


def test_what_is_known_ahead_is_used_and_the_rest_is_counted(shop: Shop):
    shop.accept(sold(BUSY))
    fair = [event(n, "fair", kind="holiday") for n in (*sorted(BUSY), 20)]
    deliver(
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
    _, record = known(shop)
    assert record.rows["drivers"] == 1  # the price of item A, which has a list
    assert record.rows["drivers_left_out"] == 1
    assert record.rows["events_known_late"] == 2
    assert "left out where that is so: rain" in str(record.message)
    assert record.rows["events"] >= 4  # fair, strike, sun, and the bank holidays of spring


def test_what_becomes_known_later_changes_nothing_of_the_past(shop: Shop):
    """A second run whose events add what was known too late is told the same: of the history and of what lies ahead."""
    shop.accept(sold(BUSY))
    fair = [event(n, "fair", kind="promotion") for n in sorted(BUSY)]
    deliver(shop, fair)
    before = facts(known(shop)[0])
    deliver(shop, [*fair, event(20, "fair", kind="promotion", known_at=f"{D}"),
                   event(21, "flood", known_at=week(22)), event(19, "flood", known_at=week(22))])  # fmt: skip
    drivers, record = known(shop)
    assert before == facts(drivers)
    assert record.rows["events"] == 1
    assert record.rows.get("events_known_late", 0) == 0


def test_without_drivers_events_are_not_looked_at(shop: Shop):
    """Nothing reaches the forecast where drivers are off or none is named; with them it is another one."""
    shop.accept(sold(BUSY))
    deliver(shop, [event(n, "fair", kind="promotion") for n in (*sorted(BUSY), 20)])
    drivers, record = known(shop, "forecast.drivers=false")
    assert Drivers() == drivers
    assert {"events", "drivers"}.isdisjoint(record.rows)
    drivers, record = known(shop, "forecast.drivers=[another]")
    assert Drivers() == drivers
    assert str(record.message).endswith("has a name in forecast.drivers: another")

    assert 0 == shop.run("demand", "--decision-date", f"{D}").code
    assert 0 == shop.run("forecast", "--decision-date", f"{D}", "--set", "forecast.drivers=false").code
    without = errors(shop)
    assert 0 == shop.run("forecast", "--decision-date", f"{D}").code
    assert without != errors(shop)
    (newest,) = shop.rows("run", "stage = 'forecast' AND rows['events'] > 0")
    assert (1, 1) == (newest["rows"]["events"], newest["rows"]["drivers"])
    assert {"A", "B"} == {row["item_id"] for row in shop.rows("series_status", "status = 'fitted'")}


def errors(shop: Shop) -> list[tuple[Any, ...]]:
    return sorted((r["item_id"], r["method"], r["origin"], r["sum_squared_error"]) for r in shop.rows("backtest"))


def refusal(shop: Shop, events: list[dict[str, Any]]) -> str:
    """What is said of events that cannot be taken in."""
    shop.write("event.csv", events)
    shop.config({"sources": shop.sources("event", sales_line="lines")})
    with pytest.raises(ContractError) as refused:
        checked_source(shop.context(), EVENT)
    return str(refused.value)


def test_an_event_of_no_known_kind_is_refused(shop: Shop):
    message = refusal(shop, [event(3, "fair", kind="hollyday"), event(4, "fair", kind="holiday")])
    assert "source event breaks the contract" in message
    assert "'holiday', 'closure', 'promotion', 'price', 'weather'" in message


def test_the_same_event_twice_on_a_day_is_refused(shop: Shop):
    message = refusal(shop, [event(3, "fair", kind="holiday"), event(3, "fair", kind="promotion")])
    assert "repeat a key" in message
