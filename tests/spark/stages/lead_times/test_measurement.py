"""Lead times: what deliveries tell, what follows from it, and that it is nearer the truth than its parts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from skucast.errors import ContractError
from skucast.periods import Frequency
from skucast.stages.lead_times.measurement import LeadTimeTerms, evidence_counts, lead_times, supply
from skucast.tables import SUPPLIER, TABLES
from skucast.tables.check import check
from tests.spark.stages.lead_times.measurement_reference import (
    Key,
    Row,
    reference_evidence,
    reference_lateness,
    reference_lead_times,
)

pytestmark = pytest.mark.spark

D = date(2011, 10, 5)
TERMS = LeadTimeTerms(
    D,
    Frequency.DAY,
    {"lead_time_days": 14.0, "lead_time_sd_days": 0.0, "safety_lead_time_days": 0.0, "review_period_days": 7.0},
    min_receipts=3,
)
INPUTS = ("open_order", "receipt", "item_location", "supplier")


class Orders:
    """Rows of the four tables, with short ways to write them."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {name: [] for name in INPUTS}

    def add(self, table: str, **columns: Any) -> None:
        self.rows[table].append({name: columns.get(name) for name in TABLES[table].names})

    def held(self, item: str, supplier: str | None = "S", **terms: Any) -> None:
        row = {"valid_from": date(1900, 1, 1), "location_id": "x", **terms}
        self.add("item_location", item_id=item, supplier_id=supplier, **row)

    def supplier(self, supplier: str, ordering_days: str | None, valid_from: date = date(1900, 1, 1)) -> None:
        self.add("supplier", supplier_id=supplier, ordering_days=ordering_days, valid_from=valid_from)

    def order(
        self, item: str, ago: int, *received: tuple[int, float], quantity: float = 10.0, supplier: str | None = "S",
        order: str | None = None,
    ) -> None:  # fmt: skip
        """An order placed so many days ago; what was received, so many days after it, and how much."""
        number = order or f"{item}/{len(self.rows['open_order'])}"
        line = {"order_id": number, "line_id": str(len(self.rows["open_order"])), "item_id": item, "location_id": "x"}
        placed = D - timedelta(days=ago)
        line |= {"supplier_id": supplier, "ordered_on": placed}
        self.add("open_order", **line, due_date=placed, quantity=quantity)
        for after, units in received:
            self.add("receipt", **line, received_on=placed + timedelta(days=after), quantity=units)


def differing(found: dict[Key, Row], expected: dict[Key, Row]) -> list[Any]:
    return [
        (key, column, found[key][column], value)
        for key, row in expected.items()
        for column, value in row.items()
        if found[key][column] != (pytest.approx(value, abs=1e-6) if isinstance(value, float | list) else value)
    ]


def measure(spark: SparkSession, rows: dict[str, list[Row]], terms: LeadTimeTerms = TERMS) -> dict[Key, Row]:
    frames = {name: TABLES[name].frame(spark, rows[name]) for name in INPUTS}
    found = lead_times(supply(**frames, terms=terms).localCheckpoint(), terms)
    rows = {(row["item_id"], row["location_id"]): row.asDict() for row in found.collect()}
    return {key: row | {"lateness": row["lateness"] and by_day(row["lateness"])} for key, row in rows.items()}


def by_day(lateness: Iterable[tuple[float, float]]) -> list[float]:
    """Each day of lateness and its share, one after the other."""
    shares: dict[float, float] = {}
    for days, share in lateness:
        shares[days] = shares.get(days, 0.0) + share
    return [number for days in sorted(shares) if shares[days] > 0 for number in (days, shares[days])]


