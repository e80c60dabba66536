"""Mistakes that are found before Spark starts: exit code 2, the path of the setting, and not one file written."""

from __future__ import annotations

import pytest

from skucast.cli.main import main
from tests.scenarios.shop import Shop

pytestmark = pytest.mark.spark

MISTAKES = {
    "unknown key": ({"forcast": {"horizon": 8}}, (), ["forcast", "unknown key"]),
    "probability as a percentage": (
        {"inventory": {"defaults": {"cycle_service_level": 97.5}}},
        (),
        ["inventory.defaults.cycle_service_level: found 97.5; must be less than 1"],
    ),
    "negative lead time": (
        {"inventory": {"defaults": {"lead_time_days": -3}}},
        (),
        ["inventory.defaults.lead_time_days: found -3", "greater than or equal to 0"],
    ),
    "two service targets": (
        {"inventory": {"defaults": {"cycle_service_level": 0.9, "fill_rate": 0.95}}},
        (),
        ["inventory.defaults: takes one service target, found cycle_service_level, fill_rate"],
    ),
    "a service of one": (
        {"inventory": {"defaults": {"cycle_service_level": 1.0}}},
        (),
        ["inventory.defaults.cycle_service_level: found 1.0; must be less than 1"],
    ),
    "no review": (
        {"inventory": {"defaults": {"review_period_days": 0}}},
        (),
        ["inventory.defaults.review_period_days: found 0", "greater than 0"],
    ),
    "packs of nothing": (
        {"inventory": {"defaults": {"pack_size": 0}}},
        (),
        ["inventory.defaults.pack_size: found 0", "greater than 0"],
    ),
    "a cost of less than nothing": (
        {"inventory": {"defaults": {"fixed_cost": -1}}},
        (),
        ["inventory.defaults.fixed_cost: found -1", "greater than or equal to 0"],
    ),
    "a budget of less than nothing": (
        {"inventory": {"budget": -1}},
        (),
        ["inventory.budget: found -1", "greater than or equal to 0"],
    ),
    "no timezone": ({}, ["timezone"], ["timezone: missing, and it is never guessed: add it"]),
    "unknown input table": (
        {"sources": {"orders": {"format": "csv", "path": "x"}}},
        (),
        ["orders is no input table; allowed: availability"],
    ),
    "a warehouse beneath a file": (
        {"warehouse": "{file}/warehouse"},
        (),
        ["cannot be written (Not a directory)", "--set"],
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_the_mistake_is_named_and_nothing_is_written(shop: Shop, name: str):
    sections, without, expected = MISTAKES[name]
    if "warehouse" in sections:
        sections = {"warehouse": str(shop.folder / "lines.csv" / "warehouse")}
    before = (shop.folder / "lines.csv").read_bytes()
    message = shop.refused("nightly", config=shop.config(sections, without=without))
    for part in expected:
        assert part in message
    assert not shop.warehouse.exists()
    assert before == (shop.folder / "lines.csv").read_bytes()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["nightly", "--decision-date", "03.10.2011"], "found '03.10.2011', expected a date such as 2011-10-03"),
        (["nightlee"], "invalid choice: 'nightlee'"),
        (["show", "orders"], "invalid choice: 'orders'"),
        (["nightly", "--confg", "x"], "the following arguments are required: --config"),
    ],
)
def test_a_command_that_cannot_be_parsed_exits_with_2(shop: Shop, words: list[str], expected: str):
    with pytest.raises(SystemExit) as exit_:
        main([*words, *([] if "--confg" in words else ["--config", str(shop.folder / "config.yaml")])])
    assert 2 == exit_.value.code
    assert expected in shop.capture.readouterr().err


def test_a_configuration_that_is_not_there_is_named(shop: Shop):
    message = shop.refused("nightly", config=shop.folder / "absent.yaml")
    assert "absent.yaml: No such file or directory; give an existing file with --config" in message


def test_showing_a_table_before_the_first_run_says_what_to_run(shop: Shop):
    message = shop.refused("show", "order_plan")
    assert "table order_plan does not exist in" in message
    assert "run `skucast nightly` first" in message
    assert set() == shop.tables()
