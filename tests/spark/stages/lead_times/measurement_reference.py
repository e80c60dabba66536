"""Lead times as plain loops, one item and location after the other: slow, and easy to check by eye."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import numpy as np
from scipy.stats import norm

from skucast.stages.lead_times.measurement import LeadTimeTerms

Row = dict[str, Any]
Key = tuple[str, str]
Law = list[tuple[float, float]]


def reference_evidence(inputs: dict[str, list[Row]], terms: LeadTimeTerms) -> list[Row]:
    """One row per delivery and per open rest of an order line."""
    if not terms.measured:
        return []
    D = terms.decision_date
    orders = {(r["order_id"], r["line_id"]): r for r in inputs["open_order"] if r["ordered_on"] < D}
    receipts = [r for r in inputs["receipt"] if r["received_on"] < D]
    got: dict[tuple[str, str], float] = {}
    for r in receipts:
        line = r["order_id"], r["line_id"]
        got[line] = got.get(line, 0.0) + r["quantity"]
    rows = []
    for r in receipts:
        line = r["order_id"], r["line_id"]
        order = orders.get(line, {})
        total = max(order.get("quantity", 0.0), got[line])
        of_order, shares = r | {"promised": _promised(order)}, (r["quantity"] / total, 0.0)
        ordered_on = r["ordered_on"] or order.get("ordered_on")
        supplier = r["supplier_id"] or order.get("supplier_id")
        rows.append(_evidence(of_order, ordered_on, supplier, r["received_on"], shares, inputs, terms))
    for line, r in orders.items():
        rest = r["quantity"] - got.get(line, 0.0)
        if rest > 1e-9:
            share = rest / r["quantity"]
            rows.append(
                _evidence(
                    r | {"promised": _promised(r)}, r["ordered_on"], r["supplier_id"], D, (0.0, share), inputs, terms
                )
            )
    oldest = D - timedelta(days=terms.window_days)
    return [row for row in rows if (row["ordered_on"] or row["seen_on"]) >= oldest]


def _promised(order: Row) -> int | None:
    return (order["due_date"] - order["ordered_on"]).days if order.get("due_date") else None


def _evidence(
    row: Row, ordered_on: date | None, supplier: str | None, seen_on: date, shares: tuple[float, float],
    inputs: dict[str, list[Row]], terms: LeadTimeTerms,
) -> Row:  # fmt: skip
    (arrived, still_open), late, days, overdue = shares, None, None, None
    if ordered_on is not None:
        days = (seen_on - ordered_on).days
        stated = _stated_on(ordered_on, row, inputs, terms)
        late, overdue = days - stated, days - (stated if row["promised"] is None else row["promised"])
    kind = "arrived" if arrived else "open"
    if ordered_on is None or days is None or late is None:
        kind = "without_order_date"
    elif days < 0:
        kind = "before_order"
    elif still_open and late > terms.max_days_late:
        kind = "given_up"
    capped, over = (None if n is None else min(n, terms.max_days_late) for n in (late, overdue))
    return {
        "item_id": row["item_id"], "location_id": row["location_id"], "supplier_id": supplier, "seen_on": seen_on,
        "order_id": row["order_id"], "ordered_on": ordered_on, "days_late": capped, "days_overdue": over,
        "arrived": arrived, "open": still_open, "kind": kind,
    }  # fmt: skip


def _statements(row: Row, inputs: dict[str, list[Row]], D: date) -> list[Row]:
    listed = [r for r in inputs["item_location"] if (r["item_id"], r["location_id"]) == _key(row)]
    return sorted((r for r in listed if r["valid_from"] <= D), key=lambda r: r["valid_from"])


def _stated_on(day: date, row: Row, inputs: dict[str, list[Row]], terms: LeadTimeTerms) -> float:
    statements = _statements(row, inputs, terms.decision_date)
    held = [r for r in statements if r["valid_from"] <= day] or statements
    chosen = (held[-1] if held[-1]["valid_from"] <= day else held[0])["lead_time_days"] if held else None
    return float(terms.defaults["lead_time_days"] or 0.0) if chosen is None else chosen


def _key(row: Row) -> Key:
    return row["item_id"], row["location_id"]


def product_limit(observed: Iterable[tuple[float, float, float]]) -> Law:
    """Kaplan–Meier by its definition: (days late, arrived, open); the last of all counts as arrived."""
    rows = list(observed)
    times = sorted({late for late, *_ in rows})
    rest, law = 1.0, []
    for t in times:
        awaited = sum(a for late, a, _ in rows if late >= t) + sum(o for late, _, o in rows if late > t)
        arrived = sum(a for late, a, _ in rows if late == t)
        share = rest * arrived / awaited if arrived else 0.0
        law.append((t, share))
        rest -= share
    law[-1] = law[-1][0], law[-1][1] + rest
    return law


def days_until_order(day: date, ordering_days: str | None) -> int:
    """Days to the first ordering day on or after a day."""
    allowed = {int(each) for each in (ordering_days or "").split(",") if each.strip()}
    return next((n for n in range(7) if (day + timedelta(days=n)).isoweekday() in allowed), 0)


def over_periods(law: Law, stated: float, offset: float, period_days: int) -> np.ndarray:
    """The law over whole periods."""
    shares: dict[int, float] = {}
    for late, share in law:
        periods = math.ceil(round((max(0.0, stated + late) + offset) / period_days, 9))
        shares[periods] = shares.get(periods, 0.0) + share
    return np.array([shares.get(n, 0.0) for n in range(max(shares) + 1)])


def cut(law: np.ndarray) -> np.ndarray:
    """What lies beyond 99.5 % arrives with the last of them."""
    last = next(n for n in range(law.size) if round(law[: n + 1].sum(), 9) >= 0.995)
    return np.array([*law[:last], law[last:].sum()])


def reference_lateness(inputs: dict[str, list[Row]], terms: LeadTimeTerms) -> dict[Key, Law]:
    """How late orders come against their due dates, per item and location that is listed or was ordered."""
    return {key: row["lateness"] for key, row in _all(inputs, terms).items()}


def reference_lead_times(inputs: dict[str, list[Row]], terms: LeadTimeTerms) -> dict[Key, Row]:
    """What ``lead_times`` should answer, but for ``lateness``."""
    return {key: {n: v for n, v in row.items() if n != "lateness"} for key, row in _all(inputs, terms).items()}


def _all(inputs: dict[str, list[Row]], terms: LeadTimeTerms) -> dict[Key, Row]:
    every = reference_evidence(inputs, terms)
    evidence = [r for r in every if r["kind"] in ("arrived", "open")]
    keys = {_key(r) for r in inputs["item_location"] if r["valid_from"] <= terms.decision_date}
    keys |= {_key(r) for r in every}
    listings = {key: _newest(key, inputs, terms, every) for key in keys}
    for row in evidence:
        row["delivered_by"] = row["supplier_id"] or listings[_key(row)]["supplier_id"]
    fifths = _delivered_fifths(inputs, terms, listings)
    return {
        key: _one(key, listing, evidence, inputs, terms) | {"delivered_fifths": fifths[listing["supplier_id"]]}
        for key, listing in listings.items()
    }


def _delivered_fifths(
    inputs: dict[str, list[Row]], terms: LeadTimeTerms, listings: dict[Key, Row]
) -> dict[str | None, list[float]]:
    """Of each supplier: how probable it is that the first, second, … fifth of an order line comes."""
    D, shares = terms.decision_date, defaultdict(list)
    lines = {(r["order_id"], r["line_id"]): r for r in inputs["open_order"] if r["ordered_on"] < D}
    receipts = defaultdict(list)
    for r in inputs["receipt"]:
        if r["received_on"] < D:
            receipts[r["order_id"], r["line_id"]].append(r)
    for name in {*lines, *receipts}:
        line, parts = lines.get(name), receipts[name]
        first = parts[0] if parts else {}
        dated = [r["ordered_on"] for r in parts if r["ordered_on"]] or [r["ordered_on"] for r in [line] if r]
        ordered = min(dated or [r["received_on"] for r in parts])
        due = (line or {}).get("due_date") or ordered + timedelta(days=math.ceil(terms.defaults["lead_time_days"] or 0))
        if terms.measured and ordered >= D - timedelta(days=terms.window_days) and (D - due).days > terms.max_days_late:
            got = sum(r["quantity"] for r in parts)
            key = _key(line or first)
            shares[listings[key]["supplier_id"]].append(min(1.0, round(got / line["quantity"], 9)) if line else 1.0)
    found: dict[str | None, list[float]] = defaultdict(lambda: [1.0] * 5)
    k = terms.shrinkage_receipts
    for supplier, seen in shares.items():
        if sum(share > 0 for share in seen) >= terms.min_receipts:
            came = [sum(min(1.0, max(0.0, 5 * share - n)) for share in seen) for n in range(5)]
            found[supplier] = [round((each + k) / (len(seen) + k), 6) for each in came]
    return found


def _newest(key: Key, inputs: dict[str, list[Row]], terms: LeadTimeTerms, evidence: list[Row]) -> Row:
    statements = _statements({"item_id": key[0], "location_id": key[1]}, inputs, terms.decision_date)
    listing = dict(statements[-1]) if statements else {}
    if listing.get("supplier_id") is None:
        named = [r for r in evidence if _key(r) == key and r["supplier_id"] is not None]
        listing["supplier_id"] = (
            max((r["ordered_on"] or date.min, r["supplier_id"]) for r in named)[1] if named else None
        )
    return listing


def _one(key: Key, listing: Row, evidence: list[Row], inputs: dict[str, list[Row]], terms: LeadTimeTerms) -> Row:
    def term(name: str) -> float:
        given = listing.get(name)
        return float((terms.defaults.get(name) or 0.0) if given is None else given)

    def orders(rows: list[Row]) -> int:
        return len({r["order_id"] for r in rows if r["arrived"] > 0 or r["days_late"] > 0})

    D, P, supplier = terms.decision_date, terms.frequency.days, listing["supplier_id"]
    conditions = [r for r in inputs["supplier"] if r["supplier_id"] == supplier and r["valid_from"] <= D]
    calendar = max(conditions, key=lambda r: r["valid_from"])["ordering_days"] if conditions else None
    R = max(1, math.ceil(round(term("review_period_days") / P, 9)))
    wait, next_wait = (days_until_order(D + timedelta(days=n), calendar) for n in (0, R * P))
    stated, offset = term("lead_time_days"), wait + term("safety_lead_time_days")
    own = [r for r in evidence if _key(r) == key and r["delivered_by"] == supplier]
    pool = [r for r in evidence if supplier is not None and r["delivered_by"] == supplier]
    n_own, n_pool = orders(own), orders(pool)
    enough, pooled = n_own >= terms.min_receipts, n_pool >= terms.min_receipts
    source = (
        "item" if enough else "supplier" if pooled else "row" if listing.get("lead_time_days") is not None else None
    )
    k = terms.shrinkage_receipts
    weight = (n_own / (n_own + k) if n_own else 0.0) if pooled else float(enough)
    sd = term("lead_time_sd_days")
    said = [(sd * z, 0.01) for z in norm.ppf((np.arange(100) + 0.5) / 100)] if sd else [(0.0, 1.0)]

    def mixture(against: str) -> Law:
        base = product_limit((r[against], r["arrived"], r["open"]) for r in pool) if pooled else said
        mine = product_limit((r[against], r["arrived"], r["open"]) for r in own) if own else base
        return [(late, s * weight) for late, s in mine] + [(late, s * (1 - weight)) for late, s in base]

    mixed = mixture("days_late")
    days = [max(0.0, stated + late) for late, _ in mixed]
    shares = [share for _, share in mixed]
    mean = float(np.dot(days, shares)) if source in ("item", "supplier") else stated
    spread = math.sqrt(float(np.dot((np.array(days) - mean) ** 2, shares)))
    return {
        "lead_time_days": mean,
        "lead_time_sd_days": spread if source in ("item", "supplier") else sd,
        "lead_time_source": source or "default",
        "lead_time_receipts": n_own if source == "item" else n_pool if source == "supplier" else 0,
        "ordering_wait_days": wait,
        "safety_lead_time_days": term("safety_lead_time_days"),
        "lead_time_law": cut(over_periods([m for m in mixed if m[1] > 0], stated, offset, P)).tolist(),
        "lead_time": math.ceil(round((mean + offset) / P, 9)),
        "review_period": R,
        "order_interval": max(1, math.ceil((R * P + next_wait - wait) / P)),
        "lateness": mixture("days_overdue"),
        "stated_days": stated,
        "stated_lead_time": math.ceil(round((stated + term("safety_lead_time_days")) / P, 9)),
    }
