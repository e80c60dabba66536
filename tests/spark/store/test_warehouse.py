"""Delta tables of a warehouse: what a created table carries, what it refuses, and writes that can be repeated."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession

from skucast.errors import ContractError, EnvironmentNotReadyError
from skucast.store.warehouse import Warehouse, require_writable
from skucast.tables import DEMAND, STOCK, Column, Table

pytestmark = pytest.mark.spark

PLAN = Table(
    name="plan",
    comment="A small plan.",
    keys=("item_id", "day"),
    partitioned_by=("day",),
    columns=(
        Column("item_id", "string", "", "The item.", required=True),
        Column("day", "date", "", "The day.", required=True),
        Column("quantity", "double", "u", "How much.", required=True, check="quantity >= 0"),
        Column("status", "string", "", "proposed or approved.", required=True),
    ),
    checks=(("approved_is_something", "status <> 'approved' OR quantity > 0"),),
)
MONDAY, TUESDAY = date(2011, 1, 3), date(2011, 1, 4)


@pytest.fixture
def warehouse(spark: SparkSession, tmp_path: Path) -> Warehouse:
    return Warehouse(spark, str(tmp_path / "warehouse"), "delta_tests")


def rows(warehouse: Warehouse, *given: tuple[str, date, float, str]) -> DataFrame:
    return PLAN.frame(warehouse.spark, [dict(zip(PLAN.names, row, strict=True)) for row in given])


def stored(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    """The rows as a fresh reader sees them."""
    fresh = Warehouse(warehouse.spark, warehouse.root, warehouse.database)
    return sorted(tuple(row) for row in fresh.read(PLAN).collect())


def test_a_table_that_was_never_written_is_empty_and_has_no_version(warehouse):
    assert not warehouse.exists(PLAN)
    assert warehouse.version(PLAN) is None
    assert {} == warehouse.versions((PLAN, STOCK))
    assert [] == warehouse.read(PLAN).collect()
    assert PLAN.names == warehouse.read(PLAN).columns


def test_a_created_table_carries_constraints_comments_retention_and_partitions(warehouse):
    assert 0 == warehouse.overwrite(PLAN, rows(warehouse, ("A", MONDAY, 1.0, "proposed")))
    table = DeltaTable.forPath(warehouse.spark, warehouse.path(PLAN))
    detail = table.detail().first()
    properties = detail["properties"]
    assert PLAN.constraints == {
        name.removeprefix("delta.constraints."): sql
        for name, sql in properties.items()
        if name.startswith("delta.constraints.")
    }
    assert "interval 60 days" == properties["delta.deletedFileRetentionDuration"]
    assert "interval 90 days" == properties["delta.logRetentionDuration"]
    assert ["day"] == detail["partitionColumns"]
    warehouse.overwrite(PLAN, rows(warehouse, ("A", MONDAY, 2.0, "proposed")))
    schema = warehouse.spark.read.format("delta").load(warehouse.path(PLAN)).schema
    comments = {field.name: field.metadata.get("comment") for field in schema}
    assert {column.name: column.described for column in PLAN.columns} == comments
    assert "How much. [u]" == comments["quantity"]


BROKEN = [
    (("A", MONDAY, float("nan"), "proposed"), "quantity_valid"),
    (("A", MONDAY, float("inf"), "proposed"), "quantity_valid"),
    (("A", MONDAY, -1.0, "proposed"), "quantity_valid"),
    (("A", MONDAY, None, "proposed"), "quantity_valid"),
    ((None, MONDAY, 1.0, "proposed"), "item_id_valid"),
    (("A", MONDAY, 0.0, "approved"), "approved_is_something"),
]


def test_a_row_that_breaks_a_constraint_stops_the_write_and_changes_nothing(warehouse):
    """Spark ranks NaN above every number, so that a plain >= would let it in."""
    good = ("B", MONDAY, 1.0, "proposed")
    warehouse.overwrite(PLAN, rows(warehouse, good))
    for row, constraint in BROKEN:
        with pytest.raises(
            ContractError, match=f"(?s)table plan breaks a constraint, nothing was written: .*{constraint}"
        ):
            warehouse.replace_where(PLAN, rows(warehouse, good, row), f"day = DATE '{MONDAY}'")
    assert [good] == stored(warehouse)


def test_a_first_write_that_fails_leaves_no_table_and_the_next_one_succeeds(warehouse):
    with pytest.raises(ContractError, match="quantity_valid"):
        warehouse.overwrite(PLAN, rows(warehouse, BROKEN[0][0]))
    assert not warehouse.exists(PLAN)
    assert [] == stored(warehouse)
    warehouse.overwrite(PLAN, rows(warehouse, ("B", MONDAY, 1.0, "proposed")))
    assert [("B", MONDAY, 1.0, "proposed")] == stored(warehouse)


def test_the_declared_tables_refuse_nan_too(warehouse):
    row = {"item_id": "A", "location_id": "GB-1", "period_start": MONDAY, "sales": float("nan"), "returns": 0.0}
    flags = dict.fromkeys(("is_censored", "is_closed", "is_outlier", "promotion"), False)
    with pytest.raises(ContractError, match="sales_valid"):
        warehouse.overwrite(DEMAND, DEMAND.frame(warehouse.spark, [row | flags]))


def test_replacing_by_predicate_twice_is_replacing_once_and_rows_outside_of_it_are_refused(warehouse):
    other, first, second = (
        ("A", TUESDAY, 9.0, "approved"),
        ("A", MONDAY, 1.0, "proposed"),
        ("B", MONDAY, 2.0, "proposed"),
    )
    on_monday = f"day = DATE '{MONDAY}'"
    warehouse.overwrite(PLAN, rows(warehouse, other, ("C", MONDAY, 3.0, "proposed")))
    for _ in range(2):
        warehouse.replace_where(PLAN, rows(warehouse, first, second), on_monday)
    with pytest.raises(Exception, match="DELTA_REPLACE_WHERE_MISMATCH"):
        warehouse.replace_where(PLAN, rows(warehouse, ("D", TUESDAY, 1.0, "proposed")), on_monday)
    assert [first, other, second] == stored(warehouse)


def test_replacing_by_key_keeps_the_rest_and_can_be_repeated(warehouse):
    kept, old, new = ("A", MONDAY, 1.0, "proposed"), ("B", MONDAY, 2.0, "proposed"), ("B", MONDAY, 5.0, "approved")
    warehouse.overwrite(PLAN, rows(warehouse, kept, old))
    for _ in range(2):
        warehouse.replace_matching(PLAN, rows(warehouse, new, ("C", TUESDAY, 3.0, "proposed")))
    assert [kept, new, ("C", TUESDAY, 3.0, "proposed")] == stored(warehouse)
    # By some columns only: every stored row that shares them goes.
    warehouse.replace_matching(PLAN, rows(warehouse, ("Z", MONDAY, 7.0, "proposed")), "day")
    assert [("C", TUESDAY, 3.0, "proposed"), ("Z", MONDAY, 7.0, "proposed")] == stored(warehouse)


def test_a_merge_replaces_proposals_and_never_a_planners_word(warehouse):
    def merge(*given: tuple[str, date, float, str]) -> None:
        scope = f"old.day = DATE '{MONDAY}'"
        warehouse.merge(PLAN, rows(warehouse, *given), scope=scope, replaceable="old.status = 'proposed'")

    merge(("B", MONDAY, 2.0, "proposed"), ("C", MONDAY, 3.0, "proposed"))
    yesterday, word = ("A", TUESDAY, 9.0, "proposed"), ("A", MONDAY, 1.0, "approved")
    warehouse.overwrite(PLAN, warehouse.read(PLAN).unionByName(rows(warehouse, yesterday, word)))
    for _ in range(2):
        merge(("A", MONDAY, 100.0, "proposed"), ("B", MONDAY, 20.0, "proposed"), ("D", MONDAY, 4.0, "proposed"))
    # A keeps its word, B is replaced, C is gone, D is new, the other day is untouched.
    assert [word, yesterday, ("B", MONDAY, 20.0, "proposed"), ("D", MONDAY, 4.0, "proposed")] == stored(warehouse)
    with pytest.raises(ContractError, match="quantity_valid"):
        merge(("B", MONDAY, float("nan"), "proposed"))
    merge()
    assert [word, yesterday] == stored(warehouse)


def test_reads_stay_at_the_version_they_were_pinned_to(warehouse):
    other = Warehouse(warehouse.spark, warehouse.root, warehouse.database)
    warehouse.overwrite(PLAN, rows(warehouse, ("A", MONDAY, 1.0, "proposed")))
    assert {"plan": 0} == other.versions((PLAN,))
    pinned = other.read(PLAN)
    warehouse.overwrite(PLAN, rows(warehouse, ("A", MONDAY, 2.0, "proposed")))
    assert [1.0] == [row["quantity"] for row in pinned.collect()]
    assert [1.0] == [row["quantity"] for row in other.read(PLAN).collect()]
    assert [2.0] == [row["quantity"] for row in warehouse.read(PLAN).collect()]


def test_an_older_schema_on_disk_is_named_with_the_remedy_whatever_is_done_to_it(warehouse):
    older = "SELECT 'A' AS item_id, DATE '2011-01-03' AS day, 1 AS quantity"
    warehouse.spark.sql(older).write.format("delta").save(warehouse.path(PLAN))
    new = rows(warehouse, ("A", MONDAY, 2.0, "proposed"))
    for act in (
        lambda: warehouse.read(PLAN),
        lambda: warehouse.overwrite(PLAN, new),
        lambda: warehouse.replace_where(PLAN, new, f"day = DATE '{MONDAY}'"),
        lambda: warehouse.replace_matching(PLAN, new),
        lambda: warehouse.merge(PLAN, new, scope="true", replaceable="true"),
    ):
        with pytest.raises(
            ContractError,
            match=r"table plan at .*/plan was written with another schema: missing columns \['status'\], types "
            r"\['quantity is int, expected double'\]; move that folder away and run again",
        ):
            act()
    assert 0 == DeltaTable.forPath(warehouse.spark, warehouse.path(PLAN)).history(1).first()["version"]


def test_registered_tables_can_be_queried_by_name_and_follow_the_warehouse_that_registered_last(warehouse, tmp_path):
    """The same database over a second warehouse must not go on showing the first one's rows."""
    spark = warehouse.spark
    second = Warehouse(spark, str(tmp_path / "it's second"), warehouse.database)
    warehouse.overwrite(PLAN, rows(warehouse, ("A", MONDAY, 1.0, "proposed")))
    second.overwrite(PLAN, rows(second, ("B", MONDAY, 1.0, "proposed")))
    try:
        for each, expected in ((warehouse, "A"), (second, "B"), (second, "B")):
            each.register((PLAN, STOCK))
            assert [(expected,)] == [tuple(row) for row in spark.sql("SELECT item_id FROM delta_tests.plan").collect()]
        assert ["plan"] == [row["tableName"] for row in spark.sql("SHOW TABLES IN delta_tests").collect()]
    finally:
        spark.sql("DROP DATABASE delta_tests CASCADE")


def test_a_folder_that_cannot_be_written_is_refused_with_the_remedy(tmp_path):
    (tmp_path / "file").write_text("")
    root = tmp_path / "file" / "warehouse"
    with pytest.raises(EnvironmentNotReadyError, match=r"cannot be written \(Not a directory\); give a folder that"):
        require_writable(str(root))


def test_the_probe_leaves_nothing_behind_but_the_folder(tmp_path):
    require_writable(str(tmp_path / "a" / "warehouse"))
    assert [] == list((tmp_path / "a" / "warehouse").iterdir())
    require_writable("s3a://bucket/warehouse")
    shutil.rmtree(tmp_path / "a")
