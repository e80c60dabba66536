"""The clock of the simulator, by hand: receive, decide, demand, fill or lose, charge the end stock."""

from __future__ import annotations

import numpy as np
import pytest

from skucast.inventory.simulation.setup import InitialStock, LeadTimes, OrderLimits, SimulationSetup, UnmetDemand
from skucast.inventory.simulation.simulator import Policy, simulate, simulate_decisions


def setting_of(on_hand=0.0, lead_time=0, pipeline=None, **other):
    """One item."""
    opening = InitialStock(np.array([on_hand]), pipeline=None if pipeline is None else np.array([pipeline]))
    return SimulationSetup(opening, LeadTimes(lead_time), **other)


def path_of(demand, policy, setting):
    return simulate(np.array([demand], dtype=np.float64), policy, setting, keep_path=True).path


@pytest.mark.parametrize("lead_time", [0, 1, 2, 5])
def test_an_order_decided_at_t_is_on_hand_at_the_start_of_t_plus_lead_time(lead_time):
    orders = np.zeros((1, 8))
    orders[0, 1] = 7.0
    path = path_of(np.zeros(8), Policy.given(orders), setting_of(lead_time=lead_time))
    assert path.received[0].tolist() == [7.0 if t == 1 + lead_time else 0.0 for t in range(8)]
    assert path.on_hand[0].tolist() == [7.0 if t >= 1 + lead_time else 0.0 for t in range(8)]


def test_without_lead_time_an_order_serves_the_demand_of_its_own_period():
    path = path_of([3, 4, 5], Policy.up_to(np.array([4.0])), setting_of())
    assert path.ordered[0].tolist() == [4, 3, 4]
    assert path.unmet[0].tolist() == [0, 0, 1]


def test_what_is_due_is_received_before_the_decision_and_counts_once():
    path = path_of([0, 0], Policy.up_to(np.array([10.0])), setting_of(on_hand=1, pipeline=[4.0, 2.0], lead_time=1))
    assert path.received[0].tolist() == [4, 5]
    assert path.ordered[0].tolist() == [3, 0]


def test_demand_of_a_period_is_not_known_to_its_decision():
    for last in (0.0, 9.0):
        path = path_of([0, 0, last], Policy.up_to(np.array([10.0])), setting_of(on_hand=10))
        assert path.ordered[0].tolist() == [0, 0, 0]


@pytest.mark.parametrize(("review_period", "lead_time"), [(1, 0), (1, 2), (3, 0), (2, 1), (3, 4)])
def test_a_review_protects_the_review_period_and_the_lead_time(review_period, lead_time):
    """Constant demand: R + L periods of it are exactly enough, and any less runs out in the last period of each."""
    span, given = review_period + lead_time, {"review_period": review_period, "lead_time": lead_time}
    enough = simulate(np.ones((1, 40)), Policy.up_to(np.array([span])), setting_of(span, **given), keep_path=True)
    assert enough.unmet.sum() == 0
    assert enough.path.on_hand.min() == 0.0
    short = simulate(np.ones((1, 40)), Policy.up_to(np.array([span - 0.5])), setting_of(span, **given), keep_path=True)
    places = np.flatnonzero(short.path.unmet[0])
    assert places.size > 0
    assert ((places - lead_time) % review_period == review_period - 1).all()


def test_a_review_every_other_period_by_hand():
    """R 2, L 1, S 10, 4 at the start, 5 due at 1; demand 3 2 6 0 9 1.

    t  receive  decide          demand  end
    0           up to 10: 1     3       1
    1  5 + 1                    2       5
    2           up to 10: 5     6       0, 1 lost
    3  5                        0       5
    4           up to 10: 5     9       0, 4 lost
    5  5                        1       4
    """
    setting = setting_of(4, 1, [0.0, 5.0], review_period=2, score_from=0)
    outcome = simulate(np.array([[3, 2, 6, 0, 9, 1.0]]), Policy.up_to(np.array([10.0])), setting, keep_path=True)
    path = outcome.path
    assert path.ordered[0].tolist() == [1, 0, 5, 0, 5, 0]
    assert path.received[0].tolist() == [0, 6, 0, 5, 0, 5]
    assert path.on_hand[0].tolist() == [1, 5, 0, 5, 0, 4]
    assert path.unmet[0].tolist() == [0, 0, 1, 0, 4, 0]
    found = (outcome.lost, outcome.filled, outcome.on_hand_periods, outcome.orders, outcome.stock_outs)
    assert [value.item() for value in found] == [5, 16, 15, 3, 2]
    assert (outcome.periods.item(), outcome.periods_with_demand.item()) == (6, 5)


