"""Fill rate against stock value of policies that were replayed, as a picture and a table.

    python -m benchmarks.plan.frontier "TITLE|UNIT=WAREHOUSE" … [--constrained] [--to docs/images/frontier.png]

Reads ``service_outcome`` of warehouses in which ``skucast simulate`` ran, the newest window of each; no Spark.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from deltalake import DeltaTable
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, PercentFormatter

CURVES = {
    "fixed_cover": ("fixed cover of recent demand", "#9a9a9a", "s"),
    "textbook": ("textbook: z·σ·√(R+L)", "#c8553d", "^"),
    "skucast": ("skucast", "#1f5c99", "o"),
}
SUMS = ["demanded", "filled", "stock_value", "cycles", "cycles_without_stock_out"]


def main() -> None:
    """Draw one panel per data set."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("panels", nargs="+", metavar="TITLE|UNIT=WAREHOUSE")
    parser.add_argument("--constrained", action="store_true")
    parser.add_argument("--to", type=Path, default=Path("docs/images/frontier.png"))
    arguments = parser.parse_args()
    mpl.use("Agg")
    figure, axes = plt.subplots(1, len(arguments.panels), figsize=(5.2 * len(arguments.panels), 4.2), squeeze=False)
    for axis, panel in zip(axes[0], arguments.panels, strict=True):
        title, warehouse = panel.split("=", 1)
        points = frontier(Path(warehouse), is_constrained=arguments.constrained)
        print(title, points.to_string(), sep="\n")
        draw(axis, points, *title.split("|"))
    axes[0][-1].legend(loc="lower right", frameon=False)
    figure.tight_layout()
    figure.savefig(arguments.to, dpi=150)


def frontier(warehouse: Path, *, is_constrained: bool) -> pd.DataFrame:
    """Fill rate and stock value of each variant and target level, over all items of the newest window."""
    rows = DeltaTable(str(warehouse / "service_outcome")).to_pandas()
    rows = rows[(rows["decision_date"] == rows["decision_date"].max()) & (rows["is_constrained"] == is_constrained)]
    points = rows.groupby(["variant", "target_level"])[SUMS].sum()
    return points.assign(
        fill_rate=points["filled"] / points["demanded"],
        cycle_service_level=points["cycles_without_stock_out"] / points["cycles"],
    )


def draw(axis: Axes, points: pd.DataFrame, title: str, unit: str) -> None:
    """One curve per swept policy, a mark for the configured one and a mark for perfect foresight."""
    for variant, (label, colour, mark) in CURVES.items():
        curve = points.loc[variant].sort_values("fill_rate")
        axis.plot(curve["stock_value"], curve["fill_rate"], mark + "-", color=colour, label=label, markersize=4)
    own, best = points.loc[("configured", 0.0)], points.loc[("perfect", 0.0)]
    axis.plot(own["stock_value"], own["fill_rate"], "*", color=CURVES["skucast"][1], markersize=13,
              label="skucast as configured")  # fmt: skip
    axis.plot(best["stock_value"], best["fill_rate"], "D", color="#2e7d32", label="perfect foresight")
    say_saving(axis, points)
    axis.set_xlim(0, 1.6 * own["stock_value"])
    axis.set_ylim(0.5, 1.02)
    axis.set_title(title, loc="left", fontsize=11)
    axis.set_xlabel(f"average stock [{unit}]")
    axis.set_ylabel("demand served from stock (fill rate)")
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axis.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(alpha=0.3)


def say_saving(axis: Axes, points: pd.DataFrame) -> None:
    """An arrow from the textbook's stock to that of the level in the middle of the sweep, at the same fill rate."""
    rival, sweep = points.loc["textbook"].sort_values("fill_rate"), points.loc["skucast"].sort_index()
    chosen = sweep.iloc[len(sweep) // 2]
    needed = np.interp(chosen["fill_rate"], rival["fill_rate"], rival["stock_value"])
    axis.annotate(
        f"{1 - chosen['stock_value'] / needed:.0%} less than textbook",
        (chosen["stock_value"], chosen["fill_rate"]),
        (1.25 * needed, chosen["fill_rate"] - 0.03),
        arrowprops={"arrowstyle": "->", "color": "#444444"}, color="#444444", fontsize=9, va="center",
    )  # fmt: skip


if __name__ == "__main__":
    main()
