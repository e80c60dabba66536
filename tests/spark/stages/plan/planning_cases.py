"""Inputs of a plan, made by hand (one case per item) and at random, on both sides of the decision date."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from pyspark.sql import SparkSession
from scipy.stats import poisson

from skucast.periods import MONDAY, DecisionClock, Frequency
from skucast.stages.lead_times.measurement import LeadTimeTerms, lead_times, supply
from skucast.stages.plan.parameters import PlanParameters
from skucast.stages.plan.planning import PlanInputs, Planned, plan
from skucast.tables import FORECAST, ORDER_PLAN, TABLES

Row = dict[str, Any]
LONDON = ZoneInfo("Europe/London")
INPUTS = ("forecast", "demand", "stock", "open_order", "receipt", "sales_line", "item", "item_location", "supplier")
BEFORE = {"order_plan_before": ORDER_PLAN, "forecast_before": FORECAST}
ALWAYS = date(1900, 1, 1)

WEEKLY = PlanParameters(
    decision_date=date(2011, 10, 3),
    frequency=Frequency.WEEK,
    review_anchor=MONDAY,
    max_stock_age_days=7,
    approval_expires_after_days=14,
    unmet_demand="backorders",
    defaults={
        "lead_time_days": 14, "lead_time_sd_days": 0, "review_period_days": 7, "cycle_service_level": 0.95,
        "holding_rate_per_year": 0.25, "fixed_cost": 0, "min_order_quantity": 0, "pack_size": 1,
    },
    class_targets={
        "A": {"cycle_service_level": 0.97}, "CZ": {"fill_rate": 0.9}, "X": {"fill_rate": 0.6},
        "BX": {"stockout_cost": 3.0},
    },
)  # fmt: skip
DAILY = replace(
    WEEKLY,
    decision_date=date(2011, 10, 5),
    frequency=Frequency.DAY,
    review_anchor=date(2011, 10, 2),
    unmet_demand="lost_sales",
    defaults={
        "lead_time_days": 2, "lead_time_sd_days": 1, "review_period_days": 3, "stockout_cost": 2.0, "fixed_cost": 10,
        "holding_rate_per_year": 0.3,
    },
    class_targets={},
)  # fmt: skip


def plan_of(spark: SparkSession, rows: dict[str, list[Row]], terms: PlanParameters) -> Planned:
    """The plan of rows with all their columns; what the stock of locations and prices do is left free if not given."""
    tables = {"location": [], "price_break": []} | rows
    frames = {name: TABLES[name].frame(spark, tables[name]) for name in (*INPUTS, "location", "price_break")}
    timing = LeadTimeTerms(terms.decision_date, terms.frequency, terms.defaults)
    supplied = supply(
        **{name: frames[name] for name in ("open_order", "receipt", "item_location", "supplier")}, terms=timing
    )
    past = {name: table.frame(spark, rows[name]) for name, table in BEFORE.items()}
    measured = lead_times(supplied.localCheckpoint(), timing)
    return plan(PlanInputs(**frames, **past, lead_times=measured), terms, "run-1")


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=LONDON)


class World:
    """Rows of all tables for one hand-made case per item; each case has the same forecast and an empty shelf."""

    def __init__(self, terms: PlanParameters) -> None:
        self.terms = terms
        self.D = terms.decision_date
        self.rows: dict[str, list[Row]] = {name: [] for name in (*INPUTS, *BEFORE)}

    def day(self, offset: int) -> date:
        return self.D + timedelta(days=offset)

    @property
    def complete(self) -> dict[str, list[Row]]:
        """All rows with all their columns, null where nothing was said."""
        tables = TABLES | BEFORE
        return {name: [{c: row.get(c) for c in tables[name].names} for row in of] for name, of in self.rows.items()}

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
                item, "x", self.terms, 24, lambda h: [8.0 * h, 10.0 * h, 52.0 * h / 3]
            )
        if stock is not None:
            self.add("stock", item, on_hand=stock)
        if listing:
            self.add("item_location", item, **listing)


def forecast_rows(
    item: str, location: str, terms: PlanParameters, horizon: int, quantiles: Callable[[int], list[float]],
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
    world.case("no lead time", lead_time_days=0.0, lead_time_sd_days=0.0)
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
        "approved and changed": {"decided_quantity": 3.0},
        "approved as nothing": {"decided_quantity": 0.0},
    }
    for item, columns in cases.items():
        world.case(item)
        add("order_plan_before", item, arrival_date=day(1), final_quantity=7.0, **columns)
    for item in ("approved and ordered", "approved and received"):
        add("open_order", item, order_id=item, ordered_on=day(-6), due_date=day(4), quantity=6.0)
    add("receipt", "approved and received", order_id="approved and received", received_on=day(-1), quantity=6.0)
    reference = {item: f"{item}/x/{day(-7)}" for item in ANSWERS}
    for item in ANSWERS:
        world.case(item)
        add("order_plan_before", item, arrival_date=day(1), final_quantity=7.0)

    def order(item: str, quantity: float, ordered: int = -6, named: str | None = None) -> None:
        add("open_order", item, ordered_on=day(ordered), due_date=day(3), quantity=quantity, reference=named)

    order("answered by reference", 99.0, -30, reference["answered by reference"])
    order("wrong reference", 5.0, named="PO-4711")
    order("the same reference twice", 7.0, named=reference["the same reference twice"])
    order("the same reference twice", 7.0, named=reference["the same reference twice"])
    order("ordered before the decision", 7.0, -8)
    add("order_plan_before", "two approved, one ordered", decision_date=day(-14), arrival_date=day(1),
        final_quantity=20.0)  # fmt: skip
    order("two approved, one ordered", 19.0, -5)
    add("order_plan_before", "names another", decision_date=day(-21), arrival_date=day(1), final_quantity=7.0)
    order("names another", 7.0, named=f"names another/x/{day(-21)}")
    add("receipt", "only the receipt", ordered_on=day(-6), received_on=day(-1), quantity=7.0)


ANSWERS = {
    "answered by reference": 99, "wrong reference": 5, "the same reference twice": 14, "only the receipt": 0,
    "ordered before the decision": 14, "two approved, one ordered": 19 + 7, "names another": 14,
}  # fmt: skip
"""Case of an approved proposal of 7 units and orders beside it → units on order."""


def supplier_cases(world: World) -> None:
    """Stated as one period, always three; and orders that nobody awaits, or that name no day."""
    period, day, add = world.terms.frequency.days, world.day, world.add
    world.case("always late", stock=10.0, supplier_id="tardy", lead_time_days=float(period))
    for n in range(10):
        placed = day(-30 - 5 * n)
        add("receipt", "always late", supplier_id="tardy", order_id=f"tardy {n}", quantity=5.0, ordered_on=placed,
            received_on=placed + timedelta(days=3 * period))  # fmt: skip
    placed = day(-max(1, period - 1))
    add("open_order", "always late", supplier_id="tardy", ordered_on=placed, quantity=30.0,
        due_date=placed + timedelta(days=period))  # fmt: skip
    for item, supplier in (("delivered short", "half"), ("delivered whole", "whole")):
        world.case(item, stock=10.0, supplier_id=supplier)
        for n in range(12):
            order = {"supplier_id": supplier, "order_id": f"{supplier} {n}", "ordered_on": day(-150 - 5 * n)}
            add("open_order", item, **order, quantity=10.0, due_date=day(-143 - 5 * n))
            add("receipt", item, **order, quantity=5.0 if supplier == "half" else 10.0, received_on=day(-143 - 5 * n))
        add("open_order", item, supplier_id=supplier, ordered_on=day(-6), quantity=60.0, due_date=day(1))
    for item, overdue in (("given up", 400), ("late for long", 90)):
        world.case(item)
        add("open_order", item, ordered_on=day(-overdue - 30), due_date=day(-overdue), quantity=100.0)
    world.case("no due date", lead_time_days=float(2 * period))
    add("open_order", "no due date", ordered_on=day(-1), quantity=6.0)


def review_cases(world: World) -> None:
    """A hundred reviews as usual: the stock is what the Poisson demand of one review left of the level."""
    if world.terms.frequency is not Frequency.WEEK:
        return
    levels = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
    for n in range(100):
        item, sold = f"as usual {n:02}", float(poisson.ppf((n + 0.5) / 100, 10))
        world.case(item, stock=float(poisson.ppf(0.99, 30)) - sold, forecast=False, cycle_service_level=0.99)
        world.rows["forecast"] += forecast_rows(
            item, "x", world.terms, 4, lambda h: poisson.ppf(levels, 10 * h).tolist(), levels
        )


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
    world.rows["forecast"] += forecast_rows("dead", "x", world.terms, 8, lambda _: [0.0] * 3, mean=0.0)
    world.add("item_location", "listed only")
    world.add("item_location", "listed later", valid_from=day(1))
    world.case("newer terms", lead_time_days=21.0, valid_from=day(-9))
    world.add("item_location", "newer terms", lead_time_days=7.0, valid_from=world.D)
    world.add("item_location", "newer terms", lead_time_days=70.0, valid_from=day(1))


def alert_cases(world: World) -> None:
    period = world.terms.frequency.days
    for item, stock in (("running out", 5.0), ("too much", 3000.0), ("sold now and then", 40.0), ("silent", 40.0),
                        ("unusual", 60.0), ("small shelf", 0.0), ("bulk", 60.0)):  # fmt: skip
        world.case(item, stock=stock, **({"max_stock": 20.0} if item == "small shelf" else {}))
        world.add("item", item, unit_cost=2.0, unit_price=5.0)
    world.case("idle", stock=10.0, forecast=False)
    world.rows["forecast"] += forecast_rows("idle", "x", world.terms, 8, lambda _: [0.0] * 3, mean=0.0)
    world.add("item", "idle", unit_cost=2.0)

    def sold(item: str, *demands: float | None) -> None:
        """Demand of the last periods, the newest one last."""
        for back, demand in enumerate(reversed(demands), 1):
            start, sales = world.day(-back * period), demand or 0.0
            world.add("demand", item, period_start=start, sales=sales, returns=0.0, demand=demand)

    for item in ("dead for years", "never sold", "new on the shelf", "back on the shelf"):
        world.case(item, stock=10.0)
        world.add("item", item, unit_cost=2.0)
    for item, back in (("dead for years", 430), ("back on the shelf", 430)):
        world.add(
            "demand", item, period_start=world.day(-period * (back // period)), sales=5.0, returns=0.0, demand=5.0
        )
    for item, back, on_hand in (
        ("never sold", 200, 10.0),
        ("new on the shelf", 30, 10.0),
        ("back on the shelf", 30, 0.0),
    ):
        world.add("stock", item, as_of=world.day(-back), on_hand=on_hand)
    sold("silent", *[10.0] * 20, *[0.0] * 6)
    sold("sold now and then", *[0.0, 0.0, 0.0, 0.0, 30.0] * 4, *[0.0] * 6)
    sold("unusual", *[10.0] * 20, 90.0)
    sold("bulk", *[10.0] * 20)
    newest = {"period_start": world.day(-period), "sales": 500.0, "demand": 500.0, "returns": 0.0}
    world.rows["demand"][-1] |= newest | {"exceptional": 490.0, "exceptional_reason": "bulk_order"}
    world.add("demand", "idle", period_start=world.day(-period * (300 // period)), sales=5.0, returns=0.0, demand=5.0)
    (row,) = forecast_rows("unusual", "x", world.terms, 1, lambda h: [8.0 * h, 10.0 * h, 17.0 * h])
    before = {"cutoff": world.day(-2 * period), "period_start": world.day(-period), "step": 1}
    world.rows["forecast_before"].append(row | before)


def provenance_cases(world: World) -> None:
    terms = {
        "lead_time_days": 14.0, "lead_time_sd_days": 0.0, "review_period_days": 7.0, "cycle_service_level": 0.95,
        "holding_cost": 1.0, "fixed_cost": 0.0, "min_order_quantity": 0.0, "pack_size": 1.0,
    }  # fmt: skip
    for item in ("measured", "a term left open", "simulated sale", "simulated later", "simulated order"):
        world.case(item, **terms)
    world.rows["item_location"][-4]["pack_size"] = None
    world.case("simulated stock", stock=None, **terms)
    world.add("stock", "simulated stock", on_hand=5.0, provenance="simulated")
    for item, on in (("simulated sale", -300), ("simulated later", 0)):
        world.add("sales_line", item, ordered_at=noon(world.day(on)), quantity=1.0, provenance="simulated")
    world.add("open_order", "simulated order", due_date=world.day(1), quantity=1.0, provenance="simulated")


class Chance:
    """Random rows around the decision date."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.rng = np.random.default_rng(seed)
        self.period = world.terms.frequency.days

    def add_items(self, count: int) -> None:
        for n in range(count):
            item = f"random {n:03}"
            self.masters(item, n)
            self.forecast(item)
            self.demand(item, n)
            self.stock(item)
            self.orders(item)
            self.sales(item)
            self.proposals(item)

    def maybe(self, value: Any, share: float = 0.5) -> Any:
        return value if self.rng.random() < share else None

    def around(self, past: int, future: int) -> date:
        return self.world.day(int(self.rng.integers(-past, future + 1)))

    def offsets(self, first: int, last: int, most: int) -> list[int]:
        """Up to ``most`` different days, first … last."""
        count = int(self.rng.integers(0, most + 1))
        return [int(day) for day in self.rng.choice(np.arange(first, last + 1), count, replace=False)]

    def one_of(self, *values: Any) -> Any:
        return values[self.rng.integers(len(values))]

    def origin(self) -> Any:
        return self.one_of("measured", None, None, None, "simulated")

    def masters(self, item: str, n: int) -> None:
        maybe, one_of = self.maybe, self.one_of
        for offset in self.offsets(-30, 20, 2):
            cost = maybe(float(self.rng.uniform(1, 9)), 0.8)
            self.world.add("item", item, unit_cost=cost, valid_from=self.world.day(offset))
        target = one_of(
            {}, {}, {"cycle_service_level": 0.9}, {"fill_rate": 0.97}, {"fill_rate": 0.2}, {"stockout_cost": 4.0}
        )
        terms = {
            "supplier_id": "s", "lead_time_days": maybe(one_of(0.0, 0.0, 5.0, 7.0, 10.0, 20.0) * self.period / 7, 0.7),
            "lead_time_sd_days": maybe(2.0), "review_period_days": maybe(one_of(1.0, 2.0) * self.period),
            "min_order_quantity": maybe(24.0, 0.3), "pack_size": maybe(one_of(1.0, 6.0, 0.1)),
            "fixed_cost": maybe(30.0), "holding_cost": maybe(0.05, 0.3), "do_not_order": maybe(True, 0.05),
            "active_from": maybe(self.around(5, 2), 0.1), "active_to": maybe(self.around(2, 5), 0.1),
        }  # fmt: skip
        if n % 5:
            valid_from = self.world.day(-100 - n)
            self.world.add("item_location", item, **terms, **target, valid_from=valid_from, provenance=self.origin())

    def forecast(self, item: str) -> None:
        mean = self.one_of(0.0, 0.7, 5.0, 20.0)
        spread = np.sort(self.rng.uniform(0.2, 2.5, 7))
        levels = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
        if self.rng.random() < 0.9:
            self.world.rows["forecast"] += forecast_rows(
                item, "x", self.world.terms, 6,
                lambda h: np.round(mean * h * (1 + (spread - 1) / math.sqrt(h)), 3).tolist(), levels, mean,
            )  # fmt: skip

    def demand(self, item: str, n: int) -> None:
        draws = self.rng.poisson(3, 60) if n % 3 else self.rng.poisson(0.3, 60) * 5
        for period, sales in enumerate(draws.astype(float)):
            start = self.world.day((3 - period) * self.period)
            price = self.maybe(2.5, 0.9) if sales else None
            demand = self.maybe(float(sales), 0.9)
            self.world.add(
                "demand", item, period_start=start, sales=float(sales), returns=0.0, demand=demand, unit_price=price,
            )  # fmt: skip

    def stock(self, item: str) -> None:
        for offset in self.offsets(-10, 4, 3):
            self.world.add(
                "stock", item, as_of=self.world.day(offset), on_hand=float(self.rng.integers(-5, 60)),
                reserved=self.maybe(2.0), backorders=self.maybe(3.0), provenance=self.origin(),
            )  # fmt: skip

    def orders(self, item: str) -> None:
        for _ in range(self.rng.integers(0, 4)):
            order = f"{item}/{len(self.world.rows['open_order'])}"
            self.world.add(
                "open_order", item, order_id=order, due_date=self.around(5, 40), ordered_on=self.around(20, 3),
                quantity=float(self.rng.integers(1, 20)), provenance=self.origin(),
            )  # fmt: skip
            for offset in self.offsets(-8, 3, 2):
                on, quantity = self.world.day(offset), float(self.rng.integers(1, 9))
                self.world.add("receipt", item, order_id=order, received_on=on, quantity=quantity)

    def sales(self, item: str) -> None:
        for _ in range(self.rng.integers(0, 8)):
            at = noon(self.around(10, 3))
            cancelled = self.maybe(at + timedelta(days=int(self.rng.integers(0, 5))), 0.3)
            quantity = self.one_of(-1.0, 1.0, 2.0, 8.0)
            self.world.add("sales_line", item, ordered_at=at, quantity=quantity, cancelled_at=cancelled)

    def proposals(self, item: str) -> None:
        for offset in self.offsets(-20, 2, 2):
            self.world.add(
                "order_plan_before", item, decision_date=self.world.day(offset), arrival_date=self.around(3, 20),
                final_quantity=self.one_of(0.0, 5.0), status=self.one_of("approved", "rejected", "ordered"),
                decided_at=noon(self.world.day(offset + 1)),
            )  # fmt: skip


def known_before(rows: dict[str, list[Row]], D: date) -> dict[str, list[Row]]:
    """The same rows as somebody had them on the morning of D: none dated later, no later cancellation or approval."""
    dated: dict[str, Callable[[Row], bool]] = {
        "stock": lambda r: r["as_of"] <= D,
        "open_order": lambda r: r["ordered_on"] < D,
        "receipt": lambda r: r["received_on"] < D,
        "sales_line": lambda r: r["ordered_at"].date() < D,
        "demand": lambda r: r["period_start"] < D,
        "item": lambda r: r["valid_from"] <= D,
        "item_location": lambda r: r["valid_from"] <= D,
        "order_plan_before": lambda r: r["decision_date"] < D and r["decided_at"] and r["decided_at"].date() < D,
    }
    kept = {table: [r for r in of if dated.get(table, lambda _: True)(r)] for table, of in rows.items()}
    lines = [
        r | {"cancelled_at": r["cancelled_at"] if r["cancelled_at"] and r["cancelled_at"].date() < D else None}
        for r in kept["sales_line"]
    ]
    return kept | {"sales_line": lines}