def test_backorders_wait_and_are_served_first():
    """R 1, L 1, S 2, 2 at the start; demand 3 0 2: the unit that waits at 0 is served at 1 before any new demand."""
    setting = setting_of(2, 1, world=UnmetDemand.BACKORDERS, score_from=0)
    outcome = simulate(np.array([[3, 0, 2.0]]), Policy.up_to(np.array([2.0])), setting, keep_path=True)
    assert outcome.path.ordered[0].tolist() == [0, 3, 0]
    assert outcome.path.backorders[0].tolist() == [1, 1, 0]
    assert outcome.path.on_hand[0].tolist() == [0, 0, 0]
    assert (outcome.backordered.item(), outcome.backorder_periods.item(), outcome.filled.item()) == (1, 2, 4)
    assert (outcome.stock_outs.item(), outcome.stock_outs_with_demand.item()) == (2, 1)
    assert (outcome.cycles.item(), outcome.cycles_without_stock_out.item()) == (2, 1)


def test_cycles_run_from_arrival_to_arrival_of_a_review():
    """R 2, L 1: cycles 1-2, 3-4 and 5-6 of 8 periods, the last one empty but without demand; 7 belongs to none."""
    demand = np.array([[9, 0, 0, 0, 3, 0, 0, 9.0]])
    outcome = simulate(demand, Policy.up_to(np.array([2.0])), setting_of(0, 1, review_period=2))
    assert (outcome.cycles.item(), outcome.cycles_without_stock_out.item()) == (3, 2)


@pytest.mark.parametrize(("lead_time", "cycles"), [(0, 6), (1, 5), (4, 2)])
def test_the_last_cycle_counts_when_the_next_arrival_would_fall_just_after_the_end(lead_time, cycles):
    outcome = simulate(np.zeros((1, 6)), Policy.up_to(np.array([1.0])), setting_of(0, lead_time))
    assert (outcome.cycles.item(), outcome.cycles_without_stock_out.item()) == (cycles, cycles)


def test_cycles_of_a_reorder_point_run_from_order_to_order():
    """Reorder point 1, level 4, L 1, demand 1: orders at 0, 3, 6; cycles start at 1, 4, 7, the last does not end."""
    outcome = simulate(np.ones((1, 9)), Policy.reorder_up_to(np.array([1.0]), np.array([4.0])), setting_of(1, 1))
    assert outcome.orders.item() == 2
    assert (outcome.cycles.item(), outcome.cycles_without_stock_out.item()) == (2, 2)


def test_reviews_fall_on_the_first_one_and_every_review_period_after_it():
    setting = setting_of(review_period=3, first_review=2)
    path = path_of(np.ones(9), Policy.up_to(np.array([5.0])), setting)
    assert np.flatnonzero(path.ordered[0]).tolist() == [2, 5, 8]


def test_scores_start_with_the_first_period_that_an_order_could_affect():
    setting = setting_of(lead_time=2, review_period=3, first_review=1)
    outcome = simulate(np.ones((1, 10)), Policy.up_to(np.array([5.0])), setting)
    assert outcome.periods.item() == 7
    assert outcome.lost.item() == 0


def test_lots_raise_the_position_just_above_the_reorder_point():
    path = path_of([0, 6, 3, 20], Policy.reorder_quantity(np.array([5.0]), np.array([4.0])), setting_of(9, 1))
    assert path.ordered[0].tolist() == [0, 0, 4, 4]
    path = path_of([9, 0, 0], Policy.reorder_quantity(np.array([5.0]), np.array([3.0])), setting_of(5, 1))
    assert path.ordered[0].tolist() == [3, 3, 0]
    path = path_of([0], Policy.reorder_quantity(np.array([11.0]), np.array([3.0])), setting_of(5, 1))
    assert path.ordered[0, 0] == 9


