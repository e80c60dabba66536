"""Gradient boosted trees of ratios: trained by scikit-learn, kept as arrays, applied by a compiled kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skucast.forecasting.panel.panel import BoolArray, FloatArray
from skucast.numerics.compiled import compiled

LEAF = -1
"""Feature of a node that asks nothing."""


@dataclass(frozen=True)
class Growth:
    """How trees are grown.

    Attributes:
        rounds: trees.
        leaves: of a tree.
        learning_rate: share of each tree's correction that is taken.
        min_leaf_rows: rows that a leaf needs.
    """

    rounds: int = 100
    leaves: int = 15
    learning_rate: float = 0.05
    min_leaf_rows: int = 200


@dataclass(frozen=True)
class Trees:
    """An ensemble whose leaves add up to the logarithm of what it predicts; all nodes of all trees in one row.

    Attributes:
        start: logarithm before any tree.
        roots: node each tree begins with, shape (n_trees,).
        feature: asked by each node, ``LEAF`` at leaves, shape (n_nodes,).
        threshold: values up to it go left.
        left: node that follows on the left.
        right: node that follows on the right.
        unknown_left: whether an unknown value goes left.
        value: of leaves.
    """

    start: float
    roots: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: FloatArray
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    unknown_left: BoolArray
    value: FloatArray

    def predicted(self, of_series: FloatArray, of_step: FloatArray) -> FloatArray:
        """What is predicted for every series and step, shape (n, h).

        Args:
            of_series: the first features, shared by the steps of a series, shape (n, k).
            of_step: the others, shape (n, h, m).
        """
        nodes = (self.feature, self.threshold, self.left, self.right, self.unknown_left, self.value)
        own, ahead = np.ascontiguousarray(of_series), np.ascontiguousarray(of_step)
        return np.exp(self.start + _leaf_sums(self.roots, *nodes, own, ahead))


def boosted(inputs: FloatArray, ratio: FloatArray, weight: FloatArray, growth: Growth) -> Trees:
    """Trees grown on the weighted Poisson deviance. One thread and a fixed seed: the same rows, the same trees.

    Args:
        inputs: shape (n, n_features), NaN where unknown.
        ratio: >= 0, with a positive sum, shape (n,).
        weight: > 0, shape (n,).
        growth: how.

    Source: Friedman (2001), "Greedy function approximation"; Ke et al. (2017) for histograms.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    model = HistGradientBoostingRegressor(
        loss="poisson",
        learning_rate=growth.learning_rate,
        max_iter=growth.rounds,
        max_leaf_nodes=growth.leaves,
        min_samples_leaf=growth.min_leaf_rows,
        early_stopping=False,
        random_state=1,
    )
    # The library cannot bin a feature that is never known; a constant one is never asked.
    never_known = np.isnan(inputs).all(axis=0)
    with threadpool_limits(limits=1):
        model.fit(np.where(never_known, 0.0, inputs), ratio, sample_weight=weight)
    return _as_arrays(model)


def _as_arrays(model: Any) -> Trees:
    """The nodes of a fitted model. scikit-learn has no public way to them; a test holds both predictions together."""
    parts = [trees[0].nodes for trees in model._predictors]
    sizes = np.array([part.size for part in parts])
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    nodes, shift = np.concatenate(parts), np.repeat(roots, sizes)
    return Trees(
        start=float(np.ravel(model._baseline_prediction)[0]),
        roots=roots.astype(np.int32),
        feature=np.where(nodes["is_leaf"], LEAF, nodes["feature_idx"]).astype(np.int32),
        threshold=nodes["num_threshold"].astype(np.float64),
        left=(nodes["left"] + shift).astype(np.int32),
        right=(nodes["right"] + shift).astype(np.int32),
        unknown_left=nodes["missing_go_to_left"].astype(np.bool_),
        value=nodes["value"].astype(np.float64),
    )


@compiled
def _leaf_sums(
    roots: NDArray[np.int32],
    feature: NDArray[np.int32],
    threshold: FloatArray,
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    unknown_left: BoolArray,
    value: FloatArray,
    of_series: FloatArray,
    of_step: FloatArray,
) -> FloatArray:
    n_own, shape = of_series.shape[1], of_step.shape[:2]
    sums = np.zeros(shape)
    for row in range(shape[0]):
        for step in range(shape[1]):
            for root in roots:
                node = root
                while feature[node] >= 0:
                    asked = feature[node]
                    x = of_series[row, asked] if asked < n_own else of_step[row, step, asked - n_own]
                    goes_left = unknown_left[node] if np.isnan(x) else x <= threshold[node]
                    node = left[node] if goes_left else right[node]
                sums[row, step] += value[node]
    return sums
