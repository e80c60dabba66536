"""The simulated stock, orders and receipts agree with each other and with the real sales."""

from bisect import bisect_right
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from skucast.datasets import dataset_path
from skucast.datasets import synthetic as simulate
from skucast.errors import SourceError

KEYS = {
    "stock": ["item_id", "location_id", "as_of"],
    "open_order": ["order_id", "line_id"],
    "receipt": ["order_id", "line_id", "received_on"],
    "supplier": ["supplier_id", "valid_from"],
    "item": ["item_id", "valid_from"],
    "item_location": ["item_id", "location_id", "valid_from"],
    "event": ["location_id", "event_date", "name"],
}
LAST_DAY = pd.Timestamp("2011-12-09")


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    """The packaged tables, with dates as timestamps."""
    read = {}
    for name in KEYS:
        table = pq.read_table(dataset_path(f"package://online_retail_simulated/{name}.parquet"))
        read[name] = table.to_pandas(date_as_object=False)
    return read


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    """The real order lines."""
    frame = pd.read_parquet(dataset_path("package://online_retail.parquet"))
    return frame.assign(item_id=frame["StockCode"].str.strip().str.upper())


@pytest.fixture(scope="module")
def sales(lines: pd.DataFrame) -> pd.DataFrame:
    """Accepted sales with the time of their cancellation, found by plain search and not by the code under test."""
    lines = lines.drop_duplicates()
    cancels = lines["InvoiceNo"].str.startswith("C")
    product = lines["item_id"].str.fullmatch(r"\d{5}[A-Z]*|DCGS\w+")
    sold = lines[~cancels & product & (lines["Quantity"] > 0) & (lines["UnitPrice"] > 0)].reset_index(drop=True)
    columns = ["item_id", "CustomerID", "Quantity", "UnitPrice", "InvoiceDate"]
    taken = lines.loc[cancels & lines["CustomerID"].notna(), columns]
    wanted = set(zip(taken["item_id"], taken["CustomerID"], -taken["Quantity"], taken["UnitPrice"], strict=True))
    rows = defaultdict(list)
    for row, (*key, at) in enumerate(sold[columns].itertuples(index=False)):
        if tuple(key) in wanted:
            rows[tuple(key)].append((at, row))
    cancelled = np.full(len(sold), np.datetime64("NaT"), dtype="datetime64[us]")
    for item, customer, quantity, price, at in taken.itertuples(index=False):
        earlier = rows[item, customer, -quantity, price]
        position = bisect_right(earlier, (at, len(sold))) - 1
        if position >= 0 and np.isnat(cancelled[earlier[position][1]]):
            cancelled[earlier[position][1]] = at.to_datetime64()
    return sold.assign(cancelled_at=cancelled, day=sold["InvoiceDate"].dt.normalize())


