"""Decision dates and horizons that the data do not allow: exit code 2, with the ones they do allow."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.bad_input.shop import FIRST, D, Shop, sale, weekly

pytestmark = pytest.mark.spark


def test_a_date_the_data_do_not_allow_is_refused_with_those_they_do(shop: Shop):
    """Inside a period, before the data, after them; and a horizon that does not reach over the protection period."""
    assert 0 == shop.run("ingest").code
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
        assert expected in shop.refused("demand", "--decision-date", f"{day}")
    assert "demand" not in shop.tables()
    message = shop.refused("forecast")
    assert f"demand for decision date {D} was not computed yet (newest: None): run `skucast demand` first" in message

    assert 0 == shop.run("demand").code
    message = shop.refused("forecast", "--set", "forecast.horizon=1")
    assert (
        "forecast.horizon: found 1, but the longest protection period (review + lead time) is 2 periods (defaults): "
        "give at least that, or null" in message
    )
    assert f"no forecast with cutoff {D - timedelta(days=7)}: run `skucast forecast` first" in shop.refused("plan")
    assert {"run", "sales_line", "rejected_sales_line", "demand"} == shop.tables()


def test_a_source_without_sales_says_so(shop: Shop):
    """A header only, and then returns only."""
    (shop.folder / "lines.csv").write_text("order_id,item_id,location_id,ordered_at,quantity,unit_price\n")
    assert "table sales_line holds no sale: run `skucast ingest` on a source with order lines" in shop.refused(
        "nightly"
    )
    shop.write("lines.csv", [sale("A", FIRST, -1)])
    assert "table sales_line holds no sale" in shop.refused("nightly")
    assert "demand" not in shop.tables()


def test_an_item_that_is_not_sold_before_the_date_leaves_nothing_to_forecast(shop: Shop):
    """Every sale before D was cancelled before D; the first one that counts comes later."""
    first = FIRST + timedelta(days=7)
    lines = [sale("A", FIRST, 3, order_id="1"), sale("A", FIRST + timedelta(days=1), -3, order_id="C1")]
    shop.write("lines.csv", lines + weekly("A")[5:])
    shop.config()
    message = shop.refused("nightly", "--decision-date", f"{first}", "--set", "ingest.cancellation_order_pattern=^C")
    assert f"no sale that counts lies before decision date {first}: give a later date" in message
    assert "demand" not in shop.tables()
