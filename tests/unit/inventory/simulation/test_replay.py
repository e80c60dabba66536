"""Policies that are replayed on held-out demand."""

import dataclasses
import math

import numpy as np
import pytest
from scipy.stats import norm

from skucast.inventory.ordering.order_quantity import OrderConstraints
from skucast.inventory.projection.net_requirement import ServiceTarget
from skucast.inventory.simulation.frontier import interval, resampled, stock_at_fill
from skucast.inventory.simulation.replay import Replay, ReviewForecasts
from skucast.inventory.simulation.replay_policies import known_need, nothing, perfect, planned
from skucast.inventory.simulation.replay_rivals import base_stock, base_stocks, fixed_cover, textbook, textbook_policy
from skucast.inventory.simulation.setup import InitialStock, UnmetDemand
from tests.unit.inventory.simulation.replay_reference import reference_replay

LEVELS = np.array([0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99])
N, T, HORIZON, BEFORE, MEAN, SD = 40, 12, 5, 8, 50.0, 15.0


def forecasts(n=N, n_periods=T, mean=MEAN, sd=SD):
    """Independent normal demand, the same at each review."""
    steps = np.arange(1, HORIZON + 1)
    one = np.maximum(mean + sd * norm.ppf(LEVELS), 0.0)
    sums = steps[:, None] * mean + np.sqrt(steps)[:, None] * sd * norm.ppf(LEVELS)
    shape = (n, n_periods)
    return ReviewForecasts(
        np.arange(n_periods), LEVELS, np.full(shape, HORIZON), np.broadcast_to(one, (*shape, HORIZON, LEVELS.size)),
        np.broadcast_to(np.maximum(sums, 0.0), (*shape, HORIZON, LEVELS.size)),
        np.broadcast_to(steps * mean, (*shape, HORIZON)), np.broadcast_to(np.sqrt(steps) * sd, (*shape, HORIZON)),
    )  # fmt: skip


def replay(n=N, n_periods=T, seed=1, lead=None, review=None, *, is_constrained=False, **given):
    random = np.random.default_rng(seed)
    lead = np.resize([0, 1, 2, 3], n) if lead is None else np.full(n, lead)
    review = np.resize([1, 1, 2], n) if review is None else np.full(n, review)
    law = (np.arange(lead.max() + 1) == lead[:, None]).astype(float)
    none, zeros = np.full(n, math.nan), np.zeros(n)
    words = (np.full(n, "R_S", dtype=object), np.full(n, "up", dtype=object))
    terms = OrderConstraints(*words, zeros, zeros, zeros, np.full(n, 6.0), none, none, none, none)
    values = {
        "demand": random.normal(MEAN, SD, (n, n_periods)).clip(0).round(), "before": np.full((n, BEFORE), MEAN),
        "forecasts": forecasts(n, n_periods),
        "opening": InitialStock(random.uniform(0, 150, n).round(), random.uniform(0, 60, (n, 2)).round()),
        "lead_time": lead, "lead_time_law": law, "review_period": review, "first_review": np.minimum(1, review - 1),
        "terms": terms, "fixed_cost": zeros, "holding_cost": none, "max_cover": none,
        "seeds": random.integers(-(2**62), 2**62, n), "score_from": 4, "world": UnmetDemand.LOST_SALES,
        "is_constrained": is_constrained,
    }  # fmt: skip
    return Replay(**{**values, **given})


def aim(level, n=N):
    return ServiceTarget(np.full(n, level), np.full(n, math.nan), np.full(n, math.nan))


def true_need(demand, lead, review):
    """What is missing in the arrival cycle when demand is known."""

    def shortfall(t, on_hand, due):
        path, x, need, wanted, supplied = [*demand[t:], *[0.0] * 9], on_hand, -math.inf, 0.0, 0.0
        for h in range(lead):
            x = max(x + due[h] - path[h], 0.0)
        x += due[lead]
        for h in range(lead, lead + review):
            wanted, supplied = wanted + path[h], supplied + (due[h] if h > lead else 0.0)
            need = max(need, wanted - supplied)
        return need - x

    return shortfall


def covering(known, level, lead, review):
    """Fixed cover: so many protection periods of the mean of the last 8 periods."""

    def shortfall(t, on_hand, due):
        recent = known[t : t + BEFORE]
        return level * (lead + review) * sum(recent) / BEFORE - on_hand - sum(due)

    return shortfall


