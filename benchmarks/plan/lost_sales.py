"""What orders for given costs cost beside the best possible: all instances of Zipkin (2008) that the oracles hold.

python -m benchmarks.plan.lost_sales network_vectors.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from skucast.numerics.arrays import IntArray
from tests.unit.inventory.ordering.test_whole_goods import demand, followed
from tests.unit.inventory.ordering.whole_goods_reference import State, exact_cost, points

RATIO = {"poisson": 1.0, "geometric": 6.0}
"""Variance over mean of demand with mean 5."""


def main(path: Path) -> None:
    """Print one line per instance: the level, the cost, and how far it lies above the least one."""
    for vector in json.loads(path.read_text(encoding="utf-8")):
        if not vector["id"].startswith("LOST-ZIPKIN"):
            continue
        given, best = vector["inputs"], vector["expected"]["optimal_cost"]
        law, lead, b = (given["mean"], RATIO[given["demand"]]), given["lead_time"], given["p"]
        level = b / (b + given["h"] + 0.2 * lead)

        def orders(states: list[State], law: tuple[float, float] = law, level: float = level) -> IntArray:
            return np.maximum(followed(law, states, level).lacking, 0).astype(np.int64)

        cost = exact_cost(orders, points(demand(*law), 1e-6), lead, b)
        print(
            f"{vector['id']:32} level {level:.3f}  cost {cost:.4f}  best {best:.4f}  {100 * (cost / best - 1):+.2f} %"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