def by_chance(seed: int) -> Orders:  # noqa: C901 - one branch per kind of chance
    """Suppliers with and without calendar, items of one, of several, of none, and orders of every fate."""
    orders, rng = Orders(), np.random.default_rng(seed)
    for name, days in (("A", "1,4"), ("B", None), ("C", " "), ("E", "3")):
        orders.supplier(name, days)
    orders.supplier("A", "2", D)
    orders.supplier("B", "7", D + timedelta(days=1))

    def maybe(value: Any, share: float = 0.5) -> Any:
        return value if rng.random() < share else None

    def one_of(*values: Any) -> Any:
        return values[rng.integers(len(values))]

    orders.held("stated only", "nobody", lead_time_days=5.0)
    orders.held("nothing stated", "nobody")
    for n in range(40):
        item = f"item {n:02}"
        for valid_from in (D - timedelta(days=400), D - timedelta(days=30), D + timedelta(days=1)):
            if rng.random() < 0.6:
                orders.held(
                    item, one_of("A", "B", "C", "unknown", None), valid_from=valid_from,
                    lead_time_days=maybe(one_of(0.0, 0.3, 5.0, 20.5)), lead_time_sd_days=maybe(one_of(0.0, 4.0)),
                    safety_lead_time_days=maybe(2.5), review_period_days=maybe(one_of(1.0, 10.0)),
                )  # fmt: skip
        for _ in range(rng.integers(0, 16)):
            ago, quantity = int(rng.choice([-1, 2, 9, 40, 150, 400])), float(rng.integers(1, 20))
            parts = [(int(rng.integers(-2, 60)), float(rng.integers(1, 12))) for _ in range(rng.integers(0, 3))]
            parts = list(dict(parts).items())
            supplier = one_of("A", "B", "C", None)
            orders.order(
                item, ago, *parts, quantity=quantity, supplier=supplier, order=maybe(f"PO{ago}{supplier}", 0.6)
            )
    for row in orders.rows["receipt"]:
        row["ordered_on"] = maybe(row["ordered_on"])
    orders.rows["open_order"] = [row for row in orders.rows["open_order"] if rng.random() < 0.9]
    return orders


@pytest.mark.parametrize(
    "terms",
    [
        TERMS,
        replace(TERMS, decision_date=date(2011, 10, 3), frequency=Frequency.WEEK, max_days_late=20.0, window_days=100),
        replace(TERMS, measured=False),
        replace(TERMS, min_receipts=1, shrinkage_receipts=0.0),
    ],
)
def test_lead_times_are_those_of_plain_loops(spark: SparkSession, terms: LeadTimeTerms) -> None:
    rows = by_chance(7).rows
    expected, found = reference_lead_times(rows, terms), measure(spark, rows, terms)
    assert set(found) == set(expected)
    assert not differing(found, expected)
    late = {key: {"lateness": by_day(of)} for key, of in reference_lateness(rows, terms).items()}
    assert not differing(found, {key: row for key, row in late.items() if found[key]["lateness"] is not None})
    assert {row["lead_time_source"] for row in found.values()} >= (
        {"item", "supplier", "row", "default"}
        if terms is TERMS
        else {"row", "default"}
        if not terms.measured
        else set()
    )


def test_every_delivery_and_rest_is_counted_once(spark: SparkSession) -> None:
    rows = by_chance(8).rows
    frames = {name: TABLES[name].frame(spark, rows[name]) for name in INPUTS}
    found = {row["kind"]: row["n"] for row in evidence_counts(supply(**frames, terms=TERMS)).collect()}
    kinds = [row["kind"] for row in reference_evidence(rows, TERMS)]
    assert found == {kind: kinds.count(kind) for kind in set(kinds)}
    assert set(found) == {"arrived", "open", "before_order", "without_order_date", "given_up"}


@pytest.fixture(scope="module")
def cases(spark: SparkSession) -> dict[Key, Row]:
    """Made by hand: stated as 10 days, decided on a Wednesday."""
    orders = Orders()
    orders.supplier("monday and thursday", "1, 4")
    orders.supplier("sunday", "7")
    for supplier in ("unknown", "monday and thursday", "sunday"):
        orders.held(supplier, supplier, lead_time_days=10.0)
    orders.held("safety", "monday and thursday", lead_time_days=0.3, safety_lead_time_days=2.5, review_period_days=1.0)
    orders.held("late rest", "late rest", lead_time_days=10.0)
    for ago in (100, 90, 80):
        orders.order("late rest", ago, (10, 9.0), (40, 1.0), supplier="late rest")
    orders.held("stopped", "stopped", lead_time_days=10.0)
    for ago in (70, 60, 50):
        orders.order("stopped", ago, supplier="stopped")
    orders.held("cut", "cut", lead_time_days=10.0)
    for ago in (200, 190, 180, 170):
        orders.order("cut", ago, (10, 9.0), supplier="cut")
    orders.order("cut", 50, (10, 1.0), supplier="cut")
    orders.held("newly stated", "newly", lead_time_days=10.0)
    orders.held("newly stated", "newly", lead_time_days=25.0, valid_from=D - timedelta(days=1))
    for ago in (100, 90, 80):
        orders.order("newly stated", ago, (11, 10.0), supplier="newly")
    orders.order("not listed", 50, (3, 10.0), supplier="newly")
    return measure(spark, orders.rows)


