"""The simulator against plain loops and against the laws of stock."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skucast.inventory.simulation.kernel import MEASURES
from skucast.inventory.simulation.setup import InitialStock, LeadTimes, OrderLimits, SimulationSetup, UnmetDemand
from skucast.inventory.simulation.simulator import Policy, simulate, simulate_decisions
from tests.unit.inventory.simulation import simulator_reference as reference

INF = np.inf
examples = settings(deadline=None)


@st.composite
def cases(draw, worlds=tuple(UnmetDemand)):
    """Demand, policy and setting of a few items of mixed kinds, in quarters of a unit so that sums are exact."""
    n, n_periods = draw(st.integers(1, 5)), draw(st.integers(1, 25))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    demand = rng.poisson(rng.choice([0.3, 2, 6], (n, 1)), (n, n_periods)) * 0.25
    level = rng.integers(0, 60, (n, n_periods if rng.random() < 0.3 else 1)) * 0.25
    kind = rng.integers(0, 3, n)
    s = np.where(kind == 0, INF, rng.integers(-4, 40, n) * 0.25)
    lot = np.where(kind == 2, rng.integers(1, 30, n) * 0.25, 0.0)
    weights = rng.integers(0, 3, (n, 6)) + np.eye(6)[rng.integers(0, 6, n)] if rng.random() < 0.5 else None
    seeds = rng.integers(0, 2**64, n, dtype=np.uint64)
    limits = OrderLimits()
    if rng.random() < 0.5:
        pack, least = rng.integers(0, 12, n) * 0.25, rng.integers(0, 30, n) * 0.25
        limits = OrderLimits(least, pack, rng.choice([10.0, 20.0, INF], n), str(rng.choice(["up", "down", "nearest"])))
    world = draw(st.sampled_from(worlds))
    waiting = rng.integers(0, 5, n) * 0.25 if world is UnmetDemand.BACKORDERS else None
    setting = SimulationSetup(
        InitialStock(rng.integers(0, 40, n) * 0.25, rng.integers(0, 9, (n, int(rng.integers(0, 5)))) * 0.25, waiting),
        LeadTimes(rng.integers(0, 7, n), weights, seeds),
        rng.integers(1, 6, n), rng.integers(0, 4, n), limits, world, rng.integers(0, 9, n),
    )  # fmt: skip
    return demand, Policy(level if level.shape[1] > 1 else level[:, 0], s, lot), setting


def rows(policy, setting, keep):
    """The same for some items, in a given order."""

    def of(values):
        return values if np.ndim(values) == 0 or values is None else values[keep]

    opening, lead, limits = setting.opening, setting.lead_times, setting.limits
    small = SimulationSetup(
        InitialStock(of(opening.on_hand), of(opening.pipeline), of(opening.backorders)),
        LeadTimes(of(lead.promised), of(lead.weights), of(lead.seeds)),
        of(setting.review_period), of(setting.first_review),
        OrderLimits(of(limits.min_order_quantity), of(limits.pack_size), of(limits.max_stock), limits.rounding),
        setting.world, of(setting.score_from),
    )  # fmt: skip
    return replace(policy, **{name: of(getattr(policy, name)) for name in vars(policy)}), small


@examples
@given(case=cases())
def test_every_period_is_that_of_plain_loops(case):
    demand, policy, setting = case
    outcome = simulate(demand, policy, setting, keep_path=True)
    for i in range(demand.shape[0]):
        tally = _reference(i, demand, policy, setting)
        for name in ("on_hand", "backorders", "ordered", "received", "unmet"):
            np.testing.assert_array_equal(getattr(outcome.path, name)[i], getattr(tally, name), err_msg=name)
        found = outcome.cycles[i], outcome.cycles_without_stock_out[i]
        assert found == tally.cycles(setting.score_from[i])


def _reference(i, demand, policy, setting):
    limits = setting.limits
    least, pack, most = (np.broadcast_to(np.asarray(values), demand.shape[:1])[i] for values in (
        limits.min_order_quantity, limits.pack_size, limits.max_stock))  # fmt: skip
    waiting = 0.0 if setting.opening.backorders is None else setting.opening.backorders[i]
    varying = np.ndim(policy.order_up_to_level) == 2
    shop = reference.Shop(
        setting.opening.on_hand[i], setting.opening.pipeline[i], waiting,
        0.0 if varying else policy.order_up_to_level[i], policy.reorder_point[i], policy.order_quantity[i],
        setting.review_period[i], setting.first_review[i], least, pack, most, limits.rounding,
        setting.world is UnmetDemand.LOST_SALES,
    )  # fmt: skip

    def lead_time(t):
        return int(setting.lead_times.drawn(t)[i])

    if varying:
        levels = policy.order_up_to_level[i]
        return reference.run(shop, demand[i], lead_time, lambda t: levels[min(t, levels.size - 1)])
    return reference.run(shop, demand[i], lead_time)


@examples
@given(case=cases())
def test_stock_is_conserved_in_every_period_and_orders_overall(case):
    demand, policy, setting = case
    path = simulate(demand, policy, setting, keep_path=True).path
    net = path.on_hand - path.backorders
    before = np.column_stack([setting.opening.net, net[:, :-1]])
    taken = demand - path.unmet if setting.world is UnmetDemand.LOST_SALES else demand
    np.testing.assert_allclose(before + path.received - taken, net, atol=1e-9)
    on_order = setting.opening.pipeline.sum(axis=1) + path.ordered.sum(axis=1) - path.received.sum(axis=1)
    assert (on_order >= 0).all()
    due = np.zeros_like(on_order)
    n_periods = demand.shape[1]
    for t in range(n_periods):
        due += np.where(t + setting.lead_times.drawn(t) >= n_periods, path.ordered[:, t], 0.0)
    np.testing.assert_allclose(on_order, due + setting.opening.pipeline[:, n_periods:].sum(axis=1), atol=1e-9)
    assert (path.on_hand >= 0).all()
    assert (np.minimum(path.on_hand, path.backorders) == 0).all()
    if setting.world is UnmetDemand.LOST_SALES:
        assert (path.backorders == 0).all()


@examples
@given(case=cases())
def test_totals_are_sums_over_the_scored_periods(case):
    demand, policy, setting = case
    outcome = simulate(demand, policy, setting, keep_path=True)
    path, scored = outcome.path, np.arange(demand.shape[1]) >= setting.score_from[:, None]
    short = (path.unmet > 0) | (path.backorders > 0)
    expected = {
        "periods": np.ones_like(demand), "periods_with_demand": demand > 0, "demanded": demand,
        "filled": demand - path.unmet, "unmet": path.unmet, "received": path.received, "orders": path.ordered > 0,
        "on_hand_periods": path.on_hand, "backorder_periods": path.backorders, "stock_outs": short,
        "stock_outs_with_demand": short & (demand > 0), "ordered": path.ordered,
    }  # fmt: skip
    for name, values in expected.items():
        np.testing.assert_allclose(getattr(outcome, name), (values * scored).sum(axis=1), err_msg=name)


@examples
@given(case=cases(), data=st.data())
def test_neither_order_nor_number_of_the_items_matters(case, data):
    demand, policy, setting = case
    whole = simulate(demand, policy, setting)
    keep = np.array(data.draw(st.permutations(range(demand.shape[0]))))
    for part in np.array_split(keep, data.draw(st.integers(1, keep.size))):
        found = simulate(demand[part], *rows(policy, setting, part))
        for name in MEASURES:
            np.testing.assert_array_equal(getattr(found, name), getattr(whole, name)[part])


@examples
@given(case=cases(), data=st.data())
def test_demand_to_come_never_changes_an_order(case, data):
    demand, policy, setting = case
    t = data.draw(st.integers(0, demand.shape[1] - 1))
    other = demand.copy()
    other[:, t:] = 7.0
    ordered = [simulate(each, policy, setting, keep_path=True).path.ordered for each in (demand, other)]
    np.testing.assert_array_equal(ordered[0][:, : t + 1], ordered[1][:, : t + 1])


@examples
@given(case=cases(), power=st.integers(-3, 6))
def test_units_scale(case, power):
    demand, policy, setting = case
    k, limits, opening = 2.0**power, setting.limits, setting.opening
    waiting = None if opening.backorders is None else k * opening.backorders
    larger = replace(
        setting, opening=InitialStock(k * opening.on_hand, k * opening.pipeline, waiting),
        limits=replace(limits, min_order_quantity=k * np.asarray(limits.min_order_quantity),
                       pack_size=k * np.asarray(limits.pack_size), max_stock=k * np.asarray(limits.max_stock)),
    )  # fmt: skip
    grown = Policy(k * policy.order_up_to_level, k * policy.reorder_point, k * policy.order_quantity)
    found, base = simulate(k * demand, grown, larger), simulate(demand, policy, setting)
    np.testing.assert_allclose(found.filled, k * base.filled, rtol=1e-12)
    np.testing.assert_allclose(found.on_hand_periods, k * base.on_hand_periods, rtol=1e-12)
    np.testing.assert_array_equal(found.cycles_without_stock_out, base.cycles_without_stock_out)


@examples
@given(case=cases())
def test_orders_and_decisions_given_from_outside_are_those_of_the_policy(case):
    """All three ways to decide keep one clock."""
    demand, policy, setting = case
    setting = replace(setting, limits=OrderLimits())
    policy = Policy.up_to(policy.order_up_to_level)
    inside = simulate(demand, policy, setting, keep_path=True)
    level = np.asarray(policy.order_up_to_level)

    def decide(t, state):
        np.testing.assert_allclose(state.on_order, _on_order(t, inside.path, setting))
        return np.maximum((level[:, t] if level.ndim == 2 else level) - state.inventory_position, 0.0)

    outside = simulate_decisions(demand, decide, setting)
    given_orders = simulate(demand, Policy.given(inside.path.ordered), setting)
    for name in MEASURES:
        for other in (outside, given_orders):
            np.testing.assert_allclose(getattr(other, name), getattr(inside, name), err_msg=name)


def _on_order(t, path, setting):
    ordered = setting.opening.pipeline.sum(axis=1) + path.ordered[:, :t].sum(axis=1)
    due_now = setting.opening.pipeline[:, t] if t < setting.opening.pipeline.shape[1] else 0.0
    for before in range(t):
        due_now = due_now + np.where(before + setting.lead_times.drawn(before) == t, path.ordered[:, before], 0.0)
    return ordered - path.received[:, :t].sum(axis=1) - due_now


@examples
@given(case=cases(worlds=(UnmetDemand.LOST_SALES,)), more=st.integers(1, 20))
def test_a_higher_level_loses_no_more(case, more):
    """For (R,S) with fixed lead times it holds on every path: sales to date are min(S + sales to t−L, demand to t)."""
    demand, policy, setting = case
    fixed = replace(setting, limits=OrderLimits(), lead_times=replace(setting.lead_times, weights=None))
    level = np.asarray(policy.order_up_to_level)
    scored = replace(fixed, score_from=0)
    lost = [simulate(demand, Policy.up_to(each), scored).lost for each in (level, level + 0.25 * more)]
    assert (lost[1] <= lost[0]).all()


@examples
@given(case=cases(worlds=(UnmetDemand.LOST_SALES,)), longer=st.integers(1, 5))
def test_a_longer_lead_time_fills_no_more(case, longer):
    demand, policy, setting = case
    policy = Policy.up_to(policy.order_up_to_level)
    lost = []
    for each in (setting.lead_times.promised, setting.lead_times.promised + longer):
        given_lead = replace(setting, limits=OrderLimits(), lead_times=LeadTimes(each), score_from=0)
        lost.append(simulate(demand, policy, given_lead).lost)
    assert (lost[1] >= lost[0]).all()


@examples
@given(case=cases())
def test_shorter_periods_change_nothing_where_demand_is_spread_evenly(case):
    """Each period halved, with half its demand, twice the lead time and twice the review period."""
    demand, policy, setting = case
    arriving = np.kron(setting.opening.pipeline, [1.0, 0.0])
    setting = replace(setting, lead_times=replace(setting.lead_times, weights=None))
    level = policy.order_up_to_level
    halved = replace(
        setting, opening=replace(setting.opening, pipeline=arriving), review_period=2 * setting.review_period,
        lead_times=LeadTimes(2 * setting.lead_times.promised), first_review=2 * setting.first_review,
        score_from=2 * setting.score_from,
    )  # fmt: skip
    finer = replace(policy, order_up_to_level=np.repeat(level, 2, axis=1) if level.ndim == 2 else level)
    coarse = simulate(demand, policy, setting)
    fine = simulate(np.repeat(demand / 2, 2, axis=1), finer, halved)
    for name in ("unmet", "filled", "ordered", "received", "orders"):
        np.testing.assert_allclose(getattr(fine, name), getattr(coarse, name), atol=1e-9, err_msg=name)


def test_service_and_stock_rise_with_the_level_and_service_falls_with_the_lead_time():
    rng = np.random.default_rng(3)
    demand = rng.poisson(4.0, (2000, 120)).astype(np.float64)
    for world in UnmetDemand:
        outcomes = [_run(demand, level, 3, 2, world) for level in range(10, 36, 5)]
        assert (np.diff([each.fill_rate.mean() for each in outcomes]) > 0).all()
        assert (np.diff([each.average_on_hand.mean() for each in outcomes]) > 0).all()
        by_lead = [_run(demand, 24, lead_time, 2, world).fill_rate.mean() for lead_time in range(7)]
        assert (np.diff(by_lead) < 0).all()


def _run(demand, level, lead_time, review_period, world):
    setting = SimulationSetup(
        InitialStock(np.full(demand.shape[0], float(level))), LeadTimes(lead_time), review_period, world=world
    )
    return simulate(demand, Policy.up_to(float(level)), replace(setting, score_from=20))


@pytest.mark.parametrize("world", UnmetDemand)
@pytest.mark.parametrize(("review_period", "lead_time"), [(1, 0), (1, 3), (4, 0), (5, 2)])
def test_certain_demand_never_runs_out_at_its_mean_over_the_protection_period(review_period, lead_time, world):
    demand = np.full((3, 50), 0.7)
    opening = InitialStock(np.zeros(3))
    setting = SimulationSetup(opening, LeadTimes(lead_time), review_period, world=world)
    if world is UnmetDemand.BACKORDERS:
        setting = replace(setting, opening=InitialStock(np.full(3, 0.7 * (review_period + lead_time))))
    outcome = simulate(demand, Policy.up_to(0.7 * (review_period + lead_time)), setting)
    assert outcome.unmet.sum() == 0
    assert (outcome.fill_rate == 1).all()
    assert (outcome.cycle_service_level == 1).all()


def test_lead_times_follow_their_weights_and_depend_on_seed_and_period_alone():
    weights = np.array([0.0, 1.0, 2.0, 0.0, 5.0])
    seeds = np.arange(20_000, dtype=np.uint64)
    lead_times = LeadTimes(2, weights, seeds)
    first, second = lead_times.drawn(0), lead_times.drawn(1)
    for drawn in (first, second):
        share = np.bincount(drawn, minlength=5) / seeds.size
        np.testing.assert_allclose(share, weights / 8, atol=4 * np.sqrt(0.25 / seeds.size))
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / np.sqrt(seeds.size)
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 4 / np.sqrt(seeds.size)
    np.testing.assert_array_equal(LeadTimes(2, weights, seeds[::-1][:7]).drawn(1), second[::-1][:7])
    own = np.array([LeadTimes(0, weights, seeds[5:6]).drawn(t).item() for t in range(4000)])
    np.testing.assert_allclose(np.bincount(own, minlength=5) / own.size, weights / 8, atol=4 * np.sqrt(0.25 / own.size))


def test_policies_that_are_compared_meet_the_same_lead_times():
    seeds = np.array([11, 12], dtype=np.uint64)
    setting = SimulationSetup(InitialStock(np.zeros(2)), LeadTimes(0, np.ones(6), seeds))
    paths = [
        simulate(np.ones((2, 60)), Policy.given(amount * np.eye(60)[[7, 7]]), setting, keep_path=True).path
        for amount in (3.0, 9.0)
    ]
    np.testing.assert_array_equal(paths[0].received * 3, paths[1].received)


def test_bad_input_is_named():
    one, lead = InitialStock(np.ones(1)), LeadTimes(1)
    setting, demand = SimulationSetup(one, lead), np.ones((1, 4))
    for message, wrong in {
        "on_hand must be": lambda: SimulationSetup(InitialStock(np.array([-1.0])), lead),
        "pipeline has shape": lambda: SimulationSetup(InitialStock(np.ones(1), np.ones((2, 3))), lead),
        "backorders at the start": lambda: SimulationSetup(InitialStock(np.ones(1), backorders=np.ones(1)), lead),
        "review_period must be whole periods >= 1": lambda: SimulationSetup(one, lead, 0),
        "promised lead time must be whole periods": lambda: LeadTimes(1.5),
        "seeds": lambda: LeadTimes(1, np.ones(3)),
        "weights": lambda: LeadTimes(1, np.zeros(3), np.zeros(1, dtype=np.uint64)),
        "rounding must be one of": lambda: OrderLimits(rounding="sideways"),
        "pack_size must be": lambda: SimulationSetup(one, lead, limits=OrderLimits(pack_size=-1)),
        "demand must be finite": lambda: simulate(np.array([[1.0, np.nan]]), Policy.up_to(1.0), setting),
        "demand has shape": lambda: simulate(np.ones(4), Policy.up_to(1.0), setting),
        "order_up_to_level has shape": lambda: simulate(demand, Policy.up_to(np.ones((1, 3))), setting),
        "order_up_to_level must be a number": lambda: simulate(demand, Policy.up_to(np.nan), setting),
        "needs a finite reorder_point": lambda: simulate(demand, Policy(0.0, order_quantity=4.0), setting),
        "orders has shape": lambda: simulate(demand, Policy.given(np.ones((1, 3))), setting),
        "orders in period 1": lambda: simulate(demand, Policy.given(demand), SimulationSetup(one, lead, 2)),
        "decided in period 0 have shape": lambda: simulate_decisions(demand, lambda *_: np.ones(2), setting),
        "decided in period 0 must be": lambda: simulate_decisions(demand, lambda *_: -np.ones(1), setting),
    }.items():
        with pytest.raises(ValueError, match=message):
            wrong()
    with pytest.raises(ValueError, match="keep_path"):
        _ = simulate(demand, Policy.up_to(1.0), setting).path


def test_shares_without_a_denominator_are_unknown():
    outcome = simulate(np.zeros((1, 3)), Policy.up_to(1.0), SimulationSetup(InitialStock(np.ones(1)), LeadTimes(9)))
    for share in (outcome.fill_rate, outcome.cycle_service_level, outcome.average_on_hand, outcome.stock_out_share):
        assert np.isnan(share).all()
