"""Sources in every format, expressed in the contract's columns; what goes wrong is worded without row values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import NumberFormatException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from skucast.errors import SourceError
from skucast.store.sources import SOURCE_ROW, mapped_source

pytestmark = pytest.mark.spark

LINES = "Order,Item,Pieces\n1,A,2\n1,A,2\n1,A,3\n2,B,-1\n"


def mapped(spark: SparkSession, path: Path | str, format: str = "csv", **given: Any) -> DataFrame:  # noqa: A002
    source = {"format": format, "path": str(path), "options": {}, "columns": {}, "where": None}
    return mapped_source(spark, "sales_line", source | given)


def refusal(spark: SparkSession, path: Path | str, format: str = "csv", **given: Any) -> str:  # noqa: A002
    with pytest.raises(SourceError) as refused:
        mapped(spark, path, format, **given)
    return str(refused.value)


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    path = tmp_path / "lines.csv"
    path.write_text(LINES)
    return path


def test_columns_are_expressions_over_the_sources_columns(spark, lines):
    columns = {"order_id": "Order", "item_id": "lower(Item)", "location_id": "'GB-1'", "quantity": "2 * Pieces"}
    frame = mapped(spark, lines, columns=columns, where="Pieces > 0")
    assert [*columns, SOURCE_ROW, "_source_file", "_delivered_at"] == frame.columns
    assert [("1", "a", "GB-1", 4.0), ("1", "a", "GB-1", 4.0), ("1", "a", "GB-1", 6.0)] == sorted(
        tuple(row)[:4] for row in frame.collect()
    )


def test_without_a_mapping_the_sources_own_names_are_taken(spark, tmp_path):
    path = tmp_path / "odd names.csv"
    path.write_text("item id,on.hand\nA,1\n")
    frame = mapped(spark, path)
    assert ["item id", "on.hand"] == frame.columns[:2]
    assert ("A", "1") == tuple(frame.first())[:2]


def test_a_customer_that_does_not_fit_its_expression_is_none_and_all_else_stays_strict(spark, lines):
    columns = {"item_id": "cast(Pieces AS int)", "customer_id": "cast(Item AS bigint)"}
    assert {None} == {row["customer_id"] for row in mapped(spark, lines, columns=columns).collect()}
    with pytest.raises(NumberFormatException):
        mapped(spark, lines, columns=columns | {"item_id": "cast(Item AS int)"}).collect()


def test_equal_rows_have_equal_hashes_and_others_do_not(spark, lines):
    hashes = [row[SOURCE_ROW] for row in mapped(spark, lines, columns={"item_id": "Item"}).collect()]
    assert hashes[0] == hashes[1]
    assert 3 == len(set(hashes))


def test_the_same_rows_in_another_format_and_order_keep_file_and_time_of_delivery(spark, lines, tmp_path):
    frame = spark.read.csv(str(lines), header=True)
    for name in ("json", "parquet", "delta"):
        frame.orderBy(F.desc("Pieces")).coalesce(1).write.format(name).save(str(tmp_path / name))
    expected = sorted(row[SOURCE_ROW] for row in mapped(spark, lines).select(SOURCE_ROW).collect())
    for name in ("parquet", "delta"):
        found = mapped(spark, tmp_path / name, name).collect()
        assert expected == sorted(row[SOURCE_ROW] for row in found)
        assert all(row["_delivered_at"] is not None and f"/{name}/part-" in row["_source_file"] for row in found)
    assert 4 == mapped(spark, f"{tmp_path}/js*", "json").count()


def test_options_reach_the_reader(spark, tmp_path):
    path = tmp_path / "lines.csv"
    path.write_bytes("Artikel;Stück\nKaffee;3\n".encode("latin-1"))
    frame = mapped(spark, path, options={"sep": ";", "encoding": "ISO-8859-1"}, columns={"quantity": "`Stück`"})
    assert "3" == frame.first()["quantity"]


def test_the_packaged_sample_is_a_source(spark):
    frame = mapped(spark, "package://online_retail.parquet", "parquet", columns={"order_id": "InvoiceNo"})
    assert "order_id" == frame.columns[0]
    assert frame.limit(1).count() == 1


def test_a_source_that_is_not_there_is_named(spark, tmp_path):
    message = refusal(spark, tmp_path / "absent.csv")
    assert f"source sales_line: {tmp_path}/absent.csv does not exist; correct `path` in the configuration" == message
    message = refusal(spark, "package://absent.parquet", "parquet")
    assert "no packaged data set 'absent.parquet'; there are: package://" in message
    assert "package://online_retail.parquet, " in message


@pytest.mark.parametrize("name", ["csv", "parquet", "json"])
def test_a_folder_without_data_is_refused(spark, tmp_path, name):
    (tmp_path / "empty").mkdir()
    message = refusal(spark, tmp_path / "empty", name)
    assert f"source sales_line: {tmp_path}/empty " in message
    assert "holds no data" in message


def test_an_empty_file_is_refused(spark, tmp_path):
    (tmp_path / "empty.csv").touch()
    assert f"{tmp_path}/empty.csv holds no data; expected at least a header or one row" in refusal(
        spark, tmp_path / "empty.csv"
    )


def test_a_glob_that_matches_nothing_is_refused(spark, tmp_path):
    message = refusal(spark, f"{tmp_path}/*.csv")
    assert f"{tmp_path}/*.csv cannot be read (PATH_NOT_FOUND): it does not exist; correct `path`" in message


def test_a_column_that_is_not_there_is_named_with_those_that_are(spark, lines):
    message = refusal(spark, lines, columns={"order_id": "Order", "item_id": "StockCode"})
    assert (
        "source sales_line: the expression for item_id, 'StockCode', does not fit the source "
        "(UNRESOLVED_COLUMN.WITH_SUGGESTION); the source's columns are Order, Item, Pieces: correct "
        "sources.sales_line.columns.item_id" == message
    )


@pytest.mark.parametrize("sql", ["upper(", "1 +", "no_such_function(Item)", "Item Pieces Order"])
def test_an_expression_that_cannot_be_used_is_named(spark, lines, sql):
    message = refusal(spark, lines, columns={"item_id": sql})
    assert f"the expression for item_id, {sql!r}, does not " in message
    assert "correct sources.sales_line.columns.item_id" in message


def test_an_aggregate_is_no_value_of_a_row(spark, lines):
    message = refusal(spark, lines, columns={"item_id": "Item", "quantity": "count(Pieces)"})
    assert "the expression for quantity, 'count(Pieces)', does not fit the source (MISSING_GROUP_BY" in message


@pytest.mark.parametrize(
    ("where", "remedy"),
    [
        ("Pieces >", "`where` does not parse; it takes a Spark SQL condition"),
        ("Amount > 0", "`where` names a column that the source does not have"),
    ],
)
def test_a_filter_that_cannot_be_used_is_named(spark, lines, where, remedy):
    assert remedy in refusal(spark, lines, where=where)


def test_a_damaged_parquet_file_is_named_as_such(spark, tmp_path):
    path = tmp_path / "lines.parquet"
    path.write_bytes(b"PAR1" + b"\0" * 100 + b"PAR1")
    message = refusal(spark, path, "parquet")
    assert f"source sales_line: {path} cannot be read (" in message
    assert "see whether the file is complete and of the stated format" in message