@pytest.mark.parametrize(
    ("item", "column", "value"),
    [
        ("unknown", "ordering_wait_days", 0),
        ("unknown", "lead_time", 10),
        ("monday and thursday", "ordering_wait_days", 1),
        ("monday and thursday", "lead_time", 11),
        ("sunday", "ordering_wait_days", 4),
        # Wednesday to Thursday to, decided on the next Thursday, the same day; and 0.3 days are a day.
        ("safety", "lead_time", 4),
        ("safety", "lead_time_law", [0, 0, 0, 0, 1]),
        ("safety", "order_interval", 1),
        ("unknown", "lead_time_source", "row"),
        ("not listed", "lead_time_source", "supplier"),
        ("newly stated", "lead_time_source", "item"),
        ("newly stated", "lead_time_receipts", 3),
        # Four lines of ten came without their last unit, four whole ones are believed; one may still be completed.
        ("cut", "delivered_fifths", [1, 1, 1, 1, 0.75]),
        ("unknown", "delivered_fifths", [1, 1, 1, 1, 1]),
        # A tenth of each line came a month late.
        ("late rest", "lead_time_days", 13.0),
        ("late rest", "lead_time_sd_days", 9.0),
        # Nothing came of orders that are 70, 60 and 50 days old: it is no sooner than 70 days.
        ("stopped", "lead_time_days", 70.0),
        ("stopped", "lead_time_source", "item"),
    ],
)
def test_cases_made_by_hand(cases: dict[Key, Row], item: str, column: str, value: Any) -> None:
    assert cases[item, "x"][column] == (pytest.approx(value) if isinstance(value, float | list) else value)


def test_a_new_statement_holds_from_its_first_day(cases: dict[Key, Row]) -> None:
    """A day late against 10 days is a day late against 25, but for what the unlisted item of the supplier adds."""
    row = cases["newly stated", "x"]
    own, supplier = 26.0, 25 + (3 * 1 + (3 - 14)) / 4
    assert row["lead_time_days"] == pytest.approx((3 * own + 4 * supplier) / 7)


def test_nothing_dated_on_the_decision_date_or_later_is_used(spark: SparkSession) -> None:
    rows = by_chance(9).rows
    early = {
        "open_order": [row for row in rows["open_order"] if row["ordered_on"] < D],
        "receipt": [row for row in rows["receipt"] if row["received_on"] < D],
        "item_location": [row for row in rows["item_location"] if row["valid_from"] <= D],
        "supplier": [row for row in rows["supplier"] if row["valid_from"] <= D],
    }
    assert all(len(early[name]) < len(rows[name]) for name in INPUTS)
    assert not differing(measure(spark, rows), measure(spark, early))


def test_ordering_days_are_iso_weekdays(spark: SparkSession) -> None:
    rows = [{"supplier_id": days, "valid_from": date(1900, 1, 1), "ordering_days": days} for days in ("1,4", " 7 ", "")]
    check(SUPPLIER.frame(spark, rows), SUPPLIER, "suppliers")
    for days in ("8", "mon", "1,", "1;4", "0"):
        wrong = {"supplier_id": "S", "valid_from": date(1900, 1, 1), "ordering_days": days}
        with pytest.raises(ContractError, match="ordering_days_valid"):
            check(SUPPLIER.frame(spark, [wrong]), SUPPLIER, "suppliers")
