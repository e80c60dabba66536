"""Pooled errors beside numpy, and the ladder of what to trust."""

from __future__ import annotations

import hypothesis.extra.numpy as hnp
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from scipy.stats import norm
from skucast.forecasting.error_law import GRID, Pool, counted_quantiles, error_law, group_keys

from skucast.forecasting.error_group import GROUPS, Activity
from skucast.forecasting.profile import DemandClass
from skucast.transforms.arrow_columns import dense, lists, table
from skucast.transforms.fitting import FITS_SCHEMA, Layout
from skucast.transforms.spread import pooled_errors, pools
from tests.forecasting.reference import examples

LEVELS = (0.05, 0.25, 0.5, 0.9, 0.975)
SMOOTH, DORMANT, LUMPY = (
    GROUPS.index(each)
    for each in (
        (DemandClass.SMOOTH, Activity.ACTIVE),
        (DemandClass.SMOOTH, Activity.DORMANT),
        (DemandClass.LUMPY, Activity.ACTIVE),
    )
)
NAMES = ("naive", "ses")
HORIZON, ORIGINS, N = 3, 4, 90
LAYOUT = Layout(NAMES, ORIGINS, HORIZON)


@pytest.fixture(scope="module")
def drawn() -> dict[str, np.ndarray]:
    """Series with unknown steps, and candidates that were not tried."""
    rng = np.random.default_rng(3)
    actuals, forecasts = (
        rng.poisson(5, (N, ORIGINS, HORIZON)).astype(float),
        rng.uniform(0, 9, (N, ORIGINS, 2, HORIZON)),
    )
    actuals[rng.random(actuals.shape) < 0.1] = np.nan
    forecasts[rng.random(N) < 0.2, :, 1] = np.nan
    groups = np.array([SMOOTH, DORMANT, LUMPY])[rng.integers(0, 3, (N, ORIGINS))]
    return {"groups": groups, "actuals": actuals, "forecasts": forecasts, "scale": rng.uniform(1, 3, (N, ORIGINS))}


def fits(spark: SparkSession, drawn: dict[str, np.ndarray]) -> DataFrame:
    columns = {
        "item_id": pa.array([f"i{number}" for number in range(N)]),
        "location_id": "L",
        "demand_class": "lumpy",
        "error_group": pa.array([LUMPY] * N),
        "has_candidate": pa.array([True] * N),
        "n_periods": pa.array([9] * N),
        "evaluation_span": pa.array([HORIZON] * N),
        "failures": pa.array([[]] * N, pa.map_(pa.string(), pa.string())),
        "origin": dense(np.tile(np.arange(ORIGINS), (N, 1))),
        "origin_group": dense(drawn["groups"]),
        "origin_scale": dense(drawn["scale"]),
        "naive_mean_square": dense(drawn["scale"]),
        "naive_mean_absolute": dense(drawn["scale"]),
        "actuals": dense(drawn["actuals"].reshape(N, -1)),
        "is_scored": lists(~np.isnan(drawn["actuals"]).reshape(N, -1)),
        "forecasts": dense(drawn["forecasts"].reshape(N, -1)),
        "mean": dense(np.zeros((N, 2 * HORIZON))),
    }
    return spark.createDataFrame(table(columns, FITS_SCHEMA, N))


@pytest.mark.spark
def test_pooled_errors_are_those_of_numpy_whatever_the_partitioning(spark: SparkSession, drawn: dict[str, np.ndarray]):
    """Of every candidate tried, over the known sums, in the group of the origin, its class and all together."""
    rows = fits(spark, drawn)
    found, again = (pools(pooled_errors(each, LAYOUT, LEVELS, N), NAMES) for each in (rows, rows.repartition(7)))
    names = ("smooth, active", "smooth, dormant", "lumpy, active", "smooth", "lumpy", "all")
    assert {(pool, n, h) for pool in names for n in NAMES for h in (1, 2, 3)} == set(found)
    scale = drawn["scale"][:, :, None, None]
    steps = (drawn["actuals"][:, :, None] - drawn["forecasts"]) / scale
    sums = np.cumsum(steps, axis=3)
    for (name, candidate, step), pool in found.items():
        own = np.isin(drawn["groups"], [group for group in (SMOOTH, DORMANT, LUMPY) if name in group_keys(group)])
        x, s = (each[own][:, NAMES.index(candidate), step - 1] for each in (sums, steps))
        s, x = s[np.isfinite(x)], x[np.isfinite(x)]
        assert pool.n == x.size
        np.testing.assert_allclose(pool.step_quantiles, np.quantile(s, LEVELS), atol=5.1e-4)
        np.testing.assert_allclose(pool.sum_quantiles, np.quantile(x, LEVELS), atol=5.1e-4)
        np.testing.assert_allclose(pool.sum_grid, np.quantile(x, GRID), atol=5.1e-4)
        for origin, without in enumerate(pool.sum_quantiles_without):
            others = (np.arange(ORIGINS) != origin) & own
            left = sums[others][:, NAMES.index(candidate), step - 1]
            np.testing.assert_allclose(without, np.quantile(left[np.isfinite(left)], LEVELS), atol=5.1e-4)
        assert pool.sum_moment == pytest.approx(np.mean(x**2), rel=1e-3)
        np.testing.assert_allclose(again[name, candidate, step].sum_grid, pool.sum_grid, rtol=1e-9)


