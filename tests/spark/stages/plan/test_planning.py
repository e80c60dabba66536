"""The plan: its clock, its reasons and sentences, what it may not see, and the whole of it against plain loops."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from skucast.periods import DecisionClock
from skucast.stages.plan.health import inventory_health
from skucast.stages.plan.parameters import PlanParameters
from skucast.stages.plan.planning import Planned
from skucast.tables import ALERT, INVENTORY_HEALTH, ORDER_PLAN, POLICY, SERIES_STATUS, TABLES
from skucast.tables.check import check
from tests.spark.stages.plan.planning_cases import (
    ANSWERS,
    DAILY,
    INPUTS,
    WEEKLY,
    Chance,
    Row,
    World,
    alert_cases,
    approval_cases,
    clock_cases,
    known_before,
    plan_of,
    provenance_cases,
    reason_cases,
    review_cases,
    stock_cases,
    supplier_cases,
)
from tests.spark.stages.plan.planning_reference import Key, reference_plan


@dataclass(frozen=True)
class Decided:
    """One plan over the cases made by hand and the random ones, beside what plain loops say."""

    terms: PlanParameters
    found: dict[Key, Row]
    expected: dict[Key, Row]
    planned: Planned
    alerts: dict[str, dict[str, Row]]
    health: DataFrame

    @property
    def clock(self) -> DecisionClock:
        return DecisionClock(self.terms.decision_date, self.terms.frequency)

    def __getitem__(self, item: str) -> Row:
        return self.found[item, "x"]


def decide(spark: SparkSession, terms: PlanParameters, seed: int) -> Decided:
    """SQL is given everything, the loops only what was known before the decision date."""
    world = World(terms)
    for cases in (
        clock_cases, stock_cases, approval_cases, supplier_cases, reason_cases, provenance_cases, alert_cases,
        review_cases,
    ):  # fmt: skip
        cases(world)
    Chance(world, seed).add_items(60)
    rows = world.complete
    known = known_before(rows, terms.decision_date)
    later = ("stock", "open_order", "receipt", "sales_line", "demand", "item", "item_location", "order_plan_before")
    assert all(len(known[table]) < len(rows[table]) for table in later)
    frames = {name: TABLES[name].frame(spark, rows[name]) for name in INPUTS}
    planned = plan_of(spark, rows, terms)
    planned.rows.persist()
    alerts: dict[str, dict[str, Row]] = {}
    for row in planned.alert.collect():
        alerts.setdefault(row["item_id"], {})[row["kind"]] = row.asDict()
    held = {name: frames[name] for name in ("demand", "stock", "open_order")}
    held["series_status"] = SERIES_STATUS.frame(spark)
    health = inventory_health(planned.rows, **held, terms=terms, run_id="run-1")
    return Decided(terms, collected(planned), reference_plan(known, terms), planned, alerts, health)


def collected(planned: Planned) -> dict[Key, Row]:
    """The rows of both tables, merged by item and location."""
    found: dict[Key, Row] = {}
    for frame in (planned.policy, planned.order_plan):
        for row in frame.collect():
            found.setdefault((row["item_id"], row["location_id"]), {}).update(row.asDict())
    return found


@pytest.fixture(scope="module")
def weekly(spark: SparkSession) -> Decided:
    return decide(spark, WEEKLY, seed=20111003)


@pytest.fixture(scope="module")
def daily(spark: SparkSession) -> Decided:
    return decide(spark, DAILY, seed=20111005)


@pytest.fixture(params=["weekly", "daily"])
def world(request: pytest.FixtureRequest) -> Decided:
    decided = request.getfixturevalue(request.param)
    assert isinstance(decided, Decided)
    return decided


def test_the_plan_is_that_of_plain_loops_which_see_nothing_later(world: Decided) -> None:
    assert set(world.found) == set(world.expected)
    differing = [
        (key, column, world.found[key][column], value)
        for key, row in world.expected.items()
        for column, value in row.items()
        if world.found[key][column] != (pytest.approx(value, rel=1e-9, abs=1e-9) if isinstance(value, float) else value)
    ]
    assert not differing


def test_random_cases_reach_everything(weekly: Decided, daily: Decided) -> None:
    for column, least in (("reason", 7), ("binding_constraint", 3), ("target_kind", 3), ("target_source", 3),
                          ("abc_class", 4), ("provenance", 3)):  # fmt: skip
        values = {row[column] for world in (weekly, daily) for row in world.found.values()}
        assert len(values) >= least, (column, values)


def test_what_is_planned_keeps_the_contracts(weekly: Decided) -> None:
    check(weekly.planned.policy, POLICY, "the policy")
    check(weekly.planned.order_plan, ORDER_PLAN, "the plan")
    check(weekly.planned.alert, ALERT, "the alerts")
    check(weekly.health, INVENTORY_HEALTH, "the health")


class TestClock:
    def test_an_order_due_on_cover_until_does_not_count(self, world: Decided) -> None:
        assert (world["due on cover_until"]["on_order"], world["due on cover_until"]["on_order_later"]) == (0, 5)
        last = world["due on the last covered day"]
        assert (last["on_order"], last["on_order_later"], last["overdue"]) == (5, 0, 0)

    def test_an_overdue_order_counts_and_shows(self, world: Decided) -> None:
        assert (world["overdue"]["on_order"], world["overdue"]["overdue"]) == (5, 5)
        assert "(on hand 0, on order 5, of which overdue 5)" in world["overdue"]["explanation"]
        assert (world["due today"]["on_order"], world["due today"]["overdue"]) == (5, 0)

    def test_without_lead_time_the_order_is_on_hand_today(self, world: Decided) -> None:
        row = world["no lead time"]
        assert row["arrival_date"] == world.terms.decision_date
        assert row["protection_period"] == row["review_period"]
        assert row["cover_until"] == world.clock.cover_until(0, row["review_period"])
        assert (row["on_order"], row["on_order_later"]) == (4, 3)
        assert row["demand_mean"] == 10 * row["review_period"]

    def test_a_started_period_of_lead_time_is_a_whole_one(self, world: Decided) -> None:
        assert world["lead time of a day more"]["lead_time"] == 3
        assert world["due today"]["lead_time"] == 2
        assert world["due today"]["arrival_date"] == world.terms.decision_date + timedelta(
            days=2 * world.terms.frequency.days
        )

    @pytest.mark.parametrize("k", [1, 2, 3, 4])
    def test_reviews_fall_on_the_anchor(self, world: Decided, k: int) -> None:
        row = world[f"review every {k}"]
        is_review = world.clock.is_review(k, world.terms.review_anchor)
        assert (row["reason"] != "no_review") == is_review
        assert (row["final_quantity"] > 0) == is_review

    def test_newest_terms_in_force_hold(self, world: Decided) -> None:
        assert world["newer terms"]["lead_time"] == (1 if world.terms is WEEKLY else 7)
        assert ("listed later", "x") not in world.found
        assert world["listed only"]["reason"] == "stock_unknown"


class TestPosition:
    def test_a_count_is_rolled_forward_to_the_decision(self, world: Decided) -> None:
        row = world["rolled forward"]
        assert row["on_hand"] == 20 + 5 - 4 - 2 - 1
        assert row["stock_as_of"] == world.terms.decision_date - timedelta(days=3)
        assert row["inventory_position"] == 18 - 2 - 1

    def test_a_negative_book_value_is_nothing(self, world: Decided) -> None:
        assert world["negative book value"]["on_hand"] == 3

    def test_what_was_oversold_is_owed_only_with_backorders(self, world: Decided) -> None:
        row = world["oversold"]
        assert row["on_hand"] == 0
        assert row["backorders"] == (4 if world.terms.unmet_demand == "backorders" else 0)
        assert row["inventory_position"] == -row["backorders"]

    def test_receipts_before_the_decision_close_an_order(self, world: Decided) -> None:
        assert world["partly received"]["on_order"] == 6
        assert world["ordered today"]["on_order"] == 0

    @pytest.mark.parametrize(
        ("item", "on_order"),
        [("approved", 7), ("approved today", 0), ("approved and expired", 0), ("rejected", 0), ("proposed", 0),
         ("approved and ordered", 6), ("approved and received", 0), ("approved and changed", 3),
         ("approved as nothing", 0), *ANSWERS.items()],
    )  # fmt: skip
    def test_an_approved_proposal_counts_until_it_shows_up(self, world: Decided, item: str, on_order: float) -> None:
        assert world[item]["on_order"] == on_order

    def test_an_open_order_comes_as_late_as_its_supplier(self, weekly: Decided) -> None:
        """30 units due tomorrow by their paper come in 15 days, when 3 weeks' demand has met the 10 on hand."""
        row, levels, quantiles = weekly["always late"], [0, 0.05, 0.5, 0.95, 1], [24.0, 24, 30, 52, 52]
        tail = (52 - 30) / np.log(0.5 / 0.05)  # exponential beyond the outer quantile
        wanted = float(np.trapezoid(quantiles, levels)) + 0.05 * tail
        assert (row["lead_time"], row["on_order"]) == (3, 30)
        assert row["lost_before_arrival"] == pytest.approx(wanted - 10, abs=0.2)
        assert row["stock_at_arrival"] == pytest.approx(10 + 30 - wanted, abs=0.2)

    def test_who_delivers_half_is_expected_to_deliver_half(self, weekly: Decided) -> None:
        """Twelve lines came by half: with four whole ones believed before, the last two fifths come once in four."""
        short, whole = (weekly[f"delivered {what}"] for what in ("short", "whole"))
        assert (short["on_order"], whole["on_order"]) == (60, 60)
        missing = 60 * (1 - (1 + 1 + 0.625 + 0.25 + 0.25) / 5)
        at_arrival, lost = (
            [row[column] for row in (whole, short)] for column in ("stock_at_arrival", "lost_before_arrival")
        )
        assert missing == pytest.approx(at_arrival[0] - at_arrival[1] + lost[1] - lost[0], abs=1.0)

    def test_an_order_that_is_given_up_is_not_awaited(self, world: Decided) -> None:
        row, alert = world["given up"], world.alerts["given up"]["late_supplier"]
        assert (row["on_order"], row["overdue"], row["on_order_later"]) == (0, 0, 0)
        assert row["final_quantity"] == world["first day"]["final_quantity"] > 0
        assert (
            "(on hand 0, on order 0; 100 units that are 400 days overdue are no longer expected)" in row["explanation"]
        )
        assert alert["units"] == 100
        assert alert["explanation"] == (
            "100 units are up to 400 days overdue and no longer expected: ask for them, or close the order."
        )
        assert world["late for long"]["on_order"] == 100

    def test_an_order_without_a_day_is_due_when_the_stated_time_has_passed(self, world: Decided) -> None:
        assert (world["no due date"]["on_order"], world["no due date"]["overdue"]) == (6, 0)


