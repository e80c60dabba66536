"""The contract check: one error lists all violations."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from skucast.errors import ContractError
from skucast.tables import ITEM_LOCATION, STOCK, Column, Table
from skucast.tables.check import check, row_violations, schema_violations

pytestmark = pytest.mark.spark

DAY = date(2011, 1, 3)
NAN = float("nan")


def stock_row(**changes: Any) -> dict[str, Any]:
    return {"item_id": "A", "location_id": "GB-1", "as_of": DAY, "on_hand": 1.0} | changes


def refusal(spark: SparkSession, *rows: dict[str, Any], table: Table = STOCK) -> str:
    with pytest.raises(ContractError) as refused:
        check(table.frame(spark, rows), table, "source stock")
    return str(refused.value)


def test_a_frame_that_keeps_its_contract_passes(spark):
    check(STOCK.frame(spark, [stock_row(), stock_row(item_id="B", reserved=0.0)]), STOCK, "source stock")
    check(STOCK.frame(spark), STOCK, "source stock")


def test_all_violations_of_rows_are_listed_at_once_with_counts_and_examples(spark):
    message = refusal(
        spark,
        stock_row(),
        stock_row(),
        stock_row(),
        stock_row(item_id=None),
        stock_row(item_id="N", on_hand=NAN),
        stock_row(item_id="I", on_hand=float("inf")),
        stock_row(item_id="R", reserved=-1.0),
        stock_row(item_id="M", on_hand=None),
    )
    head, *lines = message.splitlines()
    assert "source stock breaks the contract of table stock; nothing was written. Correct the source or its map" in head
    found = {line.split(":")[0].strip(" -"): line for line in lines}
    assert {
        "1 row(s) break item_id_valid",
        "3 row(s) break on_hand_valid",
        "1 row(s) break reserved_valid",
        "2 row(s) repeat a key (item_id, location_id, as_of), expected unique keys; e.g. A / GB-1 / 2011-01-03",
    } == set(found)
    assert "e.g. null / GB-1 / 2011-01-03" in found["1 row(s) break item_id_valid"]
    assert "expected on_hand IS NOT NULL" in found["3 row(s) break on_hand_valid"]
    assert "I / GB-1 / 2011-01-03; M / GB-1 / 2011-01-03; N /" in found["3 row(s) break on_hand_valid"]
    assert "(reserved >= 0)" in found["1 row(s) break reserved_valid"]


def test_missing_columns_and_wrong_types_are_listed_at_once(spark):
    frame = spark.sql("SELECT 'A' AS item_id, 1 AS on_hand, '2011-01-03' AS as_of, 0.0D AS reserved")
    with pytest.raises(ContractError) as refused:
        check(frame, STOCK, "source stock")
    assert [
        "  - column location_id: missing, expected string",
        "  - column as_of: found type string, expected date",
        "  - column on_hand: found type int, expected double",
        "  - column backorders: missing, expected double",
        "  - column provenance: missing, expected string",
    ] == str(refused.value).splitlines()[1:]


def test_violations_found_before_are_listed_with_the_rest(spark):
    with pytest.raises(ContractError, match=r"(?s)3 value\(s\) are odd.*break on_hand_valid"):
        check(STOCK.frame(spark, [stock_row(on_hand=NAN)]), STOCK, "x", also=["3 value(s) are odd"])
    with pytest.raises(ContractError, match=r"3 value\(s\) are odd"):
        check(STOCK.frame(spark, [stock_row()]), STOCK, "x", also=["3 value(s) are odd"])


def test_conditions_over_several_columns_are_named(spark):
    row = {"item_id": "A", "location_id": "GB-1", "valid_from": DAY, "cycle_service_level": 0.9, "fill_rate": 0.9}
    message = refusal(spark, row, table=ITEM_LOCATION)
    assert "1 row(s) break one_service_target: expected int(cycle_service_level IS NOT NULL)" in message
    assert 1 == message.count("  - ")


def test_a_probability_given_as_a_percentage_is_named(spark):
    row = {"item_id": "A", "location_id": "GB-1", "valid_from": DAY, "cycle_service_level": 97.5}
    assert "1 row(s) break cycle_service_level_valid: " in refusal(spark, row, table=ITEM_LOCATION)


def test_null_keys_are_duplicates_of_each_other(spark):
    assert "1 row(s) repeat a key" in refusal(spark, stock_row(item_id=None), stock_row(item_id=None))


PAIR = Table(
    name="pair",
    comment="Two columns.",
    keys=("k",),
    columns=(
        Column("k", "string", "", "Key.", required=True),
        Column("x", "double", "u", "A number.", check="x >= 0"),
    ),
)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c", "'", None]), st.sampled_from([None, -1.0, 0.0, NAN, float("inf"), 5.0])
        ),
        max_size=12,
    )
)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_counts_are_those_of_a_plain_loop(spark, rows):
    keys = [key for key, _ in rows]
    bad_values = sum(value is not None and not 0 <= value < float("inf") for _, value in rows)
    expected = {
        "k_valid": keys.count(None),
        "x_valid": bad_values,
        "key": sum(keys.count(key) - 1 for key in set(keys)),
    }
    lines = row_violations(spark.createDataFrame(rows, PAIR.schema), PAIR)
    named = {"k_valid:": "k_valid", "x_valid:": "x_valid", "a key": "key"}
    found = dict.fromkeys(expected, 0)
    for line in lines:
        name = next(value for mark, value in named.items() if mark in line)
        found[name] = int(line.split()[0])
    assert expected == found


def test_the_schema_is_compared_without_reading_a_row(spark):
    """A source whose rows cannot even be computed still gets the list of its wrong columns."""
    frame = spark.sql("SELECT CAST('x' AS int) AS k")
    assert ["column k: found type int, expected string", "column x: missing, expected double"] == schema_violations(
        frame, PAIR
    )
