"""The declarations themselves: names, units, comments, keys, and SQL that Spark can parse."""

from __future__ import annotations

import re
from datetime import date

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from skucast.tables import ACCUMULATING, INPUT_TABLES, TABLES, Column, Table
from skucast.tables.contract import spark_type, table_map

EVERY_TABLE = pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
NUMBERS = ("double", "array<double>", "bigint")
UNITS = {
    "", "u", "u/p", "u²", "p", "share", "share/year", "money", "money/u", "money/u/p", "money/order", "money/year",
    "1/year", "calendar days", "s", "ms", "volume", "volume/u",
}  # fmt: skip
WITHOUT_UNIT = {
    "numerator", "denominator", "squared_cv", "value", "n_series", "n_items", "distance", "correlation",
    "spread_factor", "fitted_factor", "mean_score", "cusum_above", "cusum_below", "tracking_signal",
    "student_t", "not_above", "below", "cycles_served", "cycles_promised", "shadow_price", "lower", "upper",
    "wanted", "used", "reachable", "lead_time_receipts", "target_level", "expected_cycles",
    "expected_cycles_without_stock_out", "periods", "periods_with_demand", "censored_periods", "cycles",
    "cycles_without_stock_out", "stock_outs", "stock_outs_with_demand", "orders",
}  # fmt: skip
"""A ratio of variances; the strength of an event, whose unit depends on the event; a number of series; a distance in
spreads; a correlation; factors, standardised errors and what tests make of them; counts; limits of money or
volume, and money gained per unit of either."""


@EVERY_TABLE
def test_names_are_lower_snake_case_and_used_once(table: Table):
    assert all(re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) for name in (table.name, *table.names))
    assert len(set(table.names)) == len(table.names)


@EVERY_TABLE
def test_every_column_says_in_a_sentence_what_it_is(table: Table):
    for column in table.columns:
        assert re.search(r"\w{2,}.*(\.|\[.+\])$", column.comment), f"{column.name}: {column.comment!r}"
    assert table.comment.endswith(".")


@EVERY_TABLE
def test_every_number_has_a_unit_of_the_vocabulary(table: Table):
    for column in table.columns:
        assert column.unit in UNITS, (column.name, column.unit)
        if column.type in NUMBERS and column.name not in WITHOUT_UNIT:
            assert column.unit, f"{table.name}.{column.name}"


@EVERY_TABLE
def test_keys_are_required_columns_and_come_before_volatile_ones(table: Table):
    for key in table.keys:
        assert not table[key].volatile or table.name == "run", key
        # Order numbers of rejected lines may be missing: that can be why they were rejected.
        assert table[key].required or table.name == "rejected_sales_line", key
    assert set(table.partitioned_by) <= set(table.names)


def test_one_name_means_one_thing():
    """A column of several tables has one type and one unit everywhere, but for rejected rows, which are text."""
    seen: dict[str, set[tuple[str, str]]] = {}
    for table in TABLES.values():
        if table.name != "rejected_sales_line":
            for column in table.columns:
                seen.setdefault(column.name, set()).add((column.type, column.unit))
    several = {name: kinds for name, kinds in seen.items() if len(kinds) > 1}
    # Demand of a period and of a protection period, orders of customers and of suppliers.
    assert set(several) <= {"ordered_at", "decided_at", "value"}, several


def test_no_quantile_level_is_encoded_in_a_column_name():
    names = {name for table in TABLES.values() for name in table.names}
    assert not {name for name in names if re.search(r"(^|_)[pq]_?\d", name)}


def test_every_input_table_says_where_its_rows_come_from():
    assert all("provenance" in table.names for table in INPUT_TABLES)
    assert set(ACCUMULATING) <= set(INPUT_TABLES)


@EVERY_TABLE
@pytest.mark.spark
def test_every_constraint_is_sql_over_the_declared_columns(table: Table, spark: SparkSession):
    empty = table.frame(spark)
    for name, sql in table.constraints.items():
        assert T.BooleanType() == empty.select(F.expr(sql)).schema[0].dataType, name


