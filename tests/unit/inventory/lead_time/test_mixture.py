"""Demand over a random lead time: against halving, Monte Carlo, and the published numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from skucast.inventory.demand.quantile_grid import Lists
from skucast.inventory.lead_time.mixture import DemandSums, demand_over, mixed_moments, mixed_quantiles
from tests.spark.stages.plan.planning_reference import mixture_quantile

LEVELS = [0.1, 0.5, 0.9, 0.98]
LAWS = st.lists(
    st.tuples(st.integers(1, 5), st.lists(st.integers(0, 20).map(float), min_size=4, max_size=4).map(sorted)),
    min_size=1, max_size=4,
)  # fmt: skip


@settings(deadline=None)
@given(LAWS)
def test_quantiles_of_a_mixture_are_found_by_halving(drawn: list[tuple[int, list[float]]]) -> None:
    total = sum(weight for weight, _ in drawn)
    parts = [(weight / total, quantiles) for weight, quantiles in drawn]
    found = mixed_quantiles(LEVELS, [w for w, _ in parts], [q for _, q in parts])
    assert found.tolist() == pytest.approx([mixture_quantile(p, LEVELS, parts) for p in LEVELS], abs=1e-6)
    assert (np.diff(found) >= 0).all()


def test_one_law_stays_as_it_is_and_what_weights_leave_is_no_demand() -> None:
    assert mixed_quantiles(LEVELS, [1.0], [[0.0, 0.0, 3.0, 7.0]]).tolist() == [0, 0, 3, 7]
    assert mixed_quantiles(LEVELS, [], np.zeros((0, 4))).tolist() == [0, 0, 0, 0]
    half = mixed_quantiles([0.25, 0.5, 0.75], [0.5], [[10.0, 20.0, 30.0]])
    assert half.tolist() == [0.0, 0.0, 20.0]


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"2 laws at 4 levels: found shape \(1, 4\)"):
        mixed_quantiles(LEVELS, [0.5, 0.5], [[0.0, 0.0, 3.0, 7.0]])
    one = Lists.of(np.ones((1, 1)))
    with pytest.raises(ValueError, match="found 2 quantiles, expected one per sum and level, 1"):
        demand_over(one, np.array([1]), DemandSums(one, one, np.ones(1), np.zeros(2)))


def lists(parts: list[list[float]]) -> Lists:
    return Lists(np.array([x for part in parts for x in part]), np.cumsum([0, *(len(part) for part in parts)]))


def expected_over(law: list[float], further: int, sums: list[list[float]]) -> tuple[list[float], tuple[float, float]]:
    """One item: every possible number of periods in turn, no demand for what is left."""
    parts = [(p, sums[min(n + further, len(sums)) - 1]) for n, p in enumerate(law) if p > 0 and n + further > 0]
    rest = max(0.0, 1 - sum(p for p, _ in parts))
    weights, means = [p for p, _ in parts], [np.mean(q) for _, q in parts]
    moments = mixed_moments([*weights, rest], [*means, 0.0], [*(np.std(q) for _, q in parts), 0.0])
    return mixed_quantiles(LEVELS, weights, [q for _, q in parts]).tolist(), moments


ITEM = st.tuples(
    st.sampled_from([[1.0], [0.0, 1.0], [0.5, 0.0, 0.5], [0.25, 0.75], [0.0, 0.1, 0.0, 0.9]]),
    st.integers(0, 3),
    st.lists(st.lists(st.integers(0, 20).map(float), min_size=4, max_size=4).map(sorted), max_size=4),
)


@settings(deadline=None)
@given(st.lists(ITEM, min_size=1, max_size=5))
def test_demand_over_random_periods_is_that_of_each_item_alone(items: list[tuple[list[float], int, list]]) -> None:
    laws, further, sums = [law for law, _, _ in items], np.array([n for _, n, _ in items]), [q for *_, q in items]
    means, sds = (lists([[float(of(q)) for q in each] for each in sums]) for of in (np.mean, np.std))
    quantiles = np.array(sums and [x for each in sums for q in each for x in q], dtype=float)
    found = demand_over(lists(laws), further, DemandSums(lists([LEVELS] * len(items)), means, sds.values, quantiles))
    for i, (law, n, of_item) in enumerate(items):
        got, at = found.quantiles[4 * i : 4 * i + 4].tolist(), (found.mean[i], found.sd[i])
        if not of_item or (n == 0 and law == [1.0]):
            assert np.isnan([*got, *at]).all()
        else:
            quantiles_expected, moments = expected_over(law, n, of_item)
            assert got == quantiles_expected
            assert at == pytest.approx(moments)


def test_reorder_points_are_those_of_drawn_demand_and_lead_times() -> None:
    """Poisson demand of 5 a period, 2 or 6 periods: the mixture's quantiles, not the mixed quantiles."""
    rng, levels, weights = np.random.default_rng(3), np.linspace(0.005, 0.995, 199), np.array([0.7, 0.3])
    sums = np.where(rng.random(400_000) < 0.7, rng.poisson(10, 400_000), rng.poisson(30, 400_000))
    quantiles = [stats.norm.ppf(levels, mean, np.sqrt(mean)) for mean in (10, 30)]
    found = np.interp([0.6, 0.8, 0.95], levels, mixed_quantiles(levels, weights, quantiles))
    assert found == pytest.approx(np.quantile(sums, [0.6, 0.8, 0.95]), abs=0.6)
    assert mixed_moments(weights, [10, 30], np.sqrt([10, 30])) == pytest.approx((sums.mean(), sums.std()), rel=5e-3)


@pytest.mark.parametrize("name", ["SS-1", "SS-2", "SS-3"])
def test_published_deviations_of_demand_over_lead_and_review_time(shared: Path, name: str) -> None:
    """Two equally probable lead times have the published mean and deviation; demand is independent over periods."""
    path = shared / "oracles" / "inventory_vectors.json"
    case = next(each for each in json.loads(path.read_text(encoding="utf-8")) if each["id"] == name)
    x, expected = case["inputs"], case["expected"]
    spans = np.array([x["L"] - x["sd_L"], x["L"] + x["sd_L"]]) + x["R"]
    mean, sd = mixed_moments([0.5, 0.5], spans * x["mu_d"], np.sqrt(spans) * x["sd_d"])
    assert sd == pytest.approx(expected["sigma"], rel=1e-12)
    assert mean + stats.norm.ppf(x["csl"]) * sd == pytest.approx(expected.get("rop", expected.get("S")), rel=1e-12)