SENTENCES = {
    "example": "Order 48: the position 30 (on hand 30, on order 0) is at or below the reorder point 52, which covers "
    "demand of 3 periods with probability 95 %. To reach 75, 45 more are needed, raised to 48 by packs of 12.",
    "minimum": "Order 24: the position 50 (on hand 50, on order 0) is at or below the reorder point 52, which covers "
    "demand of 3 periods with probability 95 %. To reach 52, 2 more are needed, raised to 24 by the minimum order of "
    "24.",
    "minimum and pack": "Order 36: the position 50 (on hand 50, on order 0) is at or below the reorder point 52, which "
    "covers demand of 3 periods with probability 95 %. To reach 52, 2 more are needed, raised to 25 by the minimum "
    "order of 25, raised to 36 by packs of 12.",
    "covered": "No order: the position 60 (on hand 60, on order 0) is above the reorder point 52, which covers demand "
    "of 3 periods with probability 95 %.",
    "dead": "No order: the position 0 (on hand 0, on order 0) is already at the order-up-to level 0.",
    "do not order": "No order: the item is marked do-not-order here; the position 0 (on hand 0, on order 0), the "
    "reorder point 52, which covers demand of 3 periods with probability 95 %.",
    "not yet": "No order: the item is replenished here only from 2011-10-04 on.",
    "no longer": "No order: the item is replenished here only until 2011-10-02.",
    "review every 4": "No order: no review on 2011-10-03; there is one every 4 periods, the next on 2011-10-17.",
    "stale": "No order: newest stock count is of 2011-09-25, 8 days before the decision, allowed are 7.",
    "never counted": "No order: no stock was counted up to 2011-10-03, and unknown stock is not zero stock.",
    "no forecast": "No order: no forecast says what would be needed; the position 5 (on hand 5, on order 0).",
}


