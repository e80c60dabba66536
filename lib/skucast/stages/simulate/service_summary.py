"""``service_outcome`` → promised beside realised service, and stock at equal fill rate, by class, with intervals.

Items are put into random blocks; sums of blocks are all that reaches the driver, and the bootstrap draws blocks. With
fewer items than blocks that is a bootstrap over items; with more its intervals are the same but for chance.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from skucast.inventory.simulation.frontier import interval, resampled, stock_at_fill
from skucast.numerics.arrays import FloatArray

BLOCKS = 400
RIVALS = ("textbook_policy", "textbook")
"""The first of them that was replayed is what stock at equal fill rate is compared with."""
SUMS = (
    "demanded", "filled", "demanded_value", "filled_value", "stock_value", "cycles", "cycles_without_stock_out",
    "expected_cycles", "expected_cycles_without_stock_out", "promised_cycles", "cycles_with_promise", "cost",
    "censored_periods", "periods",
)  # fmt: skip
SHARES = {
    "fill_rate": ("filled", "demanded"),
    "fill_rate_by_value": ("filled_value", "demanded_value"),
    "cycle_service_level": ("cycles_without_stock_out", "cycles"),
    "expected": ("expected_cycles_without_stock_out", "expected_cycles"),
    "promised": ("promised_cycles", "cycles_with_promise"),
    "censored": ("censored_periods", "periods"),
}
"""Share → the sums that it is the ratio of."""


def block_sums(outcome: DataFrame) -> DataFrame:
    """Sums by class, variant, target level and block; ``all`` is every item.

    Args:
        outcome: rows of ``service_outcome`` of one window.
    """
    classes = F.array(F.lit("all"), F.concat("abc_class", "xyz_class"), F.col("demand_class"))
    has_promise = F.col("promised_cycle_service_level").isNotNull()
    parts = outcome.withColumns({
        "class": F.explode(classes),
        "block": F.pmod(F.xxhash64("item_id", "location_id"), F.lit(BLOCKS)),
        "promised_cycles": F.col("promised_cycle_service_level") * F.col("cycles"),
        "cycles_with_promise": F.when(has_promise, F.col("cycles")),
        "cost": F.coalesce("total_holding_cost", F.lit(0.0)) + F.coalesce("total_ordering_cost", F.lit(0.0))
        + F.coalesce("total_shortage_cost", F.lit(0.0)),
    })  # fmt: skip
    sums = [F.coalesce(F.sum(name), F.lit(0.0)).alias(name) for name in SUMS]
    keys = ("class", "variant", "target_level")
    return parts.groupBy(*keys, "block").agg(F.count(F.lit(1)).alias("items"), *sums)


def summarise(outcome: DataFrame, *, draws: int, seed: int) -> pd.DataFrame:
    """One row per class, variant and target level.

    Args:
        outcome: rows of ``service_outcome`` of one window.
        draws: bootstrap samples.
        seed: of the samples.

    Returns:
        ``items``, the shares of ``SHARES``, ``stock_value`` and ``cost``; ``saving``: how much less stock value than
        the textbook at equal fill rate (``saving_by_value``: at equal fill rate by value). Those with ``_low`` and
        ``_high`` beside them have their 90 % interval there.
    """
    sums = block_sums(outcome).toPandas()
    counts = resampled(BLOCKS, draws, seed)
    rows = [row for _, of_class in sums.groupby("class", sort=True) for row in _of_class(of_class, counts)]
    return pd.DataFrame(rows)


def _of_class(sums: pd.DataFrame, counts: FloatArray) -> Iterator[dict[str, object]]:
    keys = sums[["class", "variant", "target_level"]].drop_duplicates().sort_values(["variant", "target_level"])
    index = {(v, t): i for i, (_, v, t) in enumerate(keys.itertuples(index=False))}
    tensor = np.zeros((len(index), BLOCKS, len(SUMS)))
    place = [index[key] for key in zip(sums["variant"], sums["target_level"], strict=True)]
    tensor[place, sums["block"].to_numpy()] = sums[list(SUMS)].to_numpy(dtype=np.float64)
    drawn = dict(zip(SUMS, np.moveaxis(np.einsum("db,sbm->dsm", counts, tensor, optimize=True), 2, 0), strict=True))
    shares = {name: _share(drawn[part], drawn[whole]) for name, (part, whole) in SHARES.items()}
    names = keys["variant"].to_numpy()
    rival = next(
        (found for found in (np.flatnonzero(names == name) for name in RIVALS) if found.size > 0), np.arange(0)
    )
    items = sums.groupby(["variant", "target_level"])["items"].sum()
    for (variant, level), i in index.items():
        found = {name: values[:, i] for name, values in shares.items()}
        found |= {"stock_value": drawn["stock_value"][:, i], "cost": drawn["cost"][:, i]}
        if rival.size > 0:
            for name, by in (("saving", "fill_rate"), ("saving_by_value", "fill_rate_by_value")):
                needed = stock_at_fill(shares[by][:, i], shares[by][:, rival], drawn["stock_value"][:, rival])
                found[name] = 1 - _share(drawn["stock_value"][:, i], needed)
        key = {"class": keys["class"].iloc[0], "variant": variant, "target_level": level}
        yield {**key, "items": int(items[variant, level]), **_with_intervals(found)}


def _with_intervals(found: dict[str, FloatArray]) -> dict[str, float]:
    named: dict[str, float] = {}
    for name, values in found.items():
        low, high = interval(values[1:])
        named |= {name: float(values[0]), f"{name}_low": low, f"{name}_high": high}
    return named


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.divide(part, whole, out=np.full_like(whole, np.nan), where=whole > 0)


def summary_text(summary: pd.DataFrame) -> list[str]:
    """The summary as lines: all variants over all items, then what was promised and kept by class."""
    every = summary[summary["class"] == "all"]
    own = summary[summary["variant"] == "configured"]
    lines = [_HEADER.format("variant", "target")]
    lines += [_line(row, f"{row['variant']:<16}{row['target_level']:>7g}") for _, row in every.iterrows()]
    if not own.empty:
        lines += ["", "the configured policy by class (stock less than textbook's at equal fill rate)"]
        lines += [_line(row, f"{row['class']:<16}{row['items']:>7,}") for _, row in own.iterrows()]
    return lines


_HEADER = "{:<16}{:>7}  promised expected realised (90 %)          fill rate  stock value        less than textbook"


def _line(row: pd.Series, label: str) -> str:
    service = f"{_percent(row['promised'])}   {_percent(row['expected'])}   {_between(row, 'cycle_service_level')}"
    saving = _between(row, "saving") if "saving" in row else ""
    return f"{label}  {service}    {_percent(row['fill_rate'])}  {row['stock_value']:>11,.0f}  {saving}"


def _between(row: pd.Series, name: str) -> str:
    ends = f"({_percent(row[f'{name}_low'])} …{_percent(row[f'{name}_high'])})"
    return f"{_percent(row[name])} {ends}"


def _percent(share: float) -> str:
    return "     –" if np.isnan(share) else f"{100 * share:6.1f}"