def by_textbook(level, lead, review):
    def shortfall(t, on_hand, due):
        reach = lead + review
        return MEAN * reach + norm.ppf(level) * SD * math.sqrt(reach) - on_hand - sum(due)

    return shortfall


def by_policy(level, lead, review):
    """Of independent normal demand with a fixed lead time both textbooks and the base stock are one."""
    return by_textbook(level, lead, review)


RULES = {
    "textbook_policy": (
        lambda given: textbook_policy(given, 0.9),
        lambda given, i: by_policy(0.9, given.lead_time[i], given.review_period[i]),
    ),
    "base_stock": (
        lambda given: base_stock(given, 0.9),
        lambda given, i: by_policy(0.9, given.lead_time[i], given.review_period[i]),
    ),
    "nothing": (nothing, lambda *_: lambda *_: 0.0),
    "perfect": (perfect, lambda given, i: true_need(given.demand[i], given.lead_time[i], given.review_period[i])),
    "textbook": (
        lambda given: textbook(given, 0.9),
        lambda given, i: by_textbook(0.9, given.lead_time[i], given.review_period[i]),
    ),
    "fixed_cover": (
        lambda given: fixed_cover(given, 1.25),
        lambda given, i: covering(
            [*given.before[i], *given.demand[i]], 1.25, given.lead_time[i], given.review_period[i]
        ),
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_as_a_plain_loop(name):
    given = replay()
    decide, rule = RULES[name]
    found = given.run(decide(given))
    for i in range(N):
        lead, review = int(given.lead_time[i]), int(given.review_period[i])
        expected = reference_replay(
            list(given.demand[i]), float(given.opening.on_hand[i]), list(given.opening.arriving[i]), lead, review,
            int(given.first_review[i]), given.score_from, rule(given, i),
        )  # fmt: skip
        measured = (found.demanded[i], found.filled[i], found.on_hand_periods[i], found.ordered[i])
        assert measured == pytest.approx(tuple(expected.values()), abs=1e-6), (name, i)


def test_with_foresight_nothing_is_missed_that_an_order_could_help():
    given = replay(lead=2, review=1, n_periods=20)
    found = given.run(perfect(given))
    assert found.fill_rate == pytest.approx(np.ones(N))
    assert found.ordered.sum() <= given.demand[:, 4:].sum()


@pytest.mark.parametrize("level", [0.7, 0.9, 0.95])
def test_a_true_forecast_keeps_what_it_promises(level):
    given = replay(n=400, n_periods=40, lead=1, review=1, score_from=10)
    decide, expected = planned(given, aim(level, 400))
    found = given.run(decide)
    realised = found.cycles_without_stock_out.sum() / found.cycles.sum()
    assert realised == pytest.approx(level, abs=0.015)
    assert expected.without_stock_out.sum() / expected.cycles.sum() == pytest.approx(level, abs=0.01)
    assert (expected.cycles == found.cycles).all()


def test_more_service_is_more_stock():
    given = replay()
    stock = [given.run(planned(given, aim(level))[0]).on_hand_periods.sum() for level in (0.5, 0.8, 0.95)]
    assert stock == sorted(stock)


def test_what_happens_at_a_review_or_later_changes_no_order_before_it():
    given, late = replay(), replay()
    late.demand[:, 7:] = 3 * late.demand[:, 7:] + 11
    for decide in (lambda r: planned(r, aim(0.9))[0], lambda r: textbook(r, 0.9), lambda r: fixed_cover(r, 1.5)):
        one, other = ordered(given, decide(given)), ordered(late, decide(late))
        assert (one[:, :8] == other[:, :8]).all()
        assert (one[:, 8:] != other[:, 8:]).any()


def ordered(given, decide):
    """Orders of all periods."""
    orders = np.zeros(given.demand.shape)

    def kept(period, state):
        orders[:, period] = np.where(state.is_review, decide(period, state), 0.0)
        return orders[:, period]

    given.run(kept)
    return orders


def test_an_item_is_replayed_alike_whatever_stands_beside_it():
    given, rows = replay(), np.arange(5, 17)
    terms = given.terms.of(rows)
    arrays = {f.name: getattr(given, f.name) for f in dataclasses.fields(given)}
    own = {name: values[rows] for name, values in arrays.items() if isinstance(values, np.ndarray)}
    part = dataclasses.replace(
        given, **own, terms=terms, opening=InitialStock(given.opening.on_hand[rows], given.opening.arriving[rows]),
        forecasts=forecasts(rows.size),
    )  # fmt: skip
    whole = given.run(planned(given, aim(0.9))[0])
    alone = part.run(planned(part, aim(0.9, rows.size))[0])
    assert (whole.on_hand_periods[rows] == alone.on_hand_periods).all()


def test_packs_hold_only_where_constraints_do():
    tight, free = replay(is_constrained=True), replay()
    assert (ordered(tight, planned(tight, aim(0.9))[0]) % 6 == 0).all()
    assert (ordered(free, planned(free, aim(0.9))[0]) % 6 != 0).any()


def test_an_item_without_forecast_orders_nothing():
    unknown = forecasts()._replace(n_steps=np.zeros((N, T), dtype=np.int64))
    given = replay(forecasts=unknown)
    for decide in (planned(given, aim(0.9))[0], textbook(given, 0.9)):
        assert given.run(decide).ordered.sum() == 0


def test_with_backorders_the_position_is_raised_to_the_quantile():
    given = replay(world=UnmetDemand.BACKORDERS, lead=1, review=1, first_review=np.zeros(N, dtype=int))
    found = ordered(given, planned(given, aim(0.9))[0])
    level = 2 * MEAN + math.sqrt(2) * SD * norm.ppf(0.9)
    position = given.opening.on_hand + given.opening.arriving.sum(axis=1)
    assert found[:, 0] == pytest.approx(np.maximum(level - position, 0.0))


def test_with_backorders_the_position_is_raised_to_the_mixture_over_lead_times():
    """Demand N(50, 15), lead time 1 to 4: the quantile of 400,000 drawn sums, not that of the promised lead time."""
    law, random = np.array([0.0, 0.2, 0.3, 0.3, 0.2]), np.random.default_rng(4)
    given = replay(lead=4, review=1, world=UnmetDemand.BACKORDERS, lead_time_law=np.tile(law, (N, 1)))
    periods = random.choice(5, 400_000, p=law) + 1
    sums = random.normal(periods * MEAN, np.sqrt(periods) * SD)
    found = base_stocks(given, 0, np.arange(N), np.full(N, 0.9))
    assert found == pytest.approx(np.full(N, np.quantile(sums, 0.9)), rel=0.01)


def test_the_textbook_of_the_policy_knows_the_spread_of_the_lead_time():
    """Lead time 1 or 3, review 1: mean 3 periods of N(50, 15), variance 3·15² within and 50²·1 of the lead time."""
    law = np.tile([0.0, 0.5, 0.0, 0.5], (N, 1))
    given = replay(lead=3, review=1, lead_time_law=law)
    level = 3 * MEAN + norm.ppf(0.95) * math.sqrt(3 * SD**2 + MEAN**2)
    position = given.opening.on_hand + given.opening.arriving.sum(axis=1)
    found = ordered(given, textbook_policy(given, 0.95))[:, 0]
    assert found == pytest.approx(np.maximum(level - position, 0.0))


def test_known_need_in_words():
    """Two arrive in the next period, the order in the one after; the cycle lasts two periods."""
    demand, due = np.array([[5.0, 4.0, 3.0, 6.0]]), np.array([[0.0, 2.0, 0.0, 7.0]])
    lead, review = np.array([2]), np.array([2])
    assert known_need(demand, due, np.array([6.0]), (lead, review), is_lost=True) == 3.0
    assert known_need(demand, due, np.array([6.0]), (lead, review), is_lost=False) == 4.0


def test_stock_at_equal_fill_rate_is_read_from_the_sweep_and_not_beyond():
    fill, stock = np.array([[0.9, 0.8, 0.95]]), np.array([[200.0, 100.0, 400.0]])
    assert stock_at_fill(np.array([0.85]), fill, stock) == pytest.approx([150.0])
    assert np.isnan(stock_at_fill(np.array([0.97]), fill, stock)).all()


def test_samples_are_of_the_same_size_and_begin_with_the_parts_themselves():
    counts = resampled(30, 200, seed=3)
    assert (counts[0] == 1).all()
    assert (counts.sum(axis=1) == 30).all()
    assert counts[1:].var() == pytest.approx(1 - 1 / 30, abs=0.05)
    low, high = interval(counts[1:] @ np.arange(30.0) / 30)
    assert low < 14.5 < high
