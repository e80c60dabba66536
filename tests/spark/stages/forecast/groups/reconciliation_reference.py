"""Reconciliation by the matrix formula, and random trees to hold the two passes against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Forest:
    """Trees with base forecasts.

    Attributes:
        paths: leaf -> nodes above it, from the root down.
        base: leaf or node -> base forecast of each step; nodes may have none.
        variance: leaf or node -> variance of its base forecast.
    """

    paths: Mapping[str, tuple[str, ...]]
    base: Mapping[str, np.ndarray]
    variance: Mapping[str, float]

    @property
    def nodes(self) -> list[str]:
        """All nodes above leaves."""
        return list(dict.fromkeys(node for path in self.paths.values() for node in path))

    def node_paths(self) -> dict[str, tuple[str, ...]]:
        """Node -> the nodes from the root down to itself."""
        return {node: path[: place + 1] for path in self.paths.values() for place, node in enumerate(path)}

    @property
    def root(self) -> str:
        """Root of the one tree."""
        (root,) = {path[0] for path in self.paths.values()}
        return root

    def trees(self) -> Iterator[Forest]:
        """Each tree alone."""
        for root in dict.fromkeys(path[0] for path in self.paths.values()):
            yield replace(self, paths={leaf: path for leaf, path in self.paths.items() if path[0] == root})

    def children(self) -> dict[str, set[str]]:
        """Node -> what is directly beneath it."""
        found: dict[str, set[str]] = {}
        for leaf, path in self.paths.items():
            for node, child in zip(path, (*path[1:], leaf), strict=True):
                found.setdefault(node, set()).add(child)
        return found

    def sums(self) -> pd.DataFrame:
        """The summing matrix S: rows are leaves and nodes, columns leaves."""
        leaves = list(self.paths)
        rows = [*leaves, *self.nodes]
        matrix = [[float(row == leaf or row in self.paths[leaf]) for leaf in leaves] for row in rows]
        return pd.DataFrame(matrix, index=rows, columns=leaves)

    def coherent(self) -> Forest:
        """The same with base forecasts of nodes that are the sums of their leaves."""
        base = {leaf: self.base[leaf] for leaf in self.paths}
        for node in self.nodes:
            base[node] = sum(base[leaf] for leaf, path in self.paths.items() if node in path)
        return replace(self, base=base, variance={**dict.fromkeys(self.nodes, 1.0), **self.variance})

    def without_node_bases(self) -> Forest:
        """The same with base forecasts of leaves only."""
        return replace(self, base={leaf: self.base[leaf] for leaf in self.paths})


def least_squares(tree: Forest) -> pd.DataFrame:
    """S (SᵀW⁻¹S)⁻¹ SᵀW⁻¹ ŷ over the nodes that have a base forecast; one column per step.

    Source: Wickramasuriya, Athanasopoulos & Hyndman (2019), JASA 114, eq. 9, with W diagonal.
    """
    s = tree.sums()
    given = [row for row in s.index if row in tree.base]
    weights = np.array([1.0 / tree.variance[row] for row in given])
    known, base = s.loc[given].to_numpy(), np.array([tree.base[row] for row in given])
    normal = known.T @ (weights[:, None] * known)
    leaves = np.linalg.solve(normal, known.T @ (weights[:, None] * base))
    return pd.DataFrame(s.to_numpy() @ leaves, index=s.index)


def random_forest(seed: int, n_trees: int, n_steps: int) -> Forest:
    """Trees of one to three levels of nodes, ragged, with chains of single children and nodes without a base."""
    rng = np.random.default_rng(seed)
    paths: dict[str, tuple[str, ...]] = {}
    for number in range(n_trees):
        for place in range(rng.integers(1, 7)):
            depth = rng.integers(1, 4)
            # The same digits lead to the same nodes, so that a node has one parent.
            digits = rng.integers(0, 2, depth - 1)
            names = (f"t{number}" + "".join(f".{digit}" for digit in digits[:level]) for level in range(depth))
            paths[f"t{number}-leaf{place}"] = tuple(names)
    base: dict[str, np.ndarray] = {}
    variance: dict[str, float] = {}
    nodes = dict.fromkeys(node for path in paths.values() for node in path)
    for key in (*paths, *nodes):
        if key in nodes and rng.random() < 0.25:
            continue
        level = 5.0 if key in paths else 15.0
        base[key] = rng.gamma(1.0, level, n_steps)
        variance[key] = float(np.exp(rng.normal(0, 1.5)))
    return Forest(paths, base, variance)


def two_passes(forest: Forest) -> dict[str, np.ndarray]:
    """Values of every leaf and node, one after the other: up, then down, never below 0."""
    children, mean, variance = forest.children(), {}, {}
    depth = {node: len(path) for node, path in forest.node_paths().items()}
    for key in (*forest.paths, *sorted(depth, key=lambda node: -depth[node])):
        if key in forest.paths:
            mean[key], variance[key] = forest.base[key], forest.variance[key]
            continue
        mean[key] = sum(mean[child] for child in children[key])
        variance[key] = sum(variance[child] for child in children[key])
        if key in forest.base and variance[key] + forest.variance[key] > 0:
            below, own = variance[key], forest.variance[key]
            mean[key] = (below * forest.base[key] + own * mean[key]) / (below + own)
            variance[key] = below * own / (below + own)
    values = {path[0]: mean[path[0]] for path in forest.paths.values()}
    for node in sorted(depth, key=lambda node: depth[node]):
        own = children[node]
        missing, total = values[node] - sum(mean[each] for each in own), sum(variance[each] for each in own)
        moved = {each: mean[each] + (variance[each] / total if total else 0.0) * missing for each in own}
        moved = {each: np.maximum(value, 0.0) for each, value in moved.items()}
        together = sum(moved.values())
        factor = np.divide(values[node], together, out=np.zeros_like(together), where=together > 0)
        values |= {each: factor * value for each, value in moved.items()}
    return values
