"""The plan: its clock, its reasons and sentences, what it may not see, and the whole of it against plain loops."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from pyspark.sql import SparkSession

from skucast.periods import MONDAY, DecisionClock, Frequency
from skucast.tables import ORDER_PLAN, POLICY, TABLES
from skucast.tables.check import check
from skucast.transforms.planning import Planned, PlanTerms, plan
from tests.transforms.planning_reference import Key, Row, reference_plan

LONDON = ZoneInfo("Europe/London")
INPUTS = ("forecast", "demand", "stock", "open_order", "receipt", "sales_line", "item", "item_location", "supplier")
ALWAYS = date(1900, 1, 1)

WEEKLY = PlanTerms(
    decision_date=date(2011, 10, 3),
    frequency=Frequency.WEEK,
    review_anchor=MONDAY,
    max_stock_age_days=7,
    approval_expires_after_days=14,
    unmet_demand="lost_sales",
    defaults={
        "lead_time_days": 14, "lead_time_sd_days": 0, "review_period_days": 7, "cycle_service_level": 0.95,
        "holding_rate_per_year": 0.25, "fixed_cost": 0, "min_order_quantity": 0, "pack_size": 1,
    },
)  # fmt: skip
DAILY = replace(
    WEEKLY,
    decision_date=date(2011, 10, 5),
    frequency=Frequency.DAY,
    review_anchor=date(2011, 10, 2),
    unmet_demand="backorders",
    defaults=WEEKLY.defaults | {"lead_time_days": 2, "review_period_days": 3},
)


def run(spark: SparkSession, rows: dict[str, list[Row]], terms: PlanTerms) -> Planned:
    """Plan from rows that name only the columns that matter."""
    frames = {name: TABLES[name].frame(spark, rows.get(name, [])) for name in INPUTS}
    before = ORDER_PLAN.frame(spark, rows.get("order_plan_before", []))
    planned = plan(**frames, order_plan_before=before, terms=terms, run_id="run-1")
    planned.rows.persist()
    return planned


def collected(planned: Planned) -> dict[Key, Row]:
    """The rows of both tables, merged by item and location."""
    found: dict[Key, Row] = {}
    for frame in (planned.policy, planned.order_plan):
        for row in frame.collect():
            found.setdefault((row["item_id"], row["location_id"]), {}).update(row.asDict())
    return found


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=LONDON)


class World:
    """Rows of all tables for one hand-made case per item; each case has the same forecast and an empty shelf."""

    def __init__(self, terms: PlanTerms) -> None:
        self.terms = terms
        self.D = terms.decision_date
        self.rows: dict[str, list[Row]] = {name: [] for name in (*INPUTS, "order_plan_before")}

    def day(self, offset: int) -> date:
        return self.D + timedelta(days=offset)

    def add(self, table: str, item: str, **columns: Any) -> None:
        number = str(len(self.rows[table]))
        defaults: dict[str, dict[str, Any]] = {
            "stock": {"as_of": self.D, "on_hand": 0.0},
            "item_location": {"valid_from": ALWAYS},
            "item": {"valid_from": ALWAYS},
            "open_order": {"order_id": number, "line_id": "1", "ordered_on": self.day(-30)},
            "receipt": {"order_id": f"r{number}", "line_id": "1"},
            "sales_line": {"order_id": number, "line_id": "1"},
            "order_plan_before": {
                "decision_date": self.day(-7),
                "status": "approved",
                "decided_at": noon(self.day(-6)),
            },
        }
        self.rows[table].append({"item_id": item, "location_id": "x", **defaults.get(table, {}), **columns})

    def case(self, item: str, *, stock: float | None = 0.0, forecast: bool = True, **listing: Any) -> None:
        """Mean 10 a period; over h periods the quantiles 8h, 10h and 52h/3, so that 52 covers 3 periods at 95 %."""
        if forecast:
            self.rows["forecast"] += forecast_rows(
                item, "x", self.terms, 8, lambda h: [8.0 * h, 10.0 * h, 52.0 * h / 3]
            )
        if stock is not None:
            self.add("stock", item, on_hand=stock)
        if listing:
            self.add("item_location", item, **listing)


def forecast_rows(
    item: str, location: str, terms: PlanTerms, horizon: int, quantiles: Callable[[int], list[float]],
    levels: Sequence[float] = (0.05, 0.5, 0.95), mean: float = 10.0,
) -> list[Row]:  # fmt: skip
    clock = DecisionClock(terms.decision_date, terms.frequency)
    return [
        {
            "item_id": item, "location_id": location, "cutoff": clock.cutoff, "step": h,
            "period_start": clock.step_start(h), "quantile_levels": list(levels), "mean": mean,
            "quantiles": quantiles(1), "cumulative_mean": mean * h, "cumulative_sd": 3 * math.sqrt(h) if mean else 0.0,
            "cumulative_quantiles": quantiles(h), "spread_rung": "own", "method": "mean", "run_id": "run-0",
        }
        for h in range(1, horizon + 1)
    ]  # fmt: skip


def clock_cases(world: World) -> None:
    R, L = (1, 2) if world.terms.frequency is Frequency.WEEK else (3, 2)
    cover_until = DecisionClock(world.D, world.terms.frequency).cover_until(L, R)
    for item, due in (
        ("due on the last covered day", cover_until - timedelta(days=1)),
        ("due on cover_until", cover_until),
        ("due today", world.D),
        ("overdue", world.day(-1)),
    ):
        world.case(item)
        world.add("open_order", item, due_date=due, quantity=5.0)
    world.case("no lead time", lead_time_days=0.0)
    period = world.terms.frequency.days
    first_uncovered = world.day(R * period)
    world.add("open_order", "no lead time", due_date=first_uncovered, quantity=3.0)
    world.add("open_order", "no lead time", due_date=first_uncovered - timedelta(days=1), quantity=4.0)
    world.case("lead time of a day more", lead_time_days=float(L * period + 1))
    for k in (1, 2, 3, 4):
        world.case(f"review every {k}", review_period_days=float(k * period))


def stock_cases(world: World) -> None:
    day, add = world.day, world.add
    world.case("rolled forward", stock=None)
    add("stock", "rolled forward", as_of=day(-9), on_hand=500.0)
    add("stock", "rolled forward", as_of=day(-3), on_hand=20.0, reserved=1.0, backorders=2.0)
    add("stock", "rolled forward", as_of=day(1), on_hand=900.0)
    for on, quantity in ((-4, 50.0), (-3, 5.0), (0, 70.0)):
        add("receipt", "rolled forward", received_on=day(on), quantity=quantity)
    sold = (
        (noon(day(-4)), 30.0, None), (noon(day(-3)), 4.0, None), (noon(day(0)), 60.0, None),
        (noon(day(-1)), 40.0, noon(day(-1))), (noon(day(-1)), 2.0, noon(day(0))), (noon(day(-1)), -3.0, None),
        # Half past midnight in London is still the day before in UTC: the session's zone counts.
        (datetime(world.D.year, world.D.month, world.D.day, 0, 30, tzinfo=LONDON), 80.0, None),
        (datetime(world.D.year, world.D.month, world.D.day - 1, 23, 30, tzinfo=LONDON), 1.0, None),
    )  # fmt: skip
    for at, quantity, cancelled in sold:
        add("sales_line", "rolled forward", ordered_at=at, quantity=quantity, cancelled_at=cancelled)
    world.case("negative book value", stock=None)
    add("stock", "negative book value", as_of=day(-2), on_hand=-5.0)
    add("receipt", "negative book value", received_on=day(-1), quantity=3.0)
    world.case("oversold", stock=None)
    add("stock", "oversold", as_of=day(-2), on_hand=2.0)
    add("sales_line", "oversold", ordered_at=noon(day(-1)), quantity=6.0)
    world.case("partly received")
    add("open_order", "partly received", order_id="P1", due_date=day(1), quantity=10.0)
    for on, quantity in ((-2, 4.0), (0, 6.0)):
        add("receipt", "partly received", order_id="P1", received_on=day(on), quantity=quantity)
    world.case("ordered today")
    add("open_order", "ordered today", ordered_on=world.D, due_date=day(1), quantity=10.0)


def approval_cases(world: World) -> None:
    day, add = world.day, world.add
    cases: dict[str, dict[str, Any]] = {
        "approved": {},
        "approved today": {"decided_at": noon(world.D)},
        "approved and expired": {"decision_date": day(-15)},
        "rejected": {"status": "rejected"},
        "proposed": {"status": "proposed", "decided_at": None},
        "approved and ordered": {},
        "approved and received": {},
    }
    for item, columns in cases.items():
        world.case(item)
        add("order_plan_before", item, arrival_date=day(1), final_quantity=7.0, **columns)
    for item in ("approved and ordered", "approved and received"):
        add("open_order", item, order_id=item, due_date=day(1), quantity=6.0)
    add("receipt", "approved and received", order_id="approved and received", received_on=day(-1), quantity=6.0)


def reason_cases(world: World) -> None:
    day = world.day
    world.case("example", stock=30.0, holding_cost=1.0, fixed_cost=54.45, pack_size=12.0)
    world.case("minimum", stock=50.0, min_order_quantity=24.0, pack_size=12.0)
    world.case("minimum and pack", stock=50.0, min_order_quantity=25.0, pack_size=12.0)
    world.case("exact", stock=50.0, min_order_quantity=0.0, pack_size=0.5)
    world.case("at the reorder point", stock=52.0, holding_cost=1.0, fixed_cost=54.45)
    world.case("covered", stock=60.0)
    world.case("do not order", do_not_order=True, active_from=day(1))
    world.case("not yet", active_from=day(1), review_period_days=14.0)
    world.case("no longer", active_to=day(-1))
    world.case("first day", active_from=world.D, active_to=world.D)
    world.case("stale", stock=None)
    world.add("stock", "stale", as_of=day(-8), on_hand=30.0)
    world.case("just fresh", stock=None)
    world.add("stock", "just fresh", as_of=day(-7), on_hand=30.0)
    world.case("never counted", stock=None)
    world.case("no forecast", stock=5.0, forecast=False)
    world.case("dead", forecast=False)
    world.rows["forecast"] += forecast_rows("dead", "x", world.terms, 8, lambda h: [0.0] * 3, mean=0.0)
    world.add("item_location", "listed only")
    world.add("item_location", "listed later", valid_from=day(1))
    world.case("newer terms", lead_time_days=21.0, valid_from=day(-9))
    world.add("item_location", "newer terms", lead_time_days=7.0, valid_from=world.D)
    world.add("item_location", "newer terms", lead_time_days=70.0, valid_from=day(1))
    world.case("simulated", provenance="simulated", lead_time_days=14.0)


@pytest.fixture(scope="module", params=["W", "D"])
def world(spark: SparkSession, request: pytest.FixtureRequest) -> tuple[PlanTerms, dict[str, Row]]:
    terms = WEEKLY if request.param == "W" else DAILY
    made = World(terms)
    for cases in (clock_cases, stock_cases, approval_cases, reason_cases):
        cases(made)
    return terms, {item: row for (item, _), row in collected(run(spark, made.rows, terms)).items()}


class TestClock:
    def test_an_order_due_on_cover_until_does_not_count(self, world: tuple[PlanTerms, dict[str, Row]]) -> None:
        _, rows = world
        assert (rows["due on cover_until"]["on_order"], rows["due on cover_until"]["on_order_later"]) == (0, 5)
        last = rows["due on the last covered day"]
        assert (last["on_order"], last["on_order_later"], last["overdue"]) == (5, 0, 0)

    def test_an_overdue_order_counts_and_shows(self, world: tuple[PlanTerms, dict[str, Row]]) -> None:
        _, rows = world
        assert (rows["overdue"]["on_order"], rows["overdue"]["overdue"]) == (5, 5)
        assert "(on hand 0, on order 5, of which overdue 5)" in rows["overdue"]["explanation"]
        assert (rows["due today"]["on_order"], rows["due today"]["overdue"]) == (5, 0)

    def test_without_lead_time_the_order_is_on_hand_today(self, world: tuple[PlanTerms, dict[str, Row]]) -> None:
        terms, rows = world
        row, clock = rows["no lead time"], DecisionClock(terms.decision_date, terms.frequency)
        assert row["arrival_date"] == terms.decision_date
        assert row["protection_period"] == row["review_period"]
        assert row["cover_until"] == clock.cover_until(0, row["review_period"])
        assert (row["on_order"], row["on_order_later"]) == (4, 3)
        assert row["demand_mean"] == 10 * row["review_period"]

    def test_a_started_period_of_lead_time_is_a_whole_one(self, world: tuple[PlanTerms, dict[str, Row]]) -> None:
        terms, rows = world
        assert rows["lead time of a day more"]["lead_time"] == 3
        assert rows["due today"]["lead_time"] == 2
        assert rows["due today"]["arrival_date"] == terms.decision_date + timedelta(days=2 * terms.frequency.days)

    @pytest.mark.parametrize("k", [1, 2, 3, 4])
    def test_reviews_fall_on_the_anchor(self, world: tuple[PlanTerms, dict[str, Row]], k: int) -> None:
        terms, rows = world
        row, clock = rows[f"review every {k}"], DecisionClock(terms.decision_date, terms.frequency)
        is_review = clock.is_review(k, terms.review_anchor)
        assert (row["reason"] != "no_review") == is_review
        assert (row["final_quantity"] > 0) == is_review

    def test_newest_terms_in_force_hold(self, world: tuple[PlanTerms, dict[str, Row]]) -> None:
        terms, rows = world
        assert rows["newer terms"]["lead_time"] == (1 if terms is WEEKLY else 7)
        assert "listed later" not in rows
        assert rows["listed only"]["reason"] == "stock_unknown"


class TestPosition:
    def test_a_count_is_rolled_forward_to_the_decision(self, world: tuple[PlanTerms, dict[str, Row]]) -> None:
        terms, rows = world
        row = rows["rolled forward"]
        assert row["on_hand"] == 20 + 5 - 4 - 2 - 1
        assert row["stock_as_of"] == terms.decision_date - timedelta(days=3)
        assert row["inventory_position"] == 18 - 2 - 1

    def test_a_negative_book_value_is_nothing(self, world: tuple[PlanTerms, dict[str, Row]]) -> None:
        assert world[1]["negative book value"]["on_hand"] == 3

    def test_what_was_oversold_is_owed_only_with_backorders(self, world: tuple[PlanTerms, dict[str, Row]]) -> None:
        terms, rows = world
        row = rows["oversold"]
        assert row["on_hand"] == 0
        assert row["backorders"] == (4 if terms.unmet_demand == "backorders" else 0)
        assert row["inventory_position"] == -row["backorders"]

    def test_receipts_before_the_decision_close_an_order(self, world: tuple[PlanTerms, dict[str, Row]]) -> None:
        _, rows = world
        assert rows["partly received"]["on_order"] == 6
        assert rows["ordered today"]["on_order"] == 0

    @pytest.mark.parametrize(
        ("item", "on_order"),
        [("approved", 7), ("approved today", 0), ("approved and expired", 0), ("rejected", 0), ("proposed", 0),
         ("approved and ordered", 6), ("approved and received", 0)],
    )  # fmt: skip
    def test_an_approved_proposal_counts_until_it_shows_up(
        self, world: tuple[PlanTerms, dict[str, Row]], item: str, on_order: float
    ) -> None:
        assert world[1][item]["on_order"] == on_order


@pytest.fixture(scope="module")
def weekly(world: tuple[PlanTerms, dict[str, Row]]) -> dict[str, Row]:
    terms, rows = world
    if terms is not WEEKLY:
        pytest.skip("the sentences are checked once, on weeks")
    return rows


SENTENCES = {
    "example": "Order 48: the position 30 (on hand 30, on order 0) is at or below the reorder point 52, which covers "
    "demand of 3 periods with probability 95 %; up to 75 needs 45, raised to 48 by packs of 12.",
    "minimum": "Order 24: the position 50 (on hand 50, on order 0) is at or below the reorder point 52, which covers "
    "demand of 3 periods with probability 95 %; up to 52 needs 2, raised to 24 by the minimum order of 24.",
    "minimum and pack": "Order 36: the position 50 (on hand 50, on order 0) is at or below the reorder point 52, which "
    "covers demand of 3 periods with probability 95 %; up to 52 needs 2, raised to 36 by the minimum order of 25 and "
    "packs of 12.",
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
    def test_the_sentence_says_why(self, weekly: dict[str, Row], item: str) -> None:
        assert weekly[item]["explanation"] == SENTENCES[item]

    @pytest.mark.parametrize(
        ("item", "reason"),
        [("example", "below_reorder_point"), ("at the reorder point", "below_reorder_point"), ("covered", "covered"),
         ("do not order", "do_not_order"), ("not yet", "inactive"), ("no longer", "inactive"),
         ("first day", "below_reorder_point"), ("stale", "stock_unknown"), ("just fresh", "below_reorder_point"),
         ("never counted", "stock_unknown"), ("no forecast", "no_forecast"), ("dead", "covered")],
    )  # fmt: skip
    def test_the_first_obstacle_is_the_reason(self, weekly: dict[str, Row], item: str, reason: str) -> None:
        assert weekly[item]["reason"] == reason
        assert (weekly[item]["final_quantity"] > 0) == (reason == "below_reorder_point")

    @pytest.mark.parametrize(
        ("item", "quantity", "constraint"),
        [("example", 48, "pack_size"), ("minimum", 24, "min_order_quantity"), ("minimum and pack", 36, "pack_size"),
         ("exact", 2, "none"), ("at the reorder point", 23, "none"), ("covered", 0, "none")],
    )  # fmt: skip
    def test_the_constraint_that_set_the_quantity(
        self, weekly: dict[str, Row], item: str, quantity: float, constraint: str
    ) -> None:
        row = weekly[item]
        assert (row["final_quantity"], row["binding_constraint"]) == (pytest.approx(quantity), constraint)

    def test_unknown_stock_is_not_zero_stock(self, weekly: dict[str, Row]) -> None:
        for item in ("stale", "never counted", "listed only"):
            row = weekly[item]
            assert (row["on_hand"], row["inventory_position"], row["final_quantity"]) == (None, None, 0)

    def test_without_forecast_the_policy_is_empty(self, weekly: dict[str, Row]) -> None:
        row = weekly["no forecast"]
        assert (row["demand_mean"], row["reorder_point"], row["spread_rung"]) == (0, 0, "none")

    def test_a_default_term_names_the_provenance(self, weekly: dict[str, Row]) -> None:
        assert weekly["simulated"]["provenance"] == "default"


def random_rows(rng: np.random.Generator, terms: PlanTerms, n_items: int) -> dict[str, list[Row]]:
    """Every table filled at random around the decision date, on both sides of it."""
    made = World(terms)

    def days_around(past: int, future: int) -> date:
        return made.day(int(rng.integers(-past, future + 1)))

    def maybe(value: Any, share: float = 0.5) -> Any:
        return value if rng.random() < share else None

    def origin() -> Any:
        return rng.choice(["measured", "simulated", None], p=[0.5, 0.1, 0.4])

    for n in range(n_items):
        item, add = f"item{n:03}", made.add
        for _ in range(rng.integers(0, 3)):
            add(
                "item",
                item,
                unit_cost=maybe(float(rng.uniform(1, 9)), 0.8),
                valid_from=days_around(30, 30 + len(made.rows["item"])),
            )
        if rng.random() < 0.8:
            targets: list[dict[str, float]] = [
                {}, {}, {"cycle_service_level": 0.9}, {"fill_rate": 0.97}, {"stockout_cost": 4.0}, {"fill_rate": 0.2},
            ]  # fmt: skip
            add("item_location", item, supplier_id="s", lead_time_days=maybe(float(rng.choice([0, 0, 5, 7, 10, 20])) * terms.frequency.days / 7, 0.7),
                lead_time_sd_days=maybe(2.0), review_period_days=maybe(float(rng.choice([1, 2])) * terms.frequency.days),
                min_order_quantity=maybe(24.0, 0.3), pack_size=maybe(float(rng.choice([1, 6, 0.1]))), fixed_cost=maybe(30.0),
                holding_cost=maybe(0.05, 0.3), do_not_order=maybe(True, 0.05), active_from=maybe(days_around(5, 2), 0.1),
                active_to=maybe(days_around(2, 5), 0.1), valid_from=made.day(-100 - n), provenance=origin(),
                **targets[rng.integers(len(targets))])  # fmt: skip
        if rng.random() < 0.9:
            mean = float(rng.choice([0.0, 0.7, 5.0, 20.0]))
            spread = np.sort(rng.uniform(0.2, 2.5, 7))
            made.rows["forecast"] += forecast_rows(
                item, "x", terms, 6, lambda h, m=mean, w=spread: np.round(m * h * (1 + (w - 1) / math.sqrt(h)), 3).tolist(),
                levels=(0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98), mean=mean,
            )  # fmt: skip
        for period in range(1, 60):
            sales = float(rng.poisson(3)) if n % 3 else float(rng.poisson(0.3) * 5)
            add("demand", item, period_start=made.day((3 - period) * terms.frequency.days), sales=sales, returns=0.0,
                demand=None if rng.random() < 0.1 else sales, unit_price=2.5 if sales and rng.random() < 0.9 else None)  # fmt: skip
        for offset in rng.choice(np.arange(-10, 5), rng.integers(0, 4), replace=False):
            add("stock", item, as_of=made.day(int(offset)), on_hand=float(rng.integers(-5, 60)),
                reserved=maybe(2.0), backorders=maybe(3.0), provenance=origin())  # fmt: skip
        for _ in range(rng.integers(0, 4)):
            order = f"o{len(made.rows['open_order'])}"
            add("open_order", item, order_id=order, due_date=days_around(5, 40), ordered_on=days_around(20, 3),
                quantity=float(rng.integers(1, 20)), provenance=origin())  # fmt: skip
            for on in rng.choice(np.arange(-8, 4), rng.integers(0, 3), replace=False):
                add("receipt", item, order_id=order, received_on=made.day(int(on)), quantity=float(rng.integers(1, 9)))
        for _ in range(rng.integers(0, 8)):
            at = noon(days_around(10, 3))
            add("sales_line", item, ordered_at=at, quantity=float(rng.choice([-1, 1, 2, 8])),
                cancelled_at=maybe(at + timedelta(days=int(rng.integers(0, 5))), 0.3))  # fmt: skip
        for offset in rng.choice(np.arange(-20, 3), rng.integers(0, 3), replace=False):
            add("order_plan_before", item, decision_date=made.day(int(offset)), arrival_date=days_around(3, 20),
                final_quantity=float(rng.choice([0, 5])), status=str(rng.choice(["approved", "rejected", "ordered"])),
                decided_at=noon(made.day(int(offset) + 1)))  # fmt: skip
    for table, columns in made.rows.items():
        for row in columns:
            for name in ORDER_PLAN.names if table == "order_plan_before" else TABLES[table].names:
                row.setdefault(name, None)
    return made.rows


def before_decision(rows: dict[str, list[Row]], D: date) -> dict[str, list[Row]]:
    """The same rows as somebody would have had them on D: nothing dated later, no later cancellation."""
    dated = {
        "stock": lambda r: r["as_of"] <= D,
        "open_order": lambda r: r["ordered_on"] < D,
        "receipt": lambda r: r["received_on"] < D,
        "sales_line": lambda r: r["ordered_at"].date() < D,
        "demand": lambda r: r["period_start"] < D,
        "item": lambda r: r["valid_from"] <= D,
        "item_location": lambda r: r["valid_from"] <= D,
        "order_plan_before": lambda r: r["decision_date"] < D and r["decided_at"].date() < D,
    }
    kept = {table: [r for r in of if dated.get(table, lambda _: True)(r)] for table, of in rows.items()}
    for line in (lines := [dict(r) for r in kept["sales_line"]]):
        if line["cancelled_at"] and line["cancelled_at"].date() >= D:
            line["cancelled_at"] = None
    return kept | {"sales_line": lines}


RANDOM_TERMS = [
    replace(
        WEEKLY,
        class_targets={
            "A": {"cycle_service_level": 0.97},
            "CZ": {"fill_rate": 0.9},
            "X": {"fill_rate": 0.6},
            "BX": {"stockout_cost": 3.0},
        },
    ),  # fmt: skip
    replace(
        DAILY,
        defaults={
            "lead_time_days": 2,
            "review_period_days": 1,
            "stockout_cost": 2.0,
            "fixed_cost": 10,
            "holding_rate_per_year": 0.3,
            "lead_time_sd_days": 1,
        },
    ),  # fmt: skip
]


@pytest.mark.parametrize("terms", RANDOM_TERMS, ids=["weekly", "daily"])
def test_the_plan_is_that_of_plain_loops_which_see_nothing_later(spark: SparkSession, terms: PlanTerms) -> None:
    rows = random_rows(np.random.default_rng(20111003), terms, 60)
    known = before_decision(rows, terms.decision_date)
    assert all(len(known[table]) < len(rows[table]) for table in ("stock", "open_order", "receipt", "sales_line"))
    planned = run(spark, rows, terms)
    if terms.frequency is Frequency.WEEK:
        check(planned.policy, POLICY, "the policy")
        check(planned.order_plan, ORDER_PLAN, "the plan")
    found, expected = collected(planned), reference_plan(known, terms)
    assert set(found) == set(expected)
    differing = [
        (key, column, found[key][column], value)
        for key, row in expected.items()
        for column, value in row.items()
        if found[key][column] != (pytest.approx(value, rel=1e-9, abs=1e-9) if isinstance(value, float) else value)
    ]
    assert not differing, differing[:10]
    assert {row["reason"] for row in expected.values()} >= {
        "below_reorder_point",
        "covered",
        "stock_unknown",
        "no_forecast",
    }


def test_terms_need_durations_and_one_target() -> None:
    with pytest.raises(ValueError, match="exactly one of"):
        replace(WEEKLY, defaults=WEEKLY.defaults | {"fill_rate": 0.9})
    with pytest.raises(ValueError, match="defaults need lead_time_days"):
        replace(WEEKLY, defaults={"cycle_service_level": 0.9})
    with pytest.raises(ValueError, match="class A"):
        replace(WEEKLY, class_targets={"A": {}}).parameters  # noqa: B018 - computing them is what fails
