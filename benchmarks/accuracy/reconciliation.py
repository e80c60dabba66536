"""Forecasts of groups on held-out dates: sums from below beside weighted least squares, by level.

    python -m benchmarks.accuracy.reconciliation [--data retail,fresh,stores] [--series 1000] [--dates 6] [--arima]

At each decision date the series and, on their own histories, the nodes with more than one child are forecast by the
default configuration (ARIMA only with ``--arima``), as the jobs do. ``retail``: items of Online Retail by week, in the
simulated categories. ``fresh``: FreshRetailNet by day; products in categories. ``stores``: the same; stores in cities.
RMSSE per node over all dates and steps, averaged over the nodes of a level, and the squared error of the level against
that of the sums. The last column is the median over nodes of the change of RMSSE.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from benchmarks.accuracy.held_out import RULES, SHARED, drawn, law_of, plan
from skucast.datasets import dataset_path
from skucast.forecasting.backtest.scores import naive_errors
from skucast.forecasting.engine.engine import ForecastSettings, forecast_panel
from skucast.forecasting.panel.panel import FloatArray, Panel
from skucast.forecasting.selection.base_forecasts import most_accurate
from skucast.forecasting.selection.choice import PINBALL, SelectionRule, choose
from skucast.forecasting.selection.combination import errors_of_classes, reweighed
from tests.spark.stages.forecast.groups.reconciliation_reference import Forest, two_passes

Paths = dict[str, tuple[str, ...]]
WAYS = ("own history", "bottom_up", "wls", "structural")


def main() -> None:
    """Every data set, every level."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", default=",".join(SOURCES))
    parser.add_argument("--series", type=int, default=1000)
    parser.add_argument("--dates", type=int, default=6)
    parser.add_argument("--arima", action="store_true")
    arguments = parser.parse_args()
    for name in arguments.data.split(","):
        panel, paths = SOURCES[name](arguments.series)
        found = held_out(panel, paths, arguments.dates, plan(with_arima=arguments.arima))
        print(f"\n{name}: {panel.n_series} series, {arguments.dates} dates, {panel.horizon} steps")
        report(found)


@dataclass(frozen=True)
class Level:
    """Nodes of one level as series of a panel, in rows.

    Attributes:
        keys: their names.
        panel: their histories.
    """

    keys: list[str]
    panel: Panel


def levels_of(panel: Panel, paths: Paths) -> list[Level]:
    """Every level from the total down to the series; a node with one child is left out, it repeats that child."""
    forest = Forest(paths, {}, {})
    children, node_paths, leaves = forest.children(), forest.node_paths(), list(paths)
    found = []
    for depth in sorted({len(path) for path in node_paths.values()}):
        keys = [key for key, path in node_paths.items() if len(path) == depth and len(children[key]) > 1]
        if keys:
            rows = [np.array([key in paths[leaf] for leaf in leaves]) for key in keys]
            found.append(Level(keys, summed(panel, rows)))
    return [*found, Level(leaves, panel)]


def summed(panel: Panel, members: list[np.ndarray]) -> Panel:
    """Histories added up; unknown only where all are."""
    demand = np.stack([np.nansum(panel.demand[own], axis=0) for own in members])
    unknown = np.stack([np.isnan(panel.demand[own]).all(axis=0) for own in members])
    first = panel.rows(np.zeros(len(members), dtype=np.int64))
    start = np.array([panel.start[own].min() for own in members])
    return replace(first, demand=np.where(unknown, np.nan, demand), start=start)


