"""Pooled errors beside numpy, and the ladder of what to trust."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from scipy.stats import norm

from skucast.transforms.spread import pooled_errors, spread_ladder

LEVELS = (0.05, 0.25, 0.5, 0.9, 0.975)
CLASSES = ("smooth", "erratic", "intermittent")
HORIZON = 3


def random_trials(seed: int) -> list[tuple[str, bool, list[float | None], list[float | None]]]:
    """Trials of 60 origins; some steps are unknown, and the sums from there on."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[str, bool, list[float | None], list[float | None]]] = []
    for _ in range(60):
        steps: list[float | None] = [float(value) for value in rng.normal(size=HORIZON)]
        sums: list[float | None] = [float(value) for value in np.cumsum([step or 0.0 for step in steps])]
        unknown = int(rng.integers(0, 6))
        if unknown < HORIZON:
            steps[unknown] = None
            sums[unknown:] = [None] * (HORIZON - unknown)
        rows.append((CLASSES[int(rng.integers(3))], bool(rng.random() < 0.7), steps, sums))
    return rows


@pytest.mark.spark
def test_pooled_errors_are_those_of_numpy_whatever_the_partitioning(spark: SparkSession):
    """Champions only, over their known sums; classes and all of them together."""
    rows = random_trials(3)
    schema = "demand_class string, is_champion boolean, step_errors array<double>, sum_errors array<double>"
    trials = spark.createDataFrame(rows, schema)
    pooled = pooled_errors(trials, LEVELS).toPandas().set_index(["demand_class", "step"]).sort_index()
    shuffled = pooled_errors(trials.repartition(7), LEVELS).toPandas().set_index(["demand_class", "step"]).sort_index()
    assert {(name, step) for name in (*CLASSES, "all") for step in (1, 2, 3)} == set(pooled.index)
    for (name, step), found in pooled.iterrows():
        known = [
            (steps[step - 1], sums[step - 1])
            for demand_class, champion, steps, sums in rows
            if champion and name in (demand_class, "all") and sums[step - 1] is not None
        ]
        step_errors, sum_errors = (np.array(values, dtype=float) for values in zip(*known, strict=True))
        assert len(known) == found["n"]
        np.testing.assert_allclose(
            found["step_quantiles"], np.percentile(step_errors, np.array(LEVELS) * 100), atol=5.1e-4
        )
        np.testing.assert_allclose(
            found["sum_quantiles"], np.percentile(sum_errors, np.array(LEVELS) * 100), atol=5.1e-4
        )
        assert (sum_errors**2).mean() == pytest.approx(found["sum_moment"], rel=1e-3)
        again = shuffled.loc[(name, step)]
        assert found["sum_moment"] == pytest.approx(again["sum_moment"], rel=1e-9)
        np.testing.assert_allclose(found["sum_quantiles"], again["sum_quantiles"], rtol=1e-9)


def pool(name: str, step: int, n: int, width: float) -> dict[str, object]:
    quantiles = [width * level for level in LEVELS]
    return {
        "demand_class": name, "step": step, "n": n, "step_quantiles": quantiles,
        "sum_quantiles": [2 * value for value in quantiles], "sum_moment": width,
    }  # fmt: skip


def test_the_ladder_goes_from_the_class_to_all_classes_to_the_prior_step_by_step():
    pooled = pd.DataFrame(
        [pool("smooth", 1, 50, 1.0), pool("smooth", 2, 49, 2.0), pool("all", 1, 80, 3.0), pool("all", 2, 50, 4.0)]
    )
    spread = spread_ladder(pooled, LEVELS, HORIZON, min_errors=50)
    smooth, lumpy = (spread.classes.index(name) for name in ("smooth", "lumpy"))
    assert ["class", "all", "prior"] == list(spread.rungs[smooth])
    assert ["all", "all", "prior"] == list(spread.rungs[lumpy])
    np.testing.assert_allclose(spread.step_quantiles[smooth, 0], LEVELS)
    np.testing.assert_allclose(spread.sum_quantiles[smooth, 1], 8 * np.array(LEVELS))
    np.testing.assert_allclose([1.0, 4.0], spread.sum_moments[smooth, :2])
    assert [smooth, lumpy, smooth] == spread.index(pd.Series(["smooth", "lumpy", "smooth"])).tolist()


def test_without_any_errors_the_prior_holds_and_is_that_of_a_level_model():
    """Var(sum of h) / Var(1) = (h + h²·α/(2−α)) / (1 + α/(2−α)); with α = 0.2, α/(2−α) = 1/9: 1, 2.2, 3.6."""
    nothing = pd.DataFrame(columns=["demand_class", "step", "n", "step_quantiles", "sum_quantiles", "sum_moment"])
    spread = spread_ladder(nothing, LEVELS, HORIZON, min_errors=50)
    assert {"prior"} == set(spread.rungs.ravel())
    for row in range(len(spread.classes)):
        np.testing.assert_allclose(spread.sum_moments[row], [1.0, 2.2, 3.6])
        np.testing.assert_allclose(spread.step_quantiles[row, 2], norm.ppf(LEVELS))
        np.testing.assert_allclose(spread.sum_quantiles[row, 1], norm.ppf(LEVELS) * np.sqrt(2.2))
    assert (np.diff(spread.sum_quantiles, axis=2) > 0).all()
