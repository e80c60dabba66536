"""The functions that the planning SQL calls by name: as plain loops say, and null where nothing is known."""

from __future__ import annotations

import numpy as np
import pytest
from pyspark.sql import Row, SparkSession

from skucast.inventory.projection.net_requirement import NEED_LEVELS
from skucast.spark.queries import register_functions

LEVELS = [0.1, 0.5, 0.9]
ROWS = [
    {"x": 0.5, "xs": [0.0, 1.0, 1.0, 3.0], "ys": [0.0, 4.0, 6.0, 8.0], "stocks": [3.0, 30.0], "levels": LEVELS,
     "quantiles": [1.0, 5.0, 21.0]},
    {"x": 2.0, "xs": None, "ys": [0.0, 4.0], "stocks": [1.0], "levels": LEVELS, "quantiles": None},
    {"x": None, "xs": [0.0, 1.0], "ys": [5.0, 7.0], "stocks": None, "levels": LEVELS, "quantiles": [1.0, 2.0, 3.0]},
    {"x": 9.0, "xs": [0.0, 1.0], "ys": [5.0, 7.0], "stocks": [0.0], "levels": [0.5], "quantiles": [4.0]},
]  # fmt: skip


def shortage(stock: float, levels: list[float], quantiles: list[float]) -> float:
    """Of many equally likely whole demands: straight between the levels, then an exponential tail, rounded half up."""
    at, last = (np.arange(200_000) + 0.5) / 200_000, levels[-1]
    demand = np.interp(at, levels, quantiles)
    if len(levels) > 1:
        scale = (quantiles[-1] - quantiles[-2]) / np.log((1 - levels[-2]) / (1 - last))
        demand = np.where(
            at > last, quantiles[-1] + scale * np.log((1 - last) / (1 - np.minimum(at, 1 - 1e-9))), demand
        )
    return float(np.maximum(np.ceil(demand - 0.5) - stock, 0).mean())


@pytest.fixture(scope="module")
def answers(spark: SparkSession) -> list[Row]:
    register_functions(spark)
    lists = ", ".join(f"{name} array<double>" for name in ("xs", "ys", "stocks", "levels", "quantiles"))
    frame = spark.createDataFrame(ROWS, f"x double, {lists}").coalesce(1)
    asked = ("interpolate(x, xs, ys) AS y", "expected_shortages(stocks, levels, quantiles) AS short")
    return frame.selectExpr("*", *asked).collect()


def test_a_line_through_points_is_null_without_them_and_lists_of_other_rows_do_not_shift_it(answers: list[Row]) -> None:
    assert [row["y"] for row in answers] == [2.0, None, None, 7.0]


def test_shortages_are_those_of_many_draws(answers: list[Row]) -> None:
    for row in (answers[0], answers[3]):
        expected = [shortage(stock, row["levels"], row["quantiles"]) for stock in row["stocks"]]
        assert row["short"] == pytest.approx(expected, abs=2e-3)
    assert [answers[1]["short"], answers[2]["short"]] == [[None], None]


def test_outcomes_of_orders(spark: SparkSession) -> None:
    """Ten needs, equally likely: 1 … 10. Row by row other numbers of orders, an unknown cost, an unknown need."""
    register_functions(spark)
    needs = np.arange(1.0, 11.0)
    need = np.quantile(needs, NEED_LEVELS)
    short = [float(np.maximum(needs - q, 0).mean()) for q in need]
    numbers = {"lacking": 9.0, "wanted": 9.0, "b": 2.0, "h": 0.1, "R": 2.0, "lot": 5.0, "K": None, "mean": 5.0}
    lists = {"need": need.tolist(), "shortage": short}
    rows = [
        {"ordered": [0.0, 4.0, 12.0], **lists, **numbers},
        {"ordered": [0.0], **lists, **numbers},
        {"ordered": [0.0, 4.0], **lists, **numbers, "b": None},
        {"ordered": [0.0, 4.0], "need": None, "shortage": None, **numbers},
        {"ordered": None, **lists, **numbers},
    ]
    schema = "ordered array<double>, need array<double>, shortage array<double>, " + ", ".join(
        f"{name} double" for name in numbers
    )
    frame = spark.createDataFrame(rows, schema).coalesce(1)
    asked = "order_outcomes(ordered, need, shortage, lacking, wanted, b, h, R, lot, K, mean) AS o"
    first, single, no_cost, no_need, no_order = frame.selectExpr("ordered", asked).collect()

    # Four units keep 4 · 1 − (3 + 2 + 1)/10 from being missed and leave (3 + 2 + 1)/10 over, which costs 0.2 each.
    assert first["o"]["gain"] == pytest.approx([0, 2 * 3.4 - 0.2 * 0.6, 2 * 5.5 - 0.2 * 6.5], abs=0.05)
    assert first["o"]["missed"] == pytest.approx([5.5, 2.1, 0.0], abs=0.02)
    assert first["o"]["served"] == pytest.approx([0.002, 1 / 3, 0.998], abs=1e-3)
    assert (single["o"]["gain"], single["o"]["missed"]) == ([0.0], first["o"]["missed"][:1])
    assert no_cost["o"]["gain"] == [None, None]
    assert no_cost["o"]["missed"] == first["o"]["missed"][:2]
    assert no_need["o"]["missed"] == no_need["o"]["gain"] == no_need["o"]["served"] == [None, None]
    assert no_order["o"]["gain"] is None
    unknown = frame.where("need IS NULL").selectExpr(asked).collect()
    assert [row["o"]["gain"] for row in unknown] == [[None, None]], "a batch in which no need is known"
