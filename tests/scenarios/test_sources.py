"""Sources that are missing, broken or mapped wrongly are named before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skucast.errors import ContractError, SourceError
from skucast.stages.ingest.stage import checked_source, mapped_lines
from skucast.store.sources import source_errors
from skucast.tables import AVAILABILITY, ITEM, ITEM_LOCATION, SALES_LINE, Table
from tests.scenarios.shop import FIRST, Shop, sale, weekly

pytestmark = pytest.mark.spark

Story = Callable[[Shop], dict[str, Any]]


def missing_file(shop: Shop) -> dict[str, Any]:
    return {"path": str(shop.folder / "absent.csv")}


def empty_file(shop: Shop) -> dict[str, Any]:
    (shop.folder / "empty.csv").touch()
    return {"path": str(shop.folder / "empty.csv")}


def folder_without_data(shop: Shop) -> dict[str, Any]:
    (shop.folder / "inbox").mkdir()
    return {"path": str(shop.folder / "inbox")}


def damaged_parquet(shop: Shop) -> dict[str, Any]:
    """A whole footer, so that the schema can be read, and pages that cannot."""
    rows = weekly("A") * 200
    path = shop.folder / "lines.parquet"
    pq.write_table(pa.Table.from_pylist([{**row, "order_id": f"{n}"} for n, row in enumerate(rows)]), path)
    content = bytearray(path.read_bytes())
    content[4:2000] = bytes(1996)
    path.write_bytes(content)
    return {"path": str(path), "format": "parquet"}


def cut_off_parquet(shop: Shop) -> dict[str, Any]:
    path = shop.folder / "cut.parquet"
    pq.write_table(pa.Table.from_pylist(weekly("A")), path)
    path.write_bytes(path.read_bytes()[:-20])
    return {"path": str(path), "format": "parquet"}


SALES = {
    name: name for name in ("order_id", "item_id", "location_id", "ordered_at", "quantity", "unit_price", "customer_id")
}
STORIES: dict[str, tuple[Story, list[str]]] = {
    "missing file": (missing_file, ["absent.csv does not exist; correct `path` in the configuration"]),
    "empty file": (empty_file, ["empty.csv holds no data; expected at least a header or one row"]),
    "folder without data": (folder_without_data, ["inbox", "holds no data"]),
    "damaged parquet": (damaged_parquet, ["lines.parquet cannot be read (", "complete and of the stated format"]),
    "cut off parquet": (cut_off_parquet, ["cut.parquet cannot be read (", "complete and of the stated format"]),
    "a column that is not there": (
        lambda _: {"columns": SALES | {"item_id": "StockCode"}},
        [
            "expression for item_id, 'StockCode', does not fit",
            "columns are order_id, item_id,",
            "sources.sales_line.col",
        ],
    ),
    "an expression that does not parse": (
        lambda _: {"columns": SALES | {"item_id": "upper(trim(item_id)"}},
        ["expression for item_id, 'upper(trim(item_id)', does not parse", "correct sources.sales_line.columns.item_id"],
    ),
    "a cast that fails on a row": (
        lambda _: {"columns": SALES | {"quantity": "cast(order_id AS int)"}},
        ["source sales_line", "(CAST_INVALID_INPUT)", "use try_cast, so that the row is rejected"],
    ),
    "a filter that does not parse": (lambda _: {"where": "quantity >>"}, ["`where` does not parse"]),
    "nothing mapped to the item": (
        lambda _: {"columns": {name: sql for name, sql in SALES.items() if name != "item_id"}},
        ["nothing is mapped to item_id; an order line needs order_id, item_id,", "add them to sources.sales_line.col"],
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_the_source_is_named_before_anything_is_written(shop: Shop, name: str):
    """Some stories are told while the source is opened, some when its rows are read."""
    story, expected = STORIES[name]
    source = {"format": "csv", "path": str(shop.folder / "lines.csv")} | story(shop)
    shop.config({"sources": {"sales_line": source}})
    with pytest.raises(SourceError) as refused, source_errors("sales_line", source["path"]):
        mapped_lines(shop.context()).write.format("noop").mode("overwrite").save()
    assert 2 == refused.value.exit_code
    for part in ["sales_line", *expected]:
        assert part in str(refused.value)


def refusal(shop: Shop, table: Table, **files: str) -> str:
    """What is said of a source that breaks the contract of its table."""
    shop.config({"sources": shop.sources(sales_line="lines", **files)})
    with pytest.raises(ContractError) as refused:
        checked_source(shop.context(), table)
    return str(refused.value)


def test_a_failed_run_is_in_the_record_and_the_next_one_succeeds(shop: Shop):
    """Exit code 2; all that a failure leaves is its row in the run record; a corrected source needs no tidying up."""
    shop.write("terms.csv", [{"item_id": "A", "location_id": "GB-1", "lead_time_days": -1}])
    message = shop.refused(
        "ingest", config=shop.config({"sources": shop.sources(sales_line="lines", item_location="terms")})
    )
    assert "source item_location breaks the contract of table item_location; nothing was written" in message
    assert {"run"} == shop.tables()
    row = shop.rows("run")[0]
    assert ("ingest", "failed") == (row["stage"], row["outcome"])
    assert "1 row(s) break lead_time_days_valid" in row["message"]
    assert 0 == shop.run("ingest", config=shop.config()).code
    assert 2 * 21 == len(shop.rows("sales_line"))


def test_too_many_rejected_lines_stop_the_run_with_the_reasons(shop: Shop):
    lines = weekly("A", weeks=3)
    lines += [sale("A", FIRST, quantity) for quantity in ("five", "NaN")] + [sale("A", FIRST, ordered_at="3/1/2011")]
    shop.write("lines.csv", [{**line, "order_id": f"{n}"} for n, line in enumerate(lines)])
    message = shop.refused("ingest", code=1)
    assert "3 of 7 order lines were rejected, more than the allowed share 0.1 (ingest.max_rejected_share)" in message
    assert "date_invalid 1, quantity_invalid 2; correct the source or its mapping" in message
    assert {"run"} == shop.tables()


def test_master_data_that_break_their_contract_are_listed_and_not_written(shop: Shop):
    """Doubled keys, two service targets for one item, a percentage, text where a number belongs: all in one message."""
    terms = [
        {"item_id": "A", "location_id": "GB-1", "lead_time_days": 7},
        {"item_id": "A", "location_id": "GB-1", "lead_time_days": 9},
        {"item_id": "B", "location_id": "GB-1", "cycle_service_level": 0.9, "fill_rate": 0.9},
        {"item_id": "C", "location_id": "GB-1", "cycle_service_level": 97.5},
        {"item_id": "D", "location_id": "GB-1", "lead_time_days": -1},
        {"item_id": "E", "location_id": "GB-1", "lead_time_days": "a week"},
        {"item_id": "F", "location_id": "GB-1", "pack_size": "6d"},
    ]
    shop.write("terms.csv", terms)
    message = refusal(shop, ITEM_LOCATION, item_location="terms")
    assert "source item_location breaks the contract of table item_location; nothing was written" in message
    for part in (
        "1 value(s) of column lead_time_days are no double: correct them or map them with an expression",
        "1 value(s) of column pack_size are no double",
        "1 row(s) break lead_time_days_valid: expected",
        "1 row(s) break cycle_service_level_valid",
        "1 row(s) break one_service_target",
        "e.g. B / GB-1 / 1900-01-01",
        "1 row(s) repeat a key (item_id, location_id, valid_from), expected unique keys; e.g. A / GB-1 / 1900-01-01",
    ):
        assert part in message


REFUSED = {
    "lead_time_days": -0.5,
    "review_period_days": 0,
    "pack_size": 0,
    "cycle_service_level": 1,
    "fill_rate": 1,
    "holding_cost": 0,
    "stockout_cost": -1,
    "fixed_cost": -1,
    "max_stock": 0,
}


def test_every_term_that_cannot_be_is_named_with_the_item(shop: Shop):
    terms = [{"item_id": column, "location_id": "GB-1", **dict.fromkeys(REFUSED), column: value}
             for column, value in REFUSED.items()]  # fmt: skip
    more = {"min_order_quantity": None, "max_order_quantity": None}
    limits = {"item_id": "min above max", "location_id": "GB-1", "min_order_quantity": 12, "max_order_quantity": 6}
    shop.write("terms.csv", [each | more for each in terms] + [limits])
    shop.write("items.csv", [{"item_id": "free", "unit_cost": 0}, {"item_id": "paid for taking", "unit_cost": -1}])
    for table, file, expected in (
        (ITEM_LOCATION, "terms", [*(f"break {column}_valid" for column in REFUSED), "break minimum_below_maximum"]),
        (ITEM, "items", ["2 row(s) break unit_cost_valid"]),
    ):
        message = refusal(shop, table, **{table.name: file})
        for part in (*expected, *(f"e.g. {column} / GB-1" for column in REFUSED if table == ITEM_LOCATION)):
            assert part in message


def test_an_availability_that_is_no_share_is_refused_with_its_period(shop: Shop):
    rows = [{"item_id": "A", "location_id": "GB-1", "period_start": FIRST, "in_stock_share": 1.5}]
    shop.write("availability.csv", rows)
    message = refusal(shop, AVAILABILITY, availability="availability")
    assert "source availability breaks the contract of table availability; nothing was written" in message
    assert "1 row(s) break in_stock_share_valid" in message
    assert f"A / GB-1 / {FIRST}" in message


def test_a_table_of_an_older_version_is_named_and_left_as_it_is(shop: Shop):
    place = str(shop.warehouse / "sales_line")
    shop.spark.sql("SELECT '1' AS order_id, 3 AS quantity").write.format("delta").save(place)
    with pytest.raises(ContractError) as refused:
        shop.context().warehouse.read(SALES_LINE)
    message = str(refused.value)
    assert f"table sales_line at {place} was written with another schema: missing columns ['line_id'" in message
    assert "quantity is int, expected double" in message
    assert "move that folder away and run again" in message
    assert 1 == shop.spark.read.format("delta").load(place).count()