def net_sales(sales: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    """Sale lines in [start, end) that were not cancelled before `end`."""
    inside = (sales["day"] >= start) & (sales["day"] < end)
    return sales[inside & ~(sales["cancelled_at"] < end)]


def test_order_lines_are_complete(lines: pd.DataFrame) -> None:
    assert len(lines) == 541_909
    assert lines["Quantity"].sum() == 5_176_450
    assert lines["InvoiceDate"].min() == pd.Timestamp("2010-12-01 08:26")


def test_huge_cancelled_orders_never_left_the_shelf(sales: pd.DataFrame) -> None:
    huge = sales[sales["Quantity"].isin([80_995, 74_215])]
    assert len(huge) == 2
    assert net_sales(huge, pd.Timestamp("2010-12-01"), LAST_DAY + pd.Timedelta(days=1)).empty


def test_stock_is_conserved_between_all_snapshots(tables: dict[str, pd.DataFrame], sales: pd.DataFrame) -> None:
    on_hand = tables["stock"].pivot_table(index="item_id", columns="as_of", values="on_hand", aggfunc="sum")
    receipt = tables["receipt"]
    assert len(on_hand.columns) == 21
    for start, end in pairwise(pd.DatetimeIndex(on_hand.columns)):
        arrived = receipt[(receipt["received_on"] >= start) & (receipt["received_on"] < end)]
        received = arrived.groupby("item_id")["quantity"].sum().reindex(on_hand.index, fill_value=0)
        sold = net_sales(sales, start, end).groupby("item_id")["Quantity"].sum().reindex(on_hand.index, fill_value=0)
        expected = on_hand[start] + received - sold
        pd.testing.assert_series_equal(on_hand[end], expected, check_names=False, check_exact=True)


def test_stock_lasts_every_day(tables: dict[str, pd.DataFrame], sales: pd.DataFrame) -> None:
    stock = tables["stock"]
    assert (stock["on_hand"] >= 0).all()
    grid = [*sorted(stock["as_of"].unique()), LAST_DAY + pd.Timedelta(days=1)]
    sold = pd.concat(net_sales(sales, start, end) for start, end in pairwise(grid))[["item_id", "day", "Quantity"]]
    receipt = tables["receipt"][["item_id", "received_on", "quantity"]].set_axis(["item_id", "day", "change"], axis=1)
    opening = stock[stock["as_of"] == grid[0]].rename(columns={"as_of": "day", "on_hand": "change"})
    out = sold.rename(columns={"Quantity": "change"}).assign(change=-sold["Quantity"])
    moves = pd.concat([opening[["item_id", "day", "change"]], receipt, out]).groupby(["item_id", "day"])["change"].sum()
    end_of_day = moves.groupby("item_id").cumsum()
    assert (end_of_day >= 0).all()
    days_with_sales = pd.MultiIndex.from_frame(sold[["item_id", "day"]].drop_duplicates())
    assert (end_of_day[days_with_sales] >= 1).all()


def test_receipts_belong_to_orders(tables: dict[str, pd.DataFrame]) -> None:
    receipt, order = tables["receipt"], tables["open_order"]
    same = ["order_id", "line_id", "item_id", "location_id", "supplier_id", "ordered_on"]
    joined = receipt.merge(order[same], on=same)
    assert len(joined) == len(receipt)
    assert (receipt["received_on"] > receipt["ordered_on"]).all()
    assert receipt["received_on"].max() <= LAST_DAY
    received = receipt.groupby(["order_id", "line_id"])["quantity"].sum()
    ordered = order.set_index(["order_id", "line_id"])["quantity"]
    assert (received <= ordered.loc[received.index]).all()


def test_goods_arrive_on_working_days(tables: dict[str, pd.DataFrame]) -> None:
    days = tables["receipt"]["received_on"].drop_duplicates()
    assert (days.dt.dayofweek < 5).all()
    assert not days.isin(tables["event"]["event_date"]).any()


def test_orders_late_partial_and_open_exist(tables: dict[str, pd.DataFrame]) -> None:
    order = tables["open_order"].set_index(["order_id", "line_id"])
    by_line = tables["receipt"].groupby(["order_id", "line_id"])["quantity"]
    received = by_line.sum().reindex(order.index, fill_value=0)
    is_open = received < order["quantity"]
    assert is_open.sum() > 1000
    assert (is_open & (order["due_date"] <= LAST_DAY)).sum() > 100
    assert (is_open & (received > 0)).sum() > 10
    assert (by_line.size() == 2).sum() > 500


def test_orders_respect_lots_and_suppliers(tables: dict[str, pd.DataFrame]) -> None:
    terms = tables["item_location"][["item_id", "supplier_id", "pack_size", "min_order_quantity", "lead_time_days"]]
    order = tables["open_order"].merge(terms, on=["item_id", "supplier_id"])
    assert len(order) == len(tables["open_order"])
    assert (order["quantity"] % order["pack_size"] == 0).all()
    assert (order["quantity"] >= order["min_order_quantity"]).all()
    assert ((order["due_date"] - order["ordered_on"]).dt.days == order["lead_time_days"]).all()
    priced = order.merge(tables["item"], on="item_id")
    priced["value"] = priced["quantity"] * priced["unit_cost"]
    value = priced.groupby(["supplier_id", "order_id"])["value"].sum().reset_index("order_id", drop=True)
    least = tables["supplier"].set_index("supplier_id")["min_order_value"].fillna(0)
    assert (value >= least.loc[value.index]).all()


def test_items_not_to_be_ordered_were_not(tables: dict[str, pd.DataFrame]) -> None:
    terms, order = tables["item_location"], tables["open_order"]
    assert terms["do_not_order"].sum() == 10
    assert not order["item_id"].isin(terms.loc[terms["do_not_order"], "item_id"]).any()
    ended = order.merge(terms.loc[terms["active_to"].notna(), ["item_id", "active_to"]], on="item_id")
    assert terms["active_to"].notna().sum() == 12
    assert (ended["ordered_on"] <= ended["active_to"]).all()


def test_keys_are_unique_and_provenance_is_stated(tables: dict[str, pd.DataFrame]) -> None:
    for name, key in KEYS.items():
        table = tables[name]
        assert not table.duplicated(key).any(), name
        assert not table[key].isna().any(axis=None), name
        allowed = table["kind"].map({"holiday": "measured", "closure": "simulated"}) if name == "event" else "simulated"
        assert (table["provenance"] == allowed).all(), name


def test_every_item_sold_has_its_master_rows(tables: dict[str, pd.DataFrame], sales: pd.DataFrame) -> None:
    sold = sorted(sales["item_id"].unique())
    assert len(sold) == 3798
    assert tables["item"]["item_id"].tolist() == sold
    assert tables["item_location"]["item_id"].tolist() == sold
    assert (tables["item"]["unit_cost"] > 0).all()
    assert (tables["item"]["unit_cost"] <= tables["item"]["unit_price"]).all()
    assert tables["item"]["category"].nunique() == 17


def test_closures_are_the_days_without_sales(tables: dict[str, pd.DataFrame], lines: pd.DataFrame) -> None:
    event = tables["event"]
    closed = {day for day in event.loc[event["kind"] == "closure", "event_date"] if day <= LAST_DAY}
    calendar = pd.date_range("2010-12-01", LAST_DAY)
    silent = calendar.difference(pd.DatetimeIndex(lines["InvoiceDate"].dt.normalize().unique()))
    saturdays = {day for day in silent if day.dayofweek == 5}
    assert closed | saturdays == set(silent)
    assert (event["known_at"] <= event["event_date"] - pd.Timedelta(days=60)).all()


def test_simulating_again_gives_the_same_content(tmp_path: Path) -> None:
    simulate.write(tmp_path)
    for name in KEYS:
        packaged = pq.read_table(dataset_path(f"online_retail_simulated/{name}.parquet"))
        again = pq.read_table(tmp_path / f"{name}.parquet")
        assert again.schema.equals(packaged.schema, check_metadata=True), name
        assert again.equals(packaged), name


def test_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(SourceError, match=r"online_retail_simulated/stock\.parquet") as caught:
        dataset_path("package://orders.parquet")
    assert "'orders.parquet'" in str(caught.value)
    with pytest.raises(SourceError):
        dataset_path("package://../errors.py")