class TestDecision:
    @pytest.mark.parametrize("item", list(SENTENCES))
    def test_the_sentence_says_why(self, weekly: Decided, item: str) -> None:
        assert weekly[item]["explanation"] == SENTENCES[item]

    @pytest.mark.parametrize(
        ("item", "reason"),
        [("example", "below_reorder_point"), ("at the reorder point", "below_reorder_point"), ("covered", "covered"),
         ("do not order", "do_not_order"), ("not yet", "inactive"), ("no longer", "inactive"),
         ("first day", "below_reorder_point"), ("stale", "stock_unknown"), ("just fresh", "below_reorder_point"),
         ("never counted", "stock_unknown"), ("no forecast", "no_forecast"), ("dead", "covered")],
    )  # fmt: skip
    def test_the_first_obstacle_is_the_reason(self, weekly: Decided, item: str, reason: str) -> None:
        assert weekly[item]["reason"] == reason
        assert (weekly[item]["final_quantity"] > 0) == (reason == "below_reorder_point")

    @pytest.mark.parametrize(
        ("item", "quantity", "constraint"),
        [("example", 48, "pack_size"), ("minimum", 24, "min_order_quantity"), ("minimum and pack", 36, "pack_size"),
         ("exact", 2, "none"), ("at the reorder point", 23, "none"), ("covered", 0, "none")],
    )  # fmt: skip
    def test_the_constraint_that_set_the_quantity(
        self, weekly: Decided, item: str, quantity: float, constraint: str
    ) -> None:
        row = weekly[item]
        assert (row["final_quantity"], row["binding_constraint"]) == (pytest.approx(quantity), constraint)

    def test_unknown_stock_is_not_zero_stock(self, weekly: Decided) -> None:
        for item in ("stale", "never counted", "listed only"):
            row = weekly[item]
            assert (row["on_hand"], row["inventory_position"], row["final_quantity"]) == (None, None, 0)

    def test_without_forecast_the_policy_is_empty(self, weekly: Decided) -> None:
        row = weekly["no forecast"]
        assert (row["demand_mean"], row["reorder_point"], row["spread_rung"]) == (0, 0, "none")

    @pytest.mark.parametrize(
        ("item", "provenance"),
        [("measured", "measured"), ("a term left open", "default"), ("simulated sale", "simulated"),
         ("simulated stock", "simulated"), ("simulated order", "simulated"), ("simulated later", "measured"),
         ("covered", "default")],
    )  # fmt: skip
    def test_the_weakest_input_names_the_provenance(self, weekly: Decided, item: str, provenance: str) -> None:
        assert weekly[item]["provenance"] == provenance


