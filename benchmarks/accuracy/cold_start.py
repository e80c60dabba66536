"""Forecasts of series whose first periods only are known, beside the mean of their category, of all, and their own.

    python -m benchmarks.accuracy.cold_start [--data weekly,fresh] [--hidden 0.1]

Online Retail by weeks: items whose first sale lies a quarter of a year or more after the data begin are taken as
launched there, and forecast from the date on which n periods of them were known (0: from the week of the first sale).
Of FreshRetailNet, which has no launches, series drawn at random of which all but the last n days before a date are
hidden. The prior is made of the other series and of what was known on the date. Scored: demand summed over the next 4
periods, in units of the mean of all series over as many. "category" is the mean of the category's launched series,
"category's" their own quantiles, "median" the law's.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.accuracy.held_out import SHARED
from skucast.datasets import dataset_path
from skucast.forecasting.cold_start.prior import WINDOW
from skucast.forecasting.panel.panel import FloatArray, IntArray
from tests.unit.forecasting.cold_start.model_reference import Prior, Seen, prior_of

KNOWN = (0, 1, 2, 4, 8)
AHEAD = 4
LEVELS = np.array([0.5, 0.8, 0.95, 0.99])
NAMES = ("cold start", "category", "category's", "all", "own")


@dataclass(frozen=True)
class Shop:
    """Demand, categories and prices of series.

    Attributes:
        demand: 0 after the first sale, NaN before it, shape (n, n_periods).
        category: shape (n,).
        price: NaN where unknown, shape (n,).
        dates: decision dates, as periods known before them.
    """

    demand: FloatArray
    category: np.ndarray
    price: FloatArray
    dates: range

    @property
    def start(self) -> IntArray:
        """Period of the first sale."""
        return np.argmax(~np.isnan(self.demand), axis=1)


def main() -> None:
    """Every data set, every number of known periods."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", default=",".join(SOURCES))
    parser.add_argument("--hidden", type=float, default=0.1)
    arguments = parser.parse_args()
    for name in arguments.data.split(","):
        shop = SOURCES[name]()
        rows = pd.concat(held_out(shop, arguments.hidden, is_launched=name == "weekly"))
        print(f"\n{name}: {len(shop.demand)} series, {len(shop.dates)} dates, sum over {AHEAD} periods")
        print(f" n  cases   loss: {', '.join(NAMES)}   MAE: median, {', '.join(NAMES)}   coverage at {LEVELS}   bias")
        for n, own in rows.groupby("n"):
            report(int(n), own)


def report(n: int, rows: pd.DataFrame) -> None:
    """One line."""
    losses = " ".join(f"{rows[f'loss {name}'].mean():.4f}" for name in NAMES)
    errors = " ".join(f"{rows[f'error {name}'].mean():.3f}" for name in ("median", *NAMES))
    coverage = " ".join(f"{100 * rows[f'at {each:g}'].mean():.1f}" for each in LEVELS)
    print(f"{n:2}{len(rows):7}   {losses}   {errors}   {coverage}   {rows['mean'].sum() / rows['actual'].sum():.2f}")


def held_out(shop: Shop, hidden: float, *, is_launched: bool) -> Iterator[pd.DataFrame]:
    """Each date and number of known periods."""
    drawn = np.random.default_rng(1)
    for date in shop.dates:
        chosen = drawn.random(len(shop.demand)) < hidden
        for n in KNOWN:
            target = (shop.start == date - n) & (shop.start >= 13) if is_launched else chosen
            if target.any():
                yield forecast(shop, date, n, np.flatnonzero(target))


def forecast(shop: Shop, date: int, n: int, target: IntArray) -> pd.DataFrame:
    """Some series from one date."""
    others = np.setdiff1d(np.flatnonzero(shop.start < date), target)
    prior, seen = prior_made(shop, date, others)
    centre = np.array([prior.log_mean(str(shop.category[i]), shop.price[i]) for i in target])
    sold = np.nansum(shop.demand[target, date - n : date], axis=1)
    posterior = prior.law.posterior(centre, np.full(target.size, float(n)), sold)
    actual = shop.demand[target, date : date + AHEAD].sum(axis=1)
    quantiles, mean = posterior.quantiles(AHEAD, LEVELS), AHEAD * posterior.mean
    plain = plain_forecasts(seen, [str(each) for each in shop.category[target]])
    own = AHEAD * sold / n if n else plain["category"][:, 0]
    unit = plain["all"][0, 0]
    found = {"n": n, "actual": actual, "mean": mean}
    points = {**plain, "cold start": quantiles, "own": np.tile(own[:, None], LEVELS.size)}
    for name, each in points.items():
        missed = actual[:, None] - each
        found[f"loss {name}"] = np.maximum(LEVELS * missed, (LEVELS - 1) * missed).mean(axis=1) / unit
        found[f"error {name}"] = np.abs(actual - (mean if name == "cold start" else each[:, 0])) / unit
    found["error median"] = np.abs(actual - quantiles[:, 0]) / unit
    return pd.DataFrame(found | {f"at {at:g}": actual <= quantiles[:, k] for k, at in enumerate(LEVELS)})


