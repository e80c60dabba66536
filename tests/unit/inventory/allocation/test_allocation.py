"""Sharing what is scarce, beside an exact solver and the laws that any good choice obeys."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skucast.inventory.allocation import allocation
from skucast.inventory.allocation.allocation import allocate
from skucast.inventory.allocation.limits import Limits, LocalOptions, joined, rows_at
from skucast.inventory.allocation.row_choice_kernel import OrderOptions
from tests.unit.inventory.allocation.cases import (
    Case,
    beside_exact,
    best_gain,
    limited,
    newsvendor_gain,
    random_case,
    random_curves,
)

SEEDS = range(30)


def one_limit(curves: OrderOptions, upper: float = np.inf, *, kind: int = 0, lower: float = 0.0) -> Case:
    first = np.where(np.arange(6) > kind, 1, 0)
    member = np.full((curves.wanted.size, 5), -1, dtype=np.int64)
    member[:, kind] = 0
    limits = Limits.of(first, np.array([lower]), np.array([upper]), np.array([np.nan]))
    return Case(curves._replace(member=member), limits)


def options(*rows: tuple[list[float], list[float], float]) -> OrderOptions:
    """Rows of quantities, gains and the cost of a unit."""
    quantity, gain = [[0.0, *own] for own, _, _ in rows], [[0.0, *own] for _, own, _ in rows]
    n = len(rows)
    start = np.concatenate([[0], np.cumsum([len(own) for own in quantity])]).astype(np.int64)
    weight = np.array([[cost, cost] for _, _, cost in rows])
    return OrderOptions(
        start, np.concatenate(quantity), np.concatenate(gain), np.array([int(np.argmax(g)) for g in gain]), weight,
        np.full((n, 5), -1, dtype=np.int64), np.linspace(0, 0.9, n), np.arange(n), np.full(n, -1, dtype=np.int64),
    )  # fmt: skip


def test_near_the_exact_solver_and_always_feasible():
    """Two hundred cases are run by ``benchmarks/plan/shared_limits.py --exact 200``."""
    found, best, worst, feasible = beside_exact(SEEDS)
    assert feasible == len(SEEDS)
    assert found >= 0.99 * best
    assert worst > 0.97


@pytest.mark.parametrize(
    "kinds", [("budget",), ("budget", "supplier_budget", "storage"), ("min_value",), ("container",)]
)
def test_prices_and_rounds_alone_come_near_the_best(kinds: tuple[str, ...], monkeypatch: pytest.MonkeyPatch):
    """More rows than are settled exactly at once."""
    monkeypatch.setattr(allocation, "CORE", 20)
    monkeypatch.setattr(allocation, "ROUNDS", 6)
    cases = [random_case(1000 + seed, n=40, kinds=kinds) for seed in range(3)]
    places = [case.solved() for case in cases]
    assert all(case.is_feasible(own) for case, own in zip(cases, places, strict=True))
    found = sum(case.gain(own) for case, own in zip(cases, places, strict=True))
    assert found >= 0.98 * sum(best_gain(case, 1e-3) for case in cases)


def test_newsvendors_under_a_budget(shared: Path):
    vectors = json.loads((shared / "oracles" / "inventory_vectors.json").read_text(encoding="utf-8"))
    vector = next(entry for entry in vectors if entry["id"] == "BUDGET-1")
    rows = []
    for price, cost, salvage, mean, deviation in vector["inputs"]["items"]:
        q = np.arange(1, 4 * mean * 10) / 10
        rows.append((q.tolist(), newsvendor_gain(q, mean, deviation, price, cost, salvage).tolist(), cost))
    free = one_limit(options(*rows), vector["inputs"]["budget"] * 2).curves
    wanted = free.quantity[free.start[:-1] + free.wanted]
    np.testing.assert_allclose(wanted, vector["expected"]["unconstrained"], atol=0.06)
    case = one_limit(options(*rows), vector["inputs"]["budget"])
    _, found = allocate(LocalOptions(case.curves), case.limits)
    chosen = case.curves.quantity[case.curves.start[:-1] + found.choice(case.curves)]
    np.testing.assert_allclose(chosen, vector["expected"]["q"], atol=0.4)
    assert found.priced.price[0] == pytest.approx(vector["expected"]["lam"], rel=0.02)


def test_steps_that_do_not_fit_beside_each_other():
    """LOKAD-MOQ: of A (1 unit gains 10 and costs 4, 2: 18 and 7) and B (6 and 3, 11 and 5) within 10."""
    a, b = ([4.0, 7.0], [10.0, 18.0], 1.0), ([3.0, 5.0], [6.0, 11.0], 1.0)
    case = one_limit(options(a, b), 10.0)
    assert case.gain(case.solved()) == best_gain(case)


def test_budgets_that_bind_nothing_change_nothing():
    for seed in range(20):
        case = random_case(seed, kinds=("budget", "storage"), tightness=1.0)
        np.testing.assert_array_equal(case.solved(), case.curves.wanted)


def test_a_budget_of_0_and_one_that_no_row_fits_order_nothing():
    case = random_case(3, kinds=("budget",), tightness=0.0)
    assert not case.solved().any()
    tiny = one_limit(case.curves, 1e-6)
    assert not tiny.solved().any()


@settings(deadline=None)
@given(st.integers(0, 10_000), st.floats(0.05, 0.9))
def test_more_budget_never_gains_less(seed: int, share: float):
    curves, _ = random_curves(np.random.default_rng(seed), 12, n_suppliers=1, n_locations=1)
    money = float((curves.quantity[curves.start[:-1] + curves.wanted] * curves.weight[:, 0]).sum())
    gains = [case.gain(case.solved()) for case in (one_limit(curves, money * part) for part in (share, share * 1.1))]
    assert gains[1] >= gains[0] * (1 - 2e-5)


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_the_order_of_rows_does_not_matter(seed: int):
    case = random_case(seed)
    order = np.random.default_rng(seed).permutation(case.curves.wanted.size)
    np.testing.assert_array_equal(case.solved()[order], case.permuted(order).solved())


def test_sums_do_not_depend_on_how_rows_are_split(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(allocation, "CORE", 20)
    case = random_case(11, n=80, kinds=("budget", "location_budget", "storage"))
    whole = case.solved()
    half = np.arange(80) % 3 == 0
    parts = [rows_at(case.curves, np.flatnonzero(own)) for own in (half, ~half)]
    _, found = allocate(LocalOptions(joined(parts)), case.limits)
    np.testing.assert_array_equal(found.choice(case.curves), whole)


class TestMinimum:
    """One supplier takes orders of 100 or more."""

    def test_topped_up_where_that_gains_more(self):
        case = one_limit(options(([90, 100, 110], [50, 48, 40], 1.0)), kind=1, lower=100.0)
        assert case.solved().tolist() == [2]
        _, found = allocate(LocalOptions(case.curves), case.limits)
        assert case.limits.names(found.priced) == ["supplier_minimum"]

    def test_nothing_where_topping_up_loses(self):
        case = one_limit(options(([10, 100], [5, -20], 1.0)), kind=1, lower=100.0)
        assert case.solved().tolist() == [0]

    def test_out_of_reach_says_how_far_it_would_have_to_fall(self):
        case = one_limit(options(([10, 20], [5, 4], 1.0), ([30], [9], 1.0)), kind=1, lower=100.0)
        _, found = allocate(LocalOptions(case.curves), case.limits)
        assert found.choice(case.curves).tolist() == [0, 0]
        assert (found.wanted[0], found.reachable[0]) == pytest.approx((40, 50))
        assert found.bound(case.curves, case.limits, np.zeros(2, dtype=np.int64)).tolist() == [0, 0]


@pytest.mark.parametrize(("gain_of_more", "expected"), [(47.0, 2), (10.0, 1)])
def test_a_container_is_filled_or_left_out(gain_of_more: float, expected: int):
    """130 of a container of 100: 100 gains 40, 200 gains what is given."""
    curves = options(([100, 130, 200], [40, 50, gain_of_more], 1.0))
    first = np.array([0, 0, 0, 1, 1, 1])
    member = np.array([[-1, -1, 0, -1, -1]])
    limits = Limits.of(first, np.zeros(1), np.full(1, np.inf), np.full(1, 100.0))
    case = Case(curves._replace(member=member), limits)
    assert curves.quantity[case.solved()[0]] == 100.0 * expected


def test_a_fixed_row_is_counted_and_kept():
    """A row of one option, such as one without a cost: it stays, and its room is gone."""
    free, fixed = options(([10.0, 20.0], [8.0, 12.0], 1.0)), options(([20.0], [0.0], 1.0))
    fixed = fixed._replace(
        start=np.array([0, 1]), quantity=np.array([20.0]), gain=np.zeros(1), wanted=np.zeros(1, dtype=np.int64),
        key=np.array([5]),
    )  # fmt: skip
    case = one_limit(joined([free, fixed]), 30.0)
    assert case.solved().tolist() == [1, 0]
    assert case.used(case.solved()) == pytest.approx(30.0)


def test_limited_cases_are_built_as_asked():
    curves, groups = random_curves(np.random.default_rng(1), 9, n_suppliers=2, n_locations=2)
    case = limited(np.random.default_rng(1), curves, groups, ("budget", "min_value"), 2, 2)
    assert np.diff(case.limits.first).tolist() == [1, 2, 0, 0, 0]