class TestAlerts:
    @pytest.mark.parametrize(
        ("item", "kind"),
        [("running out", "stock_out"), ("too much", "overstock"), ("silent", "phantom_stock"),
         ("unusual", "demand_anomaly"), ("small shelf", "service_below_promise"), ("idle", "dead_stock"),
         ("stale", "stock_unknown"), ("negative book value", "negative_stock"), ("overdue", "late_supplier"),
         ("dead for years", "dead_stock"), ("never sold", "dead_stock")],
    )  # fmt: skip
    def test_each_kind(self, world: Decided, item: str, kind: str) -> None:
        found = world.alerts[item][kind]
        assert found["units"] > 0
        assert world[item]["stock_status"] in world.alerts[item]

    @pytest.mark.parametrize(("item", "kind"), [("do not order", "stock_out"), ("idle", "stock_out"),
                                                ("idle", "overstock"), ("sold now and then", "phantom_stock"),
                                                ("no longer", "below_safety"), ("new on the shelf", "dead_stock"),
                                                ("back on the shelf", "dead_stock")])  # fmt: skip
    def test_silence(self, world: Decided, item: str, kind: str) -> None:
        assert kind not in world.alerts.get(item, {})

    def test_money_is_margin_at_stake(self, world: Decided) -> None:
        out = world.alerts["running out"]["stock_out"]
        assert out["money"] == pytest.approx(3 * out["units"])
        assert out["units"] == pytest.approx(world["running out"]["lost_before_arrival"])
        assert out["remedy_date"] == world["running out"]["arrival_date"]
        assert world.alerts["idle"]["dead_stock"]["money"] == 20
        assert world.alerts["unusual"]["demand_anomaly"]["money"] == 3 * 80

    def test_the_status_is_the_first_of_the_hierarchy(self, world: Decided) -> None:
        assert world["running out"]["stock_status"] == "stock_out"
        assert {"stock_out", "service_below_promise"} <= set(world.alerts["small shelf"])
        assert world["small shelf"]["stock_status"] == "stock_out"
        assert world["listed only"]["stock_status"] == "ok"

    def test_an_alert_says_what_it_is(self, weekly: Decided) -> None:
        assert weekly.alerts["unusual"]["demand_anomaly"]["explanation"] == (
            "Demand of the last period was 90, expected were 8 to 17."
        )
        assert weekly.alerts["overdue"]["late_supplier"]["explanation"] == "5 units are up to 1 day overdue."
        assert weekly.alerts["never sold"]["dead_stock"]["explanation"] == (
            "10 on hand, there at least since 2011-03-17 and never sold."
        )
        bulk = weekly.alerts["bulk"]["demand_anomaly"]
        assert (490.0, 3 * 490.0, None) == (bulk["units"], bulk["money"], bulk["probability"])
        assert bulk["explanation"].startswith("A bulk order made the period of ")
        assert bulk["explanation"].endswith("500 were sold: 490 of them are left out of what is planned for.")

    def test_dead_stock_has_its_value(self, world: Decided) -> None:
        for item in ("dead for years", "never sold"):
            assert (world.alerts[item]["dead_stock"]["units"], world.alerts[item]["dead_stock"]["money"]) == (10, 20)

    def test_a_review_as_usual_is_no_alarm(self, weekly: Decided) -> None:
        """Of a hundred in all, demand of the review before was 15 or more in 8; the safety stock is 13."""
        flagged = {n: weekly.alerts.get(f"as usual {n:02}", {}) for n in range(100)}
        low = [n for n, kinds in flagged.items() if {"below_safety", "stock_out"} & set(kinds)]
        assert 4 <= len(low) <= 8
        assert low == list(range(100 - len(low), 100))
        assert "below_safety" in flagged[96]

    def test_a_silence_has_the_probability_of_the_rule_of_succession(self, weekly: Decided) -> None:
        """None of 20 periods was empty: by simulation, of shares that are as likely as any and fit to that, six are."""
        silent = weekly.alerts["silent"]["phantom_stock"]
        share = np.random.default_rng(7).beta(1, 21, 2_000_000)
        assert silent["probability"] == pytest.approx(float(np.mean(share**6)), rel=0.05)

    def test_overstock_costs_what_keeping_it_costs_until_it_is_sold(self, weekly: Decided) -> None:
        """Week by week: kept today, less what would be kept without the excess."""
        row, alert = weekly["too much"], weekly.alerts["too much"]["overstock"]
        usual = row["order_up_to_level"] + 10 * 90 / 7
        weeks = np.arange(0, 400, 0.001)
        kept = (np.maximum(3000 - 10 * weeks, 0) - np.maximum(usual - 10 * weeks, 0)).sum() * 0.001
        assert alert["units"] == pytest.approx(3000 - usual)
        assert alert["money"] == pytest.approx(min(row["holding_cost"] * kept, 2 * (3000 - usual)), rel=1e-3)


def test_terms_need_durations_and_one_target() -> None:
    with pytest.raises(ValueError, match="exactly one of"):
        replace(WEEKLY, defaults=WEEKLY.defaults | {"fill_rate": 0.9})
    with pytest.raises(ValueError, match="defaults need lead_time_days"):
        replace(WEEKLY, defaults={"cycle_service_level": 0.9})
    with pytest.raises(ValueError, match="class A"):
        replace(WEEKLY, class_targets={"A": {}}).parameters  # noqa: B018 - computing them is what fails