def prior_made(shop: Shop, date: int, others: IntArray) -> tuple[Prior, list[Seen]]:
    """The prior of the others as of the date."""
    start = np.maximum(shop.start, date - WINDOW)
    new = shop.start >= max(date - WINDOW, (date + 1) // 2)
    seen = [
        Seen(str(shop.category[i]), shop.price[i], bool(new[i]), shop.demand[i, start[i] : date].tolist())
        for i in others
    ]
    return prior_of(seen), seen


def plain_forecasts(seen: list[Seen], wanted: list[str]) -> dict[str, FloatArray]:
    """Mean of the launched series (of all where those are fewer than 30), by category and together; and quantiles."""
    used = [each for each in seen if each.is_launched]
    table = pd.DataFrame(
        [(each.category, AHEAD * each.mean) for each in (used if len(used) >= 30 else seen)],
        columns=["category", "sum"],
    )
    means, every = table.groupby("category")["sum"].mean(), table["sum"].mean()
    at = {name: np.quantile(own["sum"], LEVELS) for name, own in table.groupby("category")}
    usual = np.quantile(table["sum"], LEVELS)
    return {
        "all": np.full((len(wanted), LEVELS.size), every),
        "category": np.tile(np.array([[means.get(name, every)] for name in wanted]), LEVELS.size),
        "category's": np.array([at.get(name, usual) for name in wanted]),
    }


def weekly() -> Shop:
    """Online Retail (CC BY 4.0) by whole weeks, with the categories and prices of the demo."""
    lines = pd.read_parquet(dataset_path("online_retail.parquet"))
    items = pd.read_parquet(dataset_path("online_retail_simulated/item.parquet")).set_index("item_id")
    lines["item"] = lines["StockCode"].str.upper().str.strip()
    is_sale = ~lines["InvoiceNo"].str.startswith("C") & (lines["Quantity"] > 0) & (lines["UnitPrice"] > 0)
    first = pd.Timestamp("2010-12-06")
    lines = lines[is_sale & lines["item"].isin(items.index) & (lines["InvoiceDate"] >= first)]
    week = ((lines["InvoiceDate"] - first).dt.days // 7).rename("week")
    table = lines.groupby(["item", week])["Quantity"].sum().unstack("week").reindex(columns=range(52))
    demand = table.to_numpy(dtype=np.float64)
    begun = np.logical_or.accumulate(~np.isnan(demand), axis=1)
    known = items.loc[table.index]
    demand = np.where(begun & np.isnan(demand), 0.0, demand)
    return Shop(demand, known["category"].to_numpy(), known["unit_price"].to_numpy(), range(20, 49))


def fresh() -> Shop:
    """3,000 series of FreshRetailNet-50K (CC BY 4.0) by days; third level of categories; no prices."""
    columns = ["store_id", "product_id", "third_category_id", "dt", "sale_amount"]
    table = pd.read_parquet(SHARED / "freshretailnet_daily.parquet", columns=columns)
    table["series"] = table["store_id"] * 100_000 + table["product_id"]
    keys = np.random.default_rng(1).choice(np.sort(table["series"].unique()), 3000, replace=False)
    table = table[table["series"].isin(keys)]
    wide = table.pivot_table(index="series", columns="dt", values="sale_amount")
    category = table.groupby("series")["third_category_id"].first().loc[wide.index].astype(str)
    demand = wide.to_numpy(dtype=np.float64)
    return Shop(demand, category.to_numpy(), np.full(len(demand), np.nan), range(30, 87, 8))


SOURCES: dict[str, Callable[[], Shop]] = {"weekly": weekly, "fresh": fresh}

if __name__ == "__main__":
    main()
