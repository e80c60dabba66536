"""Mapped sources → input tables: typed, defaulted, and every value that does not fit is counted."""

from __future__ import annotations

from datetime import date

import pytest

from skucast.stages.ingest.inputs import conforming, invalid_values
from skucast.tables import EVENT, ITEM, OPEN_ORDER, STOCK
from skucast.tables.check import check

pytestmark = pytest.mark.spark


def test_text_becomes_the_declared_types_and_absent_columns_take_their_defaults(spark):
    mapped = spark.sql("SELECT ' A ' AS item_id, '1.5' AS unit_cost, '' AS shelf_life_days, 'x' AS surplus")
    frame = conforming(mapped, ITEM)
    assert ITEM.names == frame.columns
    check(frame, ITEM, "items")
    row = frame.first()
    assert (1.5, None, None) == (row["unit_cost"], row["unit_price"], row["shelf_life_days"])
    assert (date(1900, 1, 1), "measured") == (row["valid_from"], row["provenance"])
    assert [] == invalid_values(mapped, ITEM)


def test_what_is_given_wins_over_the_defaults(spark):
    mapped = spark.sql("SELECT 'A' AS item_id, DATE '2011-01-03' AS valid_from, 'simulated' AS provenance")
    row = conforming(mapped, ITEM).first()
    assert (date(2011, 1, 3), "simulated") == (row["valid_from"], row["provenance"])


def test_values_that_do_not_fit_are_counted_by_column(spark):
    """Spark's casts would read 5d as a number, 2011 as a day and 12:30 as a time of today."""
    values = [
        ("A", "2011-05-02", "5"), ("B", "2011-02-30", "five"), ("C", "2/5/2011", "5d"), ("D", "2011", "1,5"),
        ("E", "12:30", "NaN"), ("F", None, None), ("G", " ", ""), ("H", "2011-05-02T00:00:00Z", " 1e2 "),
        ("I", "soon", "0x1p3"),
    ]  # fmt: skip
    mapped = spark.createDataFrame(values, "item_id string, as_of string, on_hand string")
    assert [
        "5 value(s) of column as_of are no date: correct them or map them with an expression",
        "5 value(s) of column on_hand are no double: correct them or map them with an expression",
    ] == invalid_values(mapped, STOCK)
    rows = conforming(mapped, STOCK).collect()
    assert {"A": 5.0, "H": 100.0} == {row["item_id"]: row["on_hand"] for row in rows if row["on_hand"] is not None}
    day = date(2011, 5, 2)
    assert {"A": day, "H": day} == {row["item_id"]: row["as_of"] for row in rows if row["as_of"] is not None}


def test_a_day_of_zeros_stands_for_no_day(spark):
    """Databases without null export days that are not known so: an order without a due date is no mistake."""
    days = [("1", "0000-00-00"), ("2", " 0000-00-00 00:00:00"), ("3", ""), ("4", "0000-01-00"), ("5", "2011-05-02")]
    mapped = spark.createDataFrame(days, "order_id string, due_date string")
    assert ["1 value(s) of column due_date are no date: correct them or map them with an expression"] == (
        invalid_values(mapped, OPEN_ORDER)
    )
    rows = {row["order_id"]: row["due_date"] for row in conforming(mapped, OPEN_ORDER).collect()}
    assert rows == {"1": None, "2": None, "3": None, "4": None, "5": date(2011, 5, 2)}


def test_typed_columns_need_no_spelling(spark):
    mapped = spark.sql("SELECT 'A' AS item_id, TIMESTAMP '2011-05-02 10:00:00' AS as_of, 5 AS on_hand")
    assert [] == invalid_values(mapped, STOCK)
    row = conforming(mapped, STOCK).first()
    assert (date(2011, 5, 2), 5.0) == (row["as_of"], row["on_hand"])


def test_a_source_without_a_column_of_the_table_breaks_the_keys_only(spark):
    mapped = spark.sql("SELECT 1 AS nothing")
    assert [] == invalid_values(mapped, EVENT)
    row = conforming(mapped, EVENT).first()
    assert "measured" == row["provenance"]
    assert row["location_id"] is None


def test_blanks_around_identifiers_are_no_part_of_them(spark):
    """Padded codes, tabs and no-break spaces; blanks inside stay."""
    mapped = spark.sql(
        "SELECT concat('\t SPACE 1', chr(160), ' ') AS item_id, 'S1 ' AS location_id, '2011-05-02' AS as_of"
    )
    row = conforming(mapped, STOCK).first()
    assert ("SPACE 1", "S1") == (row["item_id"], row["location_id"])
