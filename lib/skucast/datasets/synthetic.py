"""Simulates the stock, the purchasing and the master data that the real order lines come without.

``python -m skucast.datasets.synthetic [FOLDER]`` rewrites ``online_retail_simulated/``, each time with the same bytes.
Sales are real. All else is drawn from one seed, except the UK bank holidays, which are real too.

**Accepted sale**: an order line whose invoice is no cancellation (no leading ``C``), with a positive quantity and
price, of a product code. Exact duplicates count once. **Net sales** of a day: its accepted sales but for those known to
be cancelled at the first snapshot after that day. A cancellation takes out the newest earlier line with the same item,
known customer, quantity and price; two cancellations of one line count once. Goods cancelled after that snapshot, and
all other returns, do not go back on the shelf. So between consecutive snapshots a and b, exactly::

    on_hand(b) = on_hand(a) + receipts in [a, b) - net sales in [a, b)

Stock is counted at the start of a day, before its receipts. Every Monday each item is ordered up to the mean of its
last weeks over review period and lead time, plus a margin. The buyer also foresees what the real year still asks for:
no day with sales runs out, and from a week before its first sale to its last an item ends each day with at least 1.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from skucast.datasets import FOLDER, dataset_path, masters
from skucast.datasets.masters import DAYS, END, LOCATION, REVIEW, START, Ints, random_stream

AHEAD = 130  # days simulated after the data end, so that late deliveries have a date
WINDOW = 100  # days the buyer can foresee: more than review period, longest lead time, delay and closure together
FIRST_MONDAY = 5
MARGIN = 1.3  # standard deviations above the mean that the order-up-to level holds
WEEKLY_SNAPSHOTS = 8
PRODUCT = r"\d{5}[A-Z]*|DCGS\w+"

COLUMNS = {
    "stock": "item_id location_id as_of on_hand reserved backorders",
    "open_order": "order_id line_id item_id location_id supplier_id ordered_on due_date quantity",
    "receipt": "order_id line_id received_on item_id location_id supplier_id ordered_on quantity",
    "supplier": "supplier_id name ordering_days min_order_value budget valid_from",
    "item": "item_id description category unit_cost unit_price shelf_life_days valid_from",
    "item_location": "item_id location_id supplier_id lead_time_days lead_time_sd_days review_period_days "
    "min_order_quantity pack_size cycle_service_level fill_rate holding_rate_per_year fixed_cost stockout_cost "
    "active_from active_to do_not_order successor_item_id valid_from",
    "event": "location_id event_date name kind value known_at",
}
TYPES = {
    pa.date32(): "as_of ordered_on due_date received_on valid_from active_from active_to event_date known_at",
    pa.int32(): "lead_time_days review_period_days shelf_life_days",
    pa.bool_(): "do_not_order",
    pa.string(): "item_id location_id order_id line_id supplier_id name ordering_days description category "
    "successor_item_id kind provenance",
}  # every other column is a double


def snapshots() -> pd.DatetimeIndex:
    """The days stock is counted: the first of each month, and the last Mondays."""
    mondays = pd.date_range(end=END, periods=WEEKLY_SNAPSHOTS, freq="W-MON")
    return pd.date_range(START, END, freq="MS").union(mondays)


def accepted_sales() -> pd.DataFrame:
    """Read the real order lines.

    Returns:
        One row per accepted sale: item_id, description, quantity, price, day (days since START), and net (False if
        the line is known to be cancelled at the first snapshot after its day).
    """
    lines = pd.read_parquet(dataset_path("online_retail.parquet")).drop_duplicates().drop(columns="Country")
    lines.columns = pd.Index(["invoice", "item_id", "description", "quantity", "at", "price", "customer"])
    lines["item_id"] = lines["item_id"].str.strip().str.upper()
    is_cancellation = lines["invoice"].str.startswith("C")
    is_sale = ~is_cancellation & (lines["quantity"] > 0) & (lines["price"] > 0)
    sales = lines[is_sale & lines["item_id"].str.fullmatch(PRODUCT)].reset_index(drop=True)
    cancelled_at = _cancelled_at(sales, lines[is_cancellation])
    grid = snapshots().append(pd.DatetimeIndex([END + pd.Timedelta(days=1)]))
    counted_at = grid[grid.searchsorted(sales["at"], side="right")]
    sales["net"] = ~(cancelled_at < counted_at)
    sales["day"] = (sales["at"].dt.normalize() - START).dt.days
    return sales


def _cancelled_at(sales: pd.DataFrame, cancellations: pd.DataFrame) -> pd.Series:
    """When each sale was cancelled by an exact counterpart (NaT: never), in the order of `sales`."""
    keys = ["item_id", "customer", "quantity", "price"]
    given = sales.assign(row=sales.index)[sales["customer"].notna()]
    taken = cancellations.assign(quantity=-cancellations["quantity"], cancelled_at=cancellations["at"])
    taken = taken[taken["customer"].notna()].sort_values("at", kind="stable")
    pairs = pd.merge_asof(taken[[*keys, "at", "cancelled_at"]], given[[*keys, "at", "row"]], on="at", by=keys)
    first = pairs.dropna(subset="row").drop_duplicates("row").set_index("row")["cancelled_at"]
    return first.reindex(sales.index)


def sales_matrix(sales: pd.DataFrame) -> tuple[pd.Index, Ints]:
    """Net sales as (items sorted by id, array of items x days, with AHEAD days of zeros at the end)."""
    items = pd.Index(np.sort(sales["item_id"].unique()))
    matrix = np.zeros((len(items), DAYS + AHEAD), dtype=np.int64)
    net = sales[sales["net"]]
    np.add.at(matrix, (items.get_indexer(pd.Index(net["item_id"])), net["day"].to_numpy()), net["quantity"].to_numpy())
    return items, matrix


@dataclass
class Shop:
    """A year of weekly purchasing. All arrays have one row per item; times are days since START."""

    sales: Ints
    terms: pd.DataFrame
    next_open: Ints
    arrivals: Ints = field(init=False)
    opening: Ints = field(init=False)
    orders: list[pd.DataFrame] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Derive the fixed terms of every item, and its opening stock."""
        self.random = random_stream(3)
        self.arrivals = np.zeros_like(self.sales)
        self.opening = np.zeros(len(self.sales), dtype=np.int64)
        names = ("lead_time_days", "pack_size", "min_order_quantity")
        self.lead, self.pack, self.minimum = (self.terms[name].to_numpy().astype(np.int64) for name in names)
        self.latest = np.ceil(2.5 * self.terms["lead_time_sd_days"].to_numpy()).astype(np.int64)
        self.last_buy = self.terms["do_not_order"].to_numpy()
        self.floor = _floor(self.sales)
        active = (self.terms["active_to"] - START).dt.days.fillna(DAYS + AHEAD).to_numpy()
        self.order_until = np.where(self.last_buy, -1, active - self.lead)
        self.opening = self._opening()

    def _opening(self) -> Ints:
        """Enough until the first order is in, and some weeks more; for last buys, enough for good."""
        until = self.next_open[FIRST_MONDAY + self.lead + self.latest]
        weeks = self.random.uniform(1, 4, len(self.sales))
        spare = np.rint(self.sales[:, :56].sum(axis=1) / 8 * weeks).astype(np.int64)
        usual = self._short(0, 0 * until, until) + spare
        stock: Ints = np.where(self.last_buy, self.sales.sum(axis=1) + self.pack, usual)
        return stock

    def on_hand(self, t: int) -> Ints:
        """Stock at the start of day t, before its receipts."""
        stock: Ints = self.opening + self.arrivals[:, :t].sum(axis=1) - self.sales[:, :t].sum(axis=1)
        return stock

    def _short(self, t: int, first: Ints, until: Ints) -> Ints:
        """Units that would be missing on the worst day from `first` to `until` if nothing were ordered at t."""
        days = np.arange(t, t + WINDOW)
        end = self.on_hand(t)[:, None] + np.cumsum((self.arrivals - self.sales)[:, days], axis=1)
        within = (days >= first[:, None]) & (days <= until[:, None])
        missing: Ints = np.where(within, self.floor[:, days] - end, 0).max(axis=1).clip(0)
        return missing

    def _up_to(self, t: int) -> Ints:
        """The order-up-to level, from the weekly sales before t (integer sums: the same on every machine)."""
        n = min(max(t // 7, 1), 8)
        weekly = np.stack([self.sales[:, max(t - 7 * k, 0) : t - 7 * k + 7].sum(axis=1) for k in range(1, n + 1)])
        total, squares = weekly.sum(axis=0), (weekly**2).sum(axis=0)
        span = (REVIEW + self.lead) / 7
        level: Ints = np.ceil(total / n * span + MARGIN * np.sqrt((n * squares - total**2) * span) / n).astype(np.int64)
        return level

    def review(self, t: int) -> None:
        """Order on day t: up to the level, but at least what the coming weeks turn out to need."""
        delay = self._delay()
        first = self.next_open[t + self.lead + delay]
        second = self.next_open[first + self.random.integers(3, 11, len(first))]
        short = self._short(t, first, self.next_open[t + REVIEW + self.lead + self.latest])
        below = self._up_to(t) - self.on_hand(t) - self.arrivals[:, t:].sum(axis=1)
        rule = np.where((below >= self.minimum) & (t <= self.order_until), below // self.pack, 0)
        packs = np.maximum(rule, -(-np.where(short > 0, np.maximum(short, self.minimum), 0) // self.pack))
        part = packs * 3 // 5
        split = (self.random.random(len(part)) < 0.06) & (part > 0) & (part * self.pack >= short)
        quantity, received = packs * self.pack, np.where(split, part, packs) * self.pack
        rows = np.arange(len(packs))
        self.arrivals[rows, first] += received
        self.arrivals[rows, second] += quantity - received
        table = pd.DataFrame({"row": rows, "ordered": t, "due": t + self.lead, "first": first, "second": second})
        self.orders.append(table.assign(quantity=quantity, received=received)[quantity > 0])

    def _delay(self) -> Ints:
        """Days late of this week's delivery: one draw per supplier, sometimes a day early, with an upper limit."""
        names = masters.suppliers_table()["supplier_id"]
        late = dict(zip(names, self.random.normal(0.4, 1, len(names)), strict=True))
        drawn = self.terms["supplier_id"].map(late).to_numpy() * self.terms["lead_time_sd_days"].to_numpy()
        days: Ints = np.clip(np.rint(drawn).astype(np.int64), -1, self.latest)
        return days


def _floor(sales: Ints) -> Ints:
    """The least stock at the end of each day: 1 from a week before an item's first sale to its last, else 0."""
    sold = sales > 0
    begun = np.cumsum(sold, axis=1) > 0
    begun[:, :-REVIEW] = begun[:, REVIEW:]
    return (begun & (np.cumsum(sold[:, ::-1], axis=1)[:, ::-1] > 0)).astype(np.int64)


def _next_open(event: pd.DataFrame) -> Ints:
    """For each day the first one, from it on, on which goods are taken in: no weekend, holiday or closure."""
    days = pd.date_range(START, periods=DAYS + AHEAD)
    is_open = (days.dayofweek < 5) & ~days.isin(event["event_date"])
    return np.minimum.accumulate(np.where(is_open, np.arange(len(days)), len(days) - 1)[::-1])[::-1]


def _order_lines(shop: Shop) -> pd.DataFrame:
    """All purchase order lines: one order per supplier and day, lines numbered within it."""
    lines = pd.concat(shop.orders, ignore_index=True)
    lines[["item_id", "supplier_id"]] = shop.terms[["item_id", "supplier_id"]].to_numpy()[lines["row"]]
    lines["ordered_on"] = START + pd.to_timedelta(lines["ordered"], unit="D")
    lines["due_date"] = START + pd.to_timedelta(lines["due"], unit="D")
    lines["order_id"] = "PO-" + lines["ordered_on"].dt.strftime("%Y%m%d") + "-" + lines["supplier_id"]
    lines["line_id"] = (lines.groupby("order_id").cumcount() + 1).astype(str)
    return lines.sort_values(["order_id", "item_id"], ignore_index=True).assign(location_id=LOCATION)


def _receipts(lines: pd.DataFrame) -> pd.DataFrame:
    """What was delivered by the end of the data: one row per delivery."""
    rest = lines.assign(day=lines["second"], quantity=lines["quantity"] - lines["received"])
    table = pd.concat([lines.assign(day=lines["first"], quantity=lines["received"]), rest])
    table = table[(table["quantity"] > 0) & (table["day"] < DAYS)]
    table = table.assign(received_on=START + pd.to_timedelta(table["day"], unit="D"))
    return table.sort_values(["received_on", "order_id", "item_id"], ignore_index=True)


def _stock(shop: Shop) -> pd.DataFrame:
    """Stock at each snapshot."""
    items = shop.terms[["item_id"]]
    counts = [items.assign(as_of=day, on_hand=shop.on_hand((day - START).days)) for day in snapshots()]
    table = pd.concat(counts).sort_values(["item_id", "as_of"], ignore_index=True)
    return table.assign(location_id=LOCATION, reserved=0, backorders=0)


def build() -> dict[str, pd.DataFrame]:
    """Simulate everything.

    Returns:
        One frame per table of COLUMNS.
    """
    sales, event = accepted_sales(), masters.events()
    item = masters.items_table(sales)
    item_location = masters.item_locations_table(sales, item)
    shop = Shop(sales_matrix(sales)[1], item_location, _next_open(event))
    for monday in range(FIRST_MONDAY, DAYS, REVIEW):
        shop.review(monday)
    lines = _order_lines(shop)
    tables = {"stock": _stock(shop), "open_order": lines, "receipt": _receipts(lines), "event": event}
    tables |= {"item": item, "item_location": item_location, "supplier": masters.suppliers_table()}
    return {name: frame.assign(provenance=frame.get("provenance", "simulated")) for name, frame in tables.items()}


def write(folder: Path) -> None:
    """Simulate everything and write one Parquet file per table into `folder`, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    types = {name: kind for kind, names in TYPES.items() for name in names.split()}
    for table, frame in build().items():
        names = [*COLUMNS[table].split(), "provenance"]
        schema = pa.schema([(name, types.get(name, pa.float64())) for name in names])
        data = pa.Table.from_pandas(frame[names], schema=schema, preserve_index=False).replace_schema_metadata(None)
        pq.write_table(data, folder / f"{table}.parquet", compression="zstd", compression_level=19)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER / "online_retail_simulated")