def held_out(panel: Panel, paths: Paths, n_dates: int, how: ForecastSettings) -> pd.DataFrame:
    """Squared errors of every node, date and way."""
    levels, step, rows = levels_of(panel, paths), max(1, panel.horizon // 2), []
    for back in range(n_dates - 1, -1, -1):
        cut = panel.n_periods - panel.horizon - step * back
        base: dict[str, FloatArray] = {}
        variance: dict[str, float] = {}
        for level in levels:
            mean, error = (leaf_forecasts if level is levels[-1] else node_forecasts)(level.panel.until(cut), how)
            base |= {key: own for key, own in zip(level.keys, mean, strict=True) if np.isfinite(own).all()}
            variance |= dict(zip(level.keys, error.tolist(), strict=True))
        forest = Forest(paths, base, variance)
        leaves = {leaf: base[leaf] for leaf in paths}
        ways = {
            "own history": base,
            "bottom_up": two_passes(replace(forest, base=leaves)),
            "wls": two_passes(forest),
            "structural": two_passes(replace(forest, variance=counts(paths))),
        }
        for depth, level in enumerate(levels):
            scale = naive_errors(level.panel.until(cut).demand)[0]
            actual = level.panel.actuals(cut)
            for key, own, unit in zip(level.keys, actual, scale, strict=True):
                for way in WAYS:
                    squared = np.nanmean((own - ways[way].get(key, np.full(own.size, np.nan))) ** 2)
                    rows.append((depth, key, way, back, squared, unit))
        print(f"  {n_dates - back} of {n_dates}", flush=True)
    return pd.DataFrame(rows, columns=["level", "key", "way", "date", "squared", "unit"])


def counts(paths: Paths) -> dict[str, float]:
    """Structural weights: as many as there are series beneath."""
    found = dict.fromkeys(paths, 1.0)
    for path in paths.values():
        for node in path:
            found[node] = found.get(node, 0.0) + 1.0
    return found


def leaf_forecasts(panel: Panel, how: ForecastSettings) -> tuple[FloatArray, FloatArray]:
    """Means and mean squared errors of the champions, as the jobs choose them."""
    fits = forecast_panel(panel, how, np.zeros(panel.n_series))
    contest = reweighed(fits.contest, errors_of_classes(fits.contest))
    law = law_of(contest)
    rules = RULES.selection
    criterion = SelectionRule(PINBALL, rules.class_weight, RULES.min_periods, rules.margin)
    choice = choose(contest, law, criterion)
    rows, trials = np.arange(panel.n_series), contest.trials
    squared = np.nansum(trials.scored_errors()[rows, :, choice.column] ** 2, axis=(1, 2))
    n_scored = trials.is_scored.sum(axis=(1, 2))
    error = np.where(choice.is_scored & (n_scored > 0), squared / np.maximum(n_scored, 1), fits.scale**2)
    is_dead = np.array([name == "no_demand" for name in contest.demand_class])
    return contest.mean[rows, choice.column], np.where(is_dead, 0.0, error)


def node_forecasts(panel: Panel, how: ForecastSettings) -> tuple[FloatArray, FloatArray]:
    """Means and mean squared errors of the most accurate methods."""
    contest = forecast_panel(panel, how, np.zeros(panel.n_series)).contest
    best, error = most_accurate(contest)
    mean = contest.mean[np.arange(best.size), best]
    return np.where((best >= 0)[:, None], mean, np.nan), error


def report(found: pd.DataFrame) -> None:
    """One line per level."""
    per_node = found.groupby(["level", "key", "way"]).agg(squared=("squared", "mean"), unit=("unit", "mean"))
    rmsse = np.sqrt(per_node["squared"] / per_node["unit"]).unstack("way")
    squared = per_node["squared"].unstack("way")
    by_date = found.pivot_table(index=["level", "date"], columns="way", values="squared", aggfunc="sum")
    print(f"{'level':>6}{'nodes':>7}" + "".join(f"{way:>13}" for way in WAYS) + "   squared error; dates won; median")
    for level, rows in rmsse.groupby("level"):
        mean = "".join(f"{rows[way].mean():13.4f}" for way in WAYS)
        errors = squared.loc[level].sum()
        won = (by_date.loc[level]["wls"] < by_date.loc[level]["bottom_up"]).sum()
        change = (rows["wls"] / rows["bottom_up"].where(rows["bottom_up"] > 0) - 1).median()
        ratio = f"{errors['wls'] / errors['bottom_up'] - 1:+.1%}; {won} of {len(by_date.loc[level])}; {change:+.1%}"
        print(f"{level:6}{len(rows):7}{mean}   {ratio}", flush=True)


def retail(count: int) -> tuple[Panel, Paths]:
    """Weekly demand of items of Online Retail, in simulated categories."""
    lines = pd.read_parquet(dataset_path("online_retail.parquet"), columns=["StockCode", "Quantity", "InvoiceDate"])
    lines = lines.assign(item=lines["StockCode"].str.strip().str.upper())
    lines = lines[(lines["Quantity"] > 0) & lines["item"].str.match(r"^\d{5}")]
    first = pd.Timestamp("2010-11-29")
    table = lines.groupby(["item", (lines["InvoiceDate"] - first).dt.days // 7])["Quantity"].sum().unstack()
    table = table[table.notna().sum(axis=1) >= 3]
    # The last week is not over.
    table = table.reindex(columns=range(int(table.columns.max())))
    chosen = table.loc[drawn(np.array(sorted(table.index), dtype=object), count)]
    category = pd.read_parquet(dataset_path("online_retail_simulated/item.parquet")).set_index("item_id")["category"]
    paths = {str(item): ("total", f"c/{category.get(item, 'none')}", f"i/{item}") for item in chosen.index}
    return panel_of(chosen.to_numpy(dtype=np.float64), first.date(), 7, 52, 4), paths


def fresh_table(count: int) -> pd.DataFrame:
    """Days in columns; series of stores that are drawn until there are enough."""
    table = pd.read_parquet(SHARED / "freshretailnet_daily.parquet")
    stores = np.array(sorted(table["store_id"].unique()))
    sizes = table.drop_duplicates(["store_id", "product_id"]).groupby("store_id").size()
    order = np.random.default_rng(1).permutation(stores)
    wanted = order[: int(np.searchsorted(np.cumsum(sizes.loc[order]), count)) + 1]
    index = ["city_id", "store_id", "second_category_id", "product_id"]
    return table[table["store_id"].isin(wanted)].pivot_table(index=index, columns="dt", values="sale_amount")


def fresh(count: int) -> tuple[Panel, Paths]:
    """Daily sales of fresh food, horizon 7, stock-outs as they are: total, category, product, store."""
    table = fresh_table(count)
    keys = [f"{store}-{product}" for _, store, _, product in table.index]
    paths = {
        key: ("total", f"c/{category}", f"p/{product}")
        for key, (_, _, category, product) in zip(keys, table.index, strict=True)
    }
    return panel_of(table.to_numpy(dtype=np.float64), date(2024, 3, 28), 1, 7, 7), paths


def stores(count: int) -> tuple[Panel, Paths]:
    """The same: total, city, store, product."""
    table = fresh_table(count)
    keys = [f"{store}-{product}" for _, store, _, product in table.index]
    paths = {
        key: ("total", f"c/{city}", f"s/{store}") for key, (city, store, _, _) in zip(keys, table.index, strict=True)
    }
    return panel_of(table.to_numpy(dtype=np.float64), date(2024, 3, 28), 1, 7, 7), paths


def panel_of(demand: FloatArray, first: date, period_days: int, season_length: int, horizon: int) -> Panel:
    """A panel without closed days; 0 after the first sale where nothing was sold."""
    begun = np.logical_or.accumulate(~np.isnan(demand), axis=1)
    filled = np.where(begun & np.isnan(demand), 0.0, demand)
    closed = np.zeros((len(demand), demand.shape[1] + horizon), dtype=bool)
    return Panel(filled, closed, np.argmax(begun, axis=1), first, period_days, season_length, horizon, {})


SOURCES: dict[str, Callable[[int], tuple[Panel, Paths]]] = {"retail": retail, "fresh": fresh, "stores": stores}

if __name__ == "__main__":
    main()