def test_orders_cross():
    """Drawn lead times 3 and then 1: what was ordered later arrives first."""
    weights = np.array([[0, 0.5, 0, 0.5]])
    for seed in range(50):
        lead_times = LeadTimes(1, weights, np.array([seed], dtype=np.uint64))
        drawn = [lead_times.drawn(t).item() for t in range(2)]
        if drawn == [3, 1]:
            break
    setting = SimulationSetup(InitialStock(np.zeros(1)), lead_times)
    path = path_of(np.zeros(5), Policy.given(np.array([[5, 2, 0, 0, 0.0]])), setting)
    assert path.received[0].tolist() == [0, 0, 2, 5, 0]


def test_levels_may_change_with_time():
    path = path_of([1, 1, 1], Policy.up_to(np.array([[2.0, 5.0, 3.0]])), setting_of(0))
    assert path.ordered[0].tolist() == [2, 4, 0]


@pytest.mark.parametrize(
    ("level", "limits", "ordered"),
    [
        (5, OrderLimits(min_order_quantity=8), 8),
        (5, OrderLimits(pack_size=4), 8),
        (5, OrderLimits(pack_size=4, rounding="down"), 4),
        (5, OrderLimits(pack_size=4, rounding="nearest"), 4),
        (6, OrderLimits(pack_size=4, rounding="nearest"), 8),
        (3, OrderLimits(pack_size=4, rounding="down"), 0),
        (5, OrderLimits(min_order_quantity=9, pack_size=4, rounding="down"), 12),
        (20, OrderLimits(pack_size=6, max_stock=17), 12),
        (20, OrderLimits(min_order_quantity=15, pack_size=6, max_stock=17), 0),
        (0, OrderLimits(min_order_quantity=15, pack_size=6), 0),
        (0.3, OrderLimits(pack_size=0.1), 0.3),
    ],
)
def test_limits_hold_for_every_order(level, limits, ordered):
    path = path_of([0], Policy.up_to(np.array([level])), setting_of(limits=limits))
    assert path.ordered[0, 0] == pytest.approx(ordered)


def test_float_noise_makes_neither_orders_nor_stock_outs():
    outcome = simulate(np.full((1, 9), 0.1), Policy.up_to(np.array([0.3])), setting_of(0.3, review_period=3))
    assert outcome.lost.item() == 0
    assert outcome.stock_outs.item() == 0
    level = np.array([0.1 + 0.2])
    assert simulate(np.zeros((1, 3)), Policy.up_to(level), setting_of(0.3)).orders.item() == 0


def test_who_decides_from_outside_sees_stock_after_receipts_and_before_demand():
    """R 2, L 2, an order of 5 is due at 2; demand 1 each period."""
    seen = []

    def decide(period, state):
        seen.append((period, state.on_hand.item(), state.due[0].tolist(), state.inventory_position.item()))
        return np.array([3.0])

    setting = setting_of(4, 2, [0.0, 0.0, 5.0], review_period=2)
    outcome = simulate_decisions(np.ones((1, 6)), decide, setting, keep_path=True)
    assert seen == [(0, 4, [0, 0, 5], 9), (2, 7 + 3, [0, 0, 0], 10), (4, 8 + 3, [0, 0, 0], 11)]
    assert outcome.path.ordered[0].tolist() == [3, 0, 3, 0, 3, 0]
    assert outcome.path.on_hand[0].tolist() == [3, 2, 9, 8, 10, 9]


def test_due_dates_are_those_promised_and_late_orders_are_overdue():
    """Promised in 1, arriving in 3: the planner sees no draw, only that it is late."""
    seen = []

    def decide(period, state):
        seen.append(state.due[0].tolist())
        return np.array([2.0 if period == 0 else 0.0])

    lead_times = LeadTimes(1, np.array([[0, 0, 0, 1.0]]), np.zeros(1, dtype=np.uint64))
    simulate_decisions(np.zeros((1, 5)), decide, SimulationSetup(InitialStock(np.zeros(1)), lead_times))
    assert seen == [[0, 0, 0, 0], [2, 0, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
