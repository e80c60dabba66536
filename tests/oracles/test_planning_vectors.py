"""The planning SQL against published and closed-form numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from scipy import stats

from skucast.spark.queries import query, register_functions
from skucast.tables import TABLES
from tests.oracles.vectors import Vector, checks

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def ask(spark: SparkSession) -> Ask:
    """Value of one SQL expression over named values."""
    register_functions(spark)

    def value(expression: str, **columns: Any) -> Any:
        frame = spark.createDataFrame([tuple(columns.values())], list(columns)) if columns else spark.range(1)
        row = frame.selectExpr(f"{expression} AS answer").first()
        assert row is not None
        return row["answer"]

    return value


@checks("EOQ-1", "EOQ-2")
def test_economic_order_quantity(vector: Vector, ask: Ask) -> None:
    given, expected = vector
    lot = ask(f"economic_order_quantity({given['K']}, {given['D']}, {given['h']})")
    assert lot == pytest.approx(expected[0], rel=1e-12)


def test_no_economic_order_quantity_without_costs(ask: Ask) -> None:
    unknown = "CAST(NULL AS DOUBLE)"
    lots = f"economic_order_quantity(0, 10, 1), economic_order_quantity(5, 10, {unknown})"
    assert ask(f"array({lots})") == [None, None]


@checks("PACK")
def test_minimum_order_and_pack(vector: Vector, ask: Ask) -> None:
    given, expected = vector
    quantities = ", ".join(_ordered(need, f"{given['moq']}D", f"{given['pack']}D") for need in given["need"])
    assert ask(f"array({quantities})") == expected


def test_packs_are_robust_against_float_noise(ask: Ask) -> None:
    found = ask(f"array({_ordered('0.1D + 0.2D', '0D', '0.1D')}, {_ordered('4.5D', '0D', 'CAST(NULL AS DOUBLE)')})")
    assert found == pytest.approx([0.3, 4.5])


def _ordered(lacking: object, minimum: str, pack: str, policy: str = "R_S", lot: str = "0D") -> str:
    """What is ordered when so much is lacking, as SQL."""
    null, brackets = "CAST(NULL AS DOUBLE)", "CAST(NULL AS ARRAY<STRUCT<min_quantity: DOUBLE, unit_cost: DOUBLE>>)"
    terms = f"'{policy}', 'up', {lot}, 0D, {minimum}, {pack}, {null}, {null}, {null}, {null}"
    costs = f"{brackets}, CAST(NULL AS BOOLEAN), {null}, {null}, 1D"
    return f"order_quantities(true, CAST({lacking} AS DOUBLE), {terms}, 0D, {costs}).final"


@checks("ABC-dominant")
def test_a_dominant_item_is_class_a(spark: SparkSession, vector: Vector, ask: Ask) -> None:
    given, expected = vector
    rows = [_sold(f"item{n}", float(value)) for n, value in enumerate(given["values"])]
    assert [abc for _, abc in _classes(spark, rows)] == expected["cls"]


def test_classes_of_equal_values_do_not_depend_on_row_order(spark: SparkSession, ask: Ask) -> None:
    rows = [_sold(f"item{n:02}", 10.0) for n in range(20)]
    expected = ["A"] * 16 + ["B"] * 3 + ["C"]
    assert [abc for _, abc in _classes(spark, rows[::-1])] == expected


def _sold(item: str, value: float) -> dict[str, object]:
    return {
        "item_id": item, "location_id": "x", "period_start": date(2011, 9, 26), "sales": value, "returns": 0.0,
        "demand": value, "unit_price": 1.0,
    }  # fmt: skip


def _classes(spark: SparkSession, rows: list[dict[str, object]]) -> list[tuple[str, str]]:
    demand: DataFrame = TABLES["demand"].frame(spark, rows)
    asked = {"decision_date": date(2011, 10, 3)}
    found = query("plan/abc_xyz_classes", asked, demand=demand, item=TABLES["item"].frame(spark))
    return [(row["item_id"], row["abc_class"]) for row in found.orderBy("item_id").collect()]


@checks("IP")
def test_position_and_order_up_to(vector: Vector, ask: Ask) -> None:
    given, expected = vector
    position = ask(f"position_of({given['on_hand']}, {given['on_order']}, {given['backorders']}, 0)")
    assert position == expected["ip"]
    lot = given["S"] - given["s"]
    ordered = ask(_ordered(f"{given['s'] - position}D", "0D", "1D", policy="R_s_S", lot=f"{lot}D"))
    assert ordered == expected["order"]


@checks("SS-1", "SS-2", "SS-3")
def test_textbook_safety_stock(vector: Vector, ask: Ask) -> None:
    given, expected = vector
    span = given["L"] + given["R"]
    sd = given["sd_d"] * math.sqrt(span)
    found = ask(f"textbook_safety_stock({given['csl']}D, {sd}D, {given['mu_d']}D, {given['sd_L']}D)")
    assert found == pytest.approx(expected["ss"], rel=1e-12)


def test_normal_quantile(spark: SparkSession, ask: Ask) -> None:
    levels = np.concatenate([np.geomspace(1e-15, 0.1, 60), np.linspace(0.1, 0.9, 41), 1 - np.geomspace(1e-9, 0.1, 40)])
    frame = spark.createDataFrame([(float(level),) for level in levels], "p double")
    found = [row["z"] for row in frame.selectExpr("normal_quantile(p) AS z").collect()]
    np.testing.assert_allclose(found, stats.norm.ppf(levels), rtol=1e-12, atol=1e-13)
    assert ask("normal_quantile(1)") is None


@checks("NV-N1", "NV-N2", "NV-N3", "NV-N4")
def test_critical_ratio(vector: Vector, ask: Ask) -> None:
    given, expected = vector
    periods = given.get("L", 0) + 1
    z = ask(f"normal_quantile(critical_ratio({given['p']}, {given['h']}, 1))")
    assert given["mu"] * periods + z * given["sd"] * math.sqrt(periods) == pytest.approx(expected[0], rel=1e-10)


@checks("FR-RS-1", "FR-RS-2")
def test_fill_rate_of_normal_demand(vector: Vector, ask: Ask) -> None:
    given, expected = vector
    levels = np.linspace(0, 1, 4001)[1:-1]
    R, L, mu, sd = given["R"], given["L"], given["mu"], given["sd"]
    short = {n: stats.norm.ppf(levels, n * mu, math.sqrt(n) * sd) for n in (L, R + L)}
    found = _fill_rate(ask, given["S"], levels, short[R + L], short[L], R * mu)
    assert found == pytest.approx(expected["exact"], abs=2e-5)


@checks("FR-BS-7", "FR-BS-8")
def test_fill_rate_of_lumpy_demand(vector: Vector, ask: Ask) -> None:
    given, expected = vector
    pmf = np.zeros(5)
    pmf[[int(size) for size in given["pmf"]]] = list(given["pmf"].values())
    levels = (np.arange(20000) + 0.5) / 20000
    quantiles = {1: pmf, 2: np.convolve(pmf, pmf), 3: np.convolve(np.convolve(pmf, pmf), pmf)}
    at = {n: np.searchsorted(np.cumsum(law), levels).astype(float) for n, law in quantiles.items()}
    found = _fill_rate(ask, given["S"], levels, at[3], at[2], float(pmf @ np.arange(5)))
    assert found == pytest.approx(expected["exact"], abs=2e-4)


def _fill_rate(ask: Ask, stock: float, levels: Any, after: Any, before: Any, review_demand: float) -> float:
    short, short_before = ask(
        f"array(expected_shortages(array({stock}), p, q), expected_shortages(array({stock}), p, b))",
        p=levels.tolist(), q=after.tolist(), b=before.tolist(),
    )  # fmt: skip
    return float(ask(f"fill_rates(array({short[0]}D), array({short_before[0]}D), {review_demand}D)")[0])


def test_expected_shortage_of_normal_demand(ask: Ask) -> None:
    levels = np.linspace(0, 1, 20001)[1:-1]
    z = (np.array([11, 8, 2]) - 8) / 3
    quantiles = stats.norm.ppf(levels, 8, 3)
    found = ask("expected_shortages(array(11, 8, 2), p, q)", p=levels.tolist(), q=quantiles.tolist())
    np.testing.assert_allclose(found, 3 * (stats.norm.pdf(z) - z * stats.norm.sf(z)), atol=2e-4)


def test_interpolation_holds_its_ends_and_passes_flat_steps(ask: Ask) -> None:
    xs = (0.01, 0.1, 0.3, 0.5001, 0.70005, 0.9, 0.99)
    at = ", ".join(f"interpolate({x}D, p, q)" for x in xs)
    found = ask(f"array({at})", p=[0.1, 0.5, 0.5001, 0.9], q=[0.0, 0.0, 4.0, 10.0])
    assert found == pytest.approx([0, 0, 0, 4, 7, 10, 10])
    flat = ask("array(interpolate(1D, q, p), interpolate(2D, q, p), interpolate(4D, q, p))",
               p=[0.1, 0.5, 0.9, 0.95], q=[1.0, 1.0, 3.0, 3.0])  # fmt: skip
    assert flat == pytest.approx([0.1, 0.7, 0.95])
