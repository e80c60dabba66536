"""Lot sizes, cover and turnover in SQL against published numbers and against the functions over arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession
from scipy import stats

from skucast.inventory.demand import quantile_grid
from skucast.inventory.textbook import lot_sizes
from skucast.stages.plan.planning import register_functions
from tests.oracles.vectors import Vector, checks, names


@pytest.fixture(scope="module")
def sql(spark: SparkSession) -> SparkSession:
    register_functions(spark)
    return spark


def value(sql: SparkSession, expression: str) -> Any:
    row = sql.sql(f"SELECT {expression} AS answer").first()
    assert row is not None
    return row["answer"]


def brackets(starts: list[float], unit_costs: list[float]) -> str:
    pairs = zip(starts, unit_costs, strict=True)
    structs = (f"named_struct('min_quantity', {start}D, 'unit_cost', {cost}D)" for start, cost in pairs)
    return f"array({', '.join(structs)})"


@checks(*names("EOQB"))
def test_lot_with_backorders(vector: Vector, sql: SparkSession) -> None:
    arguments = ", ".join(str(vector.inputs[name]) for name in ("K", "D", "h", "p"))
    assert value(sql, f"lot_with_backorders({arguments})") == pytest.approx(vector.expected[0], rel=1e-12)


@checks(*names("EPQ"))
def test_production_lot(vector: Vector, sql: SparkSession) -> None:
    arguments = ", ".join(str(vector.inputs[name]) for name in ("K", "D", "h", "P"))
    assert value(sql, f"production_lot({arguments})") == pytest.approx(vector.expected[0], rel=1e-12)


@checks(*names("DISC"))
def test_quantity_discount(vector: Vector, sql: SparkSession, request: pytest.FixtureRequest) -> None:
    given, (quantity, bracket, cost) = vector
    kind = "incremental" if "DISC-I" in request.node.name else "all_units"
    terms = f"{given['K']}, {given['D']}, {given['i']}, {brackets(given['bp'], given['c'])}"
    found = value(sql, f"{kind}_discount({terms})")
    assert tuple(found) == pytest.approx((cost, quantity, given["c"][bracket]), rel=1e-12)


@checks("COVER")
def test_forward_cover(vector: Vector, sql: SparkSession) -> None:
    given, expected = vector
    forecast = f"array({', '.join(f'{units}D' for units in given['forecast'])})"
    assert value(sql, f"periods_of_cover({given['on_hand']}, {forecast})") == pytest.approx(expected["forward_days"])
    assert given["on_hand"] / np.mean(given["forecast"]) == pytest.approx(expected["naive"])
    found = value(sql, f"array(periods_of_cover(78, {forecast}), periods_of_cover(-1, {forecast}))")
    assert found == pytest.approx([6, 0])
    assert value(sql, "periods_of_cover(5, array(0D, 0D))") is None


@checks("TURN")
def test_turnover_and_margin_return(vector: Vector, sql: SparkSession) -> None:
    given, expected = vector
    sales, cogs, at_cost = given["retail_sales"], given["cogs"], given["avg_inv_cost"]
    turns = value(sql, f"stock_turnover({cogs}, {at_cost}, 365)")
    assert (turns, 365 / turns) == pytest.approx((expected["cost_turn"], expected["doh"]))
    assert value(sql, f"stock_turnover({sales}, {given['avg_inv_retail']}, 365)") == expected["retail_turn"]
    assert value(sql, f"gross_margin_return({sales}, {cogs}, {at_cost})") == pytest.approx(expected["gmroi"])


@checks(*names("FR-sQ"))
def test_fill_rate_of_lots(vector: Vector, sql: SparkSession) -> None:
    given, expected = vector
    levels = np.linspace(0, 1, 4001)[1:-1]
    frame = sql.createDataFrame([(levels.tolist(), stats.norm.ppf(levels, 0, given["sigmaL"]).tolist())], ["p", "q"])
    s = expected["k"] * given["sigmaL"]
    row = frame.selectExpr(f"lot_fill_rate({s}D, {given['Q']}D, p, q) AS share").first()
    assert row is not None
    assert row["share"] == pytest.approx(given["beta"], abs=5e-4)


def test_sql_and_arrays_say_the_same(sql: SparkSession) -> None:
    """Random items: shortage, fill rate and interpolation on quantile grids; lots, packs and discounts."""
    draw = np.random.default_rng(6)
    n, levels = 40, np.array([0.02, 0.1, 0.3, 0.5, 0.5001, 0.8, 0.95, 0.99])
    quantiles = np.sort(np.round(draw.gamma(2.0, 5.0, (n, levels.size))), axis=1)
    before = np.floor(quantiles * 0.6)
    stocks, lots = draw.uniform(-3, 40, (n, 3)), draw.uniform(1, 30, (n, 1))
    K, D, h, pack = draw.uniform([1, 0, 0.1, 1], [80, 900, 9, 30], (n, 4)).T
    frame = sql.createDataFrame(
        list(zip(stocks.tolist(), quantiles.tolist(), before.tolist(), lots[:, 0].tolist(),
                 K.tolist(), D.tolist(), h.tolist(), pack.tolist(), strict=True)),
        "stocks array<double>, q array<double>, before array<double>, lot double, K double, D double, h double, "
        "pack double",
    )  # fmt: skip
    p = f"array({', '.join(f'{level}D' for level in levels)})"
    tiers, cheaper = ([0.0, 50.0, 200.0], [3.0, 2.9, 2.5])
    asked = {
        "short": f"expected_shortages(stocks, {p}, q)",
        "early": f"expected_shortages(stocks, {p}, before)",
        "share": f"lot_fill_rate(stocks[0], lot, {p}, q)",
        "at": "transform(stocks, x -> x / 40)",
        "eoq": "economic_order_quantity(K, D, h)",
        "packs": "lot_in_packs(economic_order_quantity(K, D, h), pack)",
        "all_units": f"all_units_discount(K, D, h, {brackets(tiers, cheaper)})",
        "incremental": f"incremental_discount(K, D, h, {brackets(tiers, cheaper)})",
    }
    rows = frame.selectExpr(*(f"{expression} AS {name}" for name, expression in asked.items()), "q", "stocks")
    rows = rows.selectExpr("*", "fill_rates(short, early, 7D) AS shares", f"interpolate(at[1], {p}, q) AS between")
    found = {name: [row[name] for row in rows.collect()] for name in (*asked, "shares", "between")}

    short = quantile_grid.expected_shortages(stocks, levels, quantiles)
    early = quantile_grid.expected_shortages(stocks, levels, before)
    lot = lot_sizes.economic_order_quantity(K, D, h)
    expected = {
        "short": short,
        "early": early,
        "shares": quantile_grid.fill_rates(short, early, 7.0),
        "share": quantile_grid.lot_fill_rates(stocks[:, :1], lots, levels, quantiles)[:, 0],
        "between": quantile_grid.interpolate(stocks[:, 1:2] / 40, np.tile(levels, (n, 1)), quantiles)[:, 0],
        "eoq": lot,
        "packs": lot_sizes.lot_in_packs(lot, pack),
        "all_units": _costs(lot_sizes.all_units_discount(K, D, h, tiers, cheaper), cheaper),
        "incremental": _costs(lot_sizes.incremental_discount(K, D, h, tiers, cheaper), cheaper),
    }
    for name, values in expected.items():
        np.testing.assert_allclose(np.array(found[name], dtype=float), values, rtol=1e-10, atol=1e-10, err_msg=name)


def _costs(lot: lot_sizes.DiscountedLot, unit_costs: list[float]) -> np.ndarray:
    return np.stack([lot.cost, lot.quantity, np.array(unit_costs)[lot.bracket]], axis=1)


def test_what_is_unknown_stays_unknown(sql: SparkSession) -> None:
    unknown, no_quantiles = "CAST(NULL AS DOUBLE)", "CAST(NULL AS ARRAY<DOUBLE>)"
    tiers = brackets([0.0, 50.0], [3.0, 2.0])
    asked = (
        f"lot_with_backorders(8, 10, {unknown}, 5)", "production_lot(8, 10, 1, 10)", f"lot_in_packs({unknown}, 12)",
        f"all_units_discount({unknown}, 10, 0.1, {tiers}).quantity",
        f"incremental_discount(5, {unknown}, 0.1, {tiers}).cost", "lot_fill_rate(5, 0, array(0.5D), array(3D))",
        f"lot_fill_rate(5, 4, array(0.5D), {no_quantiles})", "stock_turnover(100, 0, 365)",
        "gross_margin_return(100, 50, 0)",
    )  # fmt: skip
    assert value(sql, f"array({', '.join(asked)})") == [None] * len(asked)