@pytest.mark.spark
def test_of_many_series_a_sample_is_pooled(spark: SparkSession, drawn: dict[str, np.ndarray]):
    """A claim of four times the most that are pooled: about a quarter of them are."""
    sampled = pools(pooled_errors(fits(spark, drawn), LAYOUT, LEVELS, 80_000), NAMES)
    whole = pools(pooled_errors(fits(spark, drawn), LAYOUT, LEVELS, N), NAMES)
    assert 0.1 < sampled["all", "naive", 1].n / whole["all", "naive", 1].n < 0.4


@examples
@given(
    hnp.arrays(np.float64, st.integers(1, 12), elements=st.integers(-5, 5)),
    st.lists(st.floats(0, 1), min_size=1, max_size=5),
    st.randoms(use_true_random=False),
)
def test_quantiles_of_counted_values_are_those_of_the_values_one_by_one(values, levels, random):
    ranked, counts = np.sort(values), np.array([random.randint(0, 3) for _ in values])
    counts[0] += 1
    expected = np.quantile(np.repeat(ranked, counts), levels)
    np.testing.assert_allclose(counted_quantiles(ranked, counts, np.array(levels)), expected, atol=1e-12)


def pool(n: int, width: float) -> Pool:
    quantiles = width * np.array(LEVELS)
    return Pool(n, quantiles, 2 * quantiles, width, width * GRID, np.tile(quantiles, (ORIGINS, 1)))


def test_the_ladder_goes_from_the_group_to_its_class_to_all_to_the_prior_step_by_step():
    found = {
        ("smooth, active", "ses", 1): pool(50, 1.0), ("smooth, active", "ses", 2): pool(49, 2.0),
        ("smooth", "ses", 1): pool(60, 9.0), ("smooth", "ses", 2): pool(49, 9.0),
        ("all", "ses", 1): pool(80, 3.0), ("all", "ses", 2): pool(50, 4.0),
    }  # fmt: skip
    law = error_law(found, NAMES, LEVELS, HORIZON, ORIGINS, min_errors=50)
    assert ["group", "all", "prior"] == list(law.rungs[SMOOTH, 1])
    assert ["class", "all", "prior"] == list(law.rungs[DORMANT, 1])
    assert ["all", "all", "prior"] == list(law.rungs[LUMPY, 1])
    assert ["prior", "prior", "prior"] == list(law.rungs[SMOOTH, 0])
    np.testing.assert_allclose(law.step_quantiles[SMOOTH, 1, 0], LEVELS)
    np.testing.assert_allclose(law.sum_quantiles[SMOOTH, 1, 1], 8 * np.array(LEVELS))
    np.testing.assert_allclose([1.0, 4.0], law.sum_moments[SMOOTH, 1, :2])
    assert law.losses[SMOOTH, 1, 1] == pytest.approx(4 * law.losses[SMOOTH, 1, 0])


def test_without_any_errors_the_prior_holds_and_is_that_of_a_level_model():
    """Var(sum of h) / Var(1) = (h + h²·α/(2-α)) / (1 + α/(2-α)); with α = 0.2, α/(2-α) = 1/9: 1, 2.2, 3.6."""
    law = error_law({}, NAMES, LEVELS, HORIZON, ORIGINS, min_errors=50)
    assert {"prior"} == set(law.rungs.ravel())
    for row in range(len(GROUPS)):
        np.testing.assert_allclose(law.sum_moments[row, 0], [1.0, 2.2, 3.6])
        np.testing.assert_allclose(law.step_quantiles[row, 1, 2], norm.ppf(LEVELS))
        np.testing.assert_allclose(law.sum_quantiles[row, 1, 1], norm.ppf(LEVELS) * np.sqrt(2.2))
    assert (np.diff(law.sum_quantiles, axis=3) > 0).all()
    assert (law.losses > 0).all()
