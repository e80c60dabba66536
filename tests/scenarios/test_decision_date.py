"""Decision dates and horizons that the data do not allow are refused with the ones they do allow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from skucast.errors import DecisionDateError
from skucast.stages.demand.stage import computed_demand, demand_known, orders_known
from tests.scenarios.shop import FIRST, D, Shop, sale, weekly

pytestmark = pytest.mark.spark


def refusal(read: Callable[[], object]) -> str:
    """What is said of a decision date that the data do not allow; the command line exits with 2 on it."""
    with pytest.raises(DecisionDateError) as refused:
        read()
    assert 2 == refused.value.exit_code
    return str(refused.value)


def test_a_date_the_data_do_not_allow_is_refused_with_those_they_do(shop: Shop):
    """Inside a period, before the data, after them; and before there is a whole period, or demand, of the date."""
    shop.accept(weekly("A") + weekly("B"))
    inside, before, after = D + timedelta(days=2), FIRST - timedelta(days=70), D + timedelta(days=70)
    for day, expected in (
        (inside, f"{inside} is not the first day of a period (frequency W); the nearest ones are {D} and "),
        (
            before,
            f"{before} leaves no complete period of sales: the oldest order line is of {FIRST + timedelta(days=1)}",
        ),
        (
            after,
            f"{after} lies more than a period after the newest order line ({D + timedelta(days=1)}); the latest al",
        ),
    ):
        assert expected in refusal(lambda day=day: shop.context(day=day).clock)
    message = refusal(lambda: demand_known(shop.context()))
    assert f"demand for decision date {D} was not computed yet (newest: None): run `skucast demand` first" in message


def test_a_stage_that_the_data_do_not_allow_exits_with_2_and_writes_no_table(shop: Shop):
    """A date inside a period, a horizon shorter than the protection period, and a plan without a forecast."""
    shop.accept(weekly("A") + weekly("B"))
    assert "is not the first day of a period" in shop.refused("demand", "--decision-date", f"{D + timedelta(days=2)}")
    assert {"run", "sales_line"} == shop.tables()

    assert 0 == shop.run("demand").code
    message = shop.refused("forecast", "--set", "forecast.horizon=1")
    assert (
        "forecast.horizon: found 1, but the longest protection period (review + lead time) is 2 periods (defaults): "
        "give at least that, or null" in message
    )
    assert f"no forecast with cutoff {D - timedelta(days=7)}: run `skucast forecast` first" in shop.refused("plan")
    assert {"run", "sales_line", "demand"} == shop.tables()


def test_a_source_without_sales_says_so(shop: Shop):
    """A header only, and returns only."""
    (shop.folder / "lines.csv").write_text("order_id,item_id,location_id,ordered_at,quantity,unit_price\n")
    assert "table sales_line holds no sale: run `skucast ingest` on a source with order lines" in shop.refused(
        "nightly"
    )
    assert "demand" not in shop.tables()
    shop.accept([sale("A", FIRST, -1)])
    assert "table sales_line holds no sale" in refusal(lambda: shop.context().clock)


def test_an_item_that_is_not_sold_before_the_date_leaves_nothing_to_forecast(shop: Shop):
    """Every sale before D was cancelled before D; the first one that counts comes later."""
    first = FIRST + timedelta(days=7)
    undone = sale("A", FIRST, 3, order_id="1", cancelled_at=datetime(2011, 1, 4, 12))
    back = sale("A", FIRST + timedelta(days=1), -3, order_id="C1", cancels_line="1/0")
    shop.accept([undone, back, *weekly("A")[5:]])
    context = shop.context(day=first)
    message = refusal(lambda: computed_demand(context, orders_known(context)))
    assert f"no sale that counts lies before decision date {first}: give a later date" in message