@EVERY_TABLE
def test_constraint_names_are_unique_and_name_their_column(table: Table):
    own = [f"{column.name}_valid" for column in table.columns if column.condition]
    assert len(own) + len(table.checks) == len(table.constraints)


@EVERY_TABLE
@pytest.mark.spark
def test_an_empty_frame_has_the_declared_schema_and_comments(table: Table, spark: SparkSession):
    frame = table.frame(spark)
    assert table.schema == frame.schema
    assert [column.described for column in table.columns] == [field.metadata["comment"] for field in frame.schema]
    assert table.names == spark.createDataFrame([], table.ddl).columns


@pytest.mark.spark
def test_a_frame_names_only_the_columns_that_matter(spark: SparkSession):
    row = TABLES["stock"].frame(spark, [{"item_id": "A", "as_of": date(2011, 1, 3)}]).first()
    assert ("A", None, date(2011, 1, 3), None) == (row.item_id, row.location_id, row.as_of, row.on_hand)


@pytest.mark.spark
def test_select_casts_orders_and_fills(spark: SparkSession):
    frame = spark.sql("SELECT 5 AS on_hand, 'A' AS item_id, '2011-01-03' AS as_of, 'x' AS surplus")
    selected = TABLES["stock"].select(frame)
    assert TABLES["stock"].names == selected.columns
    assert ("A", None, date(2011, 1, 3), 5.0) == tuple(selected.first())[:4]


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("double", T.DoubleType()),
        ("array<string>", T.ArrayType(T.StringType())),
        ("map<string,bigint>", T.MapType(T.StringType(), T.LongType())),
        ("array<array<date>>", T.ArrayType(T.ArrayType(T.DateType()))),
    ],
)
def test_declared_types_are_those_of_spark(declared, expected):
    assert expected == spark_type(declared)


def test_a_type_outside_the_short_list_is_refused():
    with pytest.raises(KeyError):
        spark_type("decimal(10,2)")


CONDITIONS = {
    "share": (Column("x", "double", "share", "X.", check="x BETWEEN 0 AND 1"), [0.0, 1.0, None], [-0.1, 1.1]),
    "number": (Column("x", "double", "u", "X."), [0.0, -1e300, None], []),
    "required": (Column("x", "double", "u", "X.", required=True), [0.0], [None]),
    "required text": (Column("x", "string", "", "X.", required=True), ["", "a"], [None]),
    "one of": (Column("x", "string", "", "X.", required=True, check="x IN ('a', 'b')"), ["a"], ["c", None]),
    "list": (Column("x", "array<double>", "u", "X."), [[1.0, None], [], None], [[1.0, float("nan")]]),
    "required list": (
        Column("x", "array<double>", "u", "X.", required=True, check="size(x) = 2"), [[1.0, None]], [None, [1.0]]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONDITIONS)
@pytest.mark.spark
def test_a_condition_is_true_for_allowed_values_and_false_for_others(name, spark: SparkSession):
    """NaN and infinity are allowed in no number; null only where the column is optional."""
    column, allowed, refused = CONDITIONS[name]
    if column.type == "double":
        refused = [*refused, float("nan"), float("inf"), float("-inf")]
    if column.type == "array<double>":
        refused = [*refused, [float("inf"), 0.0]]
    frame = spark.createDataFrame([(value,) for value in [*allowed, *refused]], f"x {column.type}")
    # As Delta does: a condition that is null does not hold.
    found = [bool(row[0]) for row in frame.select(F.expr(column.condition)).collect()]
    assert [True] * len(allowed) + [False] * len(refused) == found


def test_the_table_map_prints_every_column_once():
    text = table_map([TABLES["stock"], TABLES["run"]])
    assert "## `stock`" in text
    assert "One row per **item_id, location_id, as_of**." in text
    assert "| `on_hand` | `double` | yes | u |" in text
    assert len(TABLES["stock"].columns) + len(TABLES["run"].columns) == text.count("\n| `")


def test_stable_names_leave_clocks_and_run_ids_out():
    assert {"run_id", "milliseconds"} == set(TABLES["series_status"].names) - set(TABLES["series_status"].stable_names)
