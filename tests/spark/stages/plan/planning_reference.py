"""The plan as plain loops, one item and location after the other: slow, and easy to check by eye."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from skucast.inventory.lead_time.lead_time import stated_law
from skucast.inventory.projection.net_requirement import ProjectionInputs, ServiceTarget, UnsureReceipts, outlook
from skucast.periods import DecisionClock, to_periods
from skucast.stages.lead_times.measurement import LeadTimeTerms
from skucast.stages.plan.parameters import PlanParameters
from tests.spark.stages.lead_times.measurement_reference import reference_lateness, reference_lead_times
from tests.spark.stages.plan.planning_cases import Row

Key = tuple[str, str]
Law = list[tuple[float, float]]


class Due(NamedTuple):
    """Goods on order: when they are due, how many, by when half has come, and days from the decision with chances."""

    due_date: date
    quantity: float
    expected_on: date
    days: Law


def reference_plan(inputs: dict[str, list[Row]], terms: PlanParameters) -> dict[Key, Row]:
    """What ``plan`` should answer, per item and location: the columns that can be computed independently."""
    D = terms.decision_date
    keys = {_key(r) for r in inputs["item_location"] if r["valid_from"] <= D}
    keys |= {_key(r) for r in inputs["forecast"]} | {_key(r) for r in inputs["stock"] if r["as_of"] <= D}
    classes = _classes(inputs, D)
    rules = LeadTimeTerms(D, terms.frequency, terms.defaults)
    timing, lateness = reference_lead_times(inputs, rules), reference_lateness(inputs, rules)
    of = {key: (timing.get(key), lateness.get(key, []), *classes.get(key, ("N", "N"))) for key in sorted(keys)}
    return {key: _one(key, inputs, terms, *more) for key, more in of.items()}


def _key(row: Row) -> Key:
    return row["item_id"], row["location_id"]


def _of(key: Key, rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if _key(row) == key]


def _newest(rows: list[Row], by: str, D: date) -> Row:
    return max((row for row in rows if row[by] <= D), key=lambda row: row[by], default={})


def _classes(inputs: dict[str, list[Row]], D: date) -> dict[Key, tuple[str, str]]:
    last_year = [r for r in inputs["demand"] if D - timedelta(days=365) <= r["period_start"] < D]
    values, xyz, costs, prices, sold = {}, {}, {}, {}, {}
    for key in {_key(r) for r in last_year}:
        rows = _of(key, last_year)
        cost = _newest([r for r in inputs["item"] if r["item_id"] == key[0]], "valid_from", D).get("unit_cost")
        priced = [r for r in rows if r["unit_price"] is not None and r["sales"] > 0]
        price = np.average([r["unit_price"] for r in priced], weights=[r["sales"] for r in priced]) if priced else None
        costs[key], prices[key], sold[key] = cost, price, sum(r["sales"] for r in rows)
        known = [r["demand"] for r in rows if r["demand"] is not None]
        mean = np.mean(known) if known else 0
        variation = np.std(known) / mean if mean > 0 else None
        xyz[key] = "N" if variation is None else "X" if variation < 0.5 else "Y" if variation < 1 else "Z"
    both = [key for key in sold if costs[key] and prices[key]]
    markup = sum(sold[k] * prices[k] for k in both) / sum(sold[k] * costs[k] for k in both) if both else 1.0
    for key, n in sold.items():
        values[key] = n * (prices[key] or (costs[key] or 0) * markup)
    abc, before, total = {}, 0.0, sum(values.values())
    for key in sorted(values, key=lambda k: (-values[k], k)):
        share = before / total if values[key] > 0 else None
        abc[key] = "N" if share is None else "A" if share < 0.8 else "B" if share < 0.95 else "C"
        before += values[key]
    return {key: (abc[key], xyz[key]) for key in values}


def _one(
    key: Key, inputs: dict[str, list[Row]], terms: PlanParameters, timing: Row | None, lateness: Law, abc: str, xyz: str
) -> Row:
    D, P = terms.decision_date, terms.frequency.days
    listing = _newest(_of(key, inputs["item_location"]), "valid_from", D)
    item = _newest([r for r in inputs["item"] if r["item_id"] == key[0]], "valid_from", D)

    def term(name: str) -> Any:
        return listing.get(name) if listing.get(name) is not None else terms.defaults.get(name)

    timing = timing or _of_defaults(terms)
    law, L, R = timing["lead_time_law"], timing["lead_time"], timing["review_period"]
    clock = DecisionClock(D, terms.frequency)
    cover_until = clock.cover_until(L, R)
    rate, cost = term("holding_rate_per_year"), item.get("unit_cost")
    h = listing.get("holding_cost") or (rate * cost * P / 365 if rate and cost else None)
    kind, wanted, source = _target(listing, terms, abc, xyz, h)

    steps = {r["step"]: r for r in _of(key, inputs["forecast"])}
    d = steps[max(steps)]["cumulative_mean"] / max(steps) if steps else 0.0
    mixed = _mixture(steps, law, R), _mixture(steps, law, 0)
    eoq = math.sqrt(2 * term("fixed_cost") * d / h) if term("fixed_cost") and h else None
    lot = _per_order(
        R * d, max(R * d, eoq or 0.0, *_forced(term("min_order_quantity"), term("pack_size"), steps)), terms
    )
    overage = max(R, lot / d if d else 0.0) + (0.2 * L if terms.unmet_demand == "lost_sales" else 0.0)
    s, level, fill, mean, sd = _reorder_point(*mixed, lot, kind, wanted, overage * h if h else None)
    S = s + max(0.0, (eoq or 0.0) - R * d)
    average = max(0.0, s - mean) + max(eoq or 0.0, R * d) / 2

    stock = _stock(key, inputs, terms)
    due, _ = _due(key, inputs, terms, timing, lateness)
    on_order = sum(each.quantity for each in due if each.expected_on < cover_until)
    position = None if stock is None else stock["on_hand"] + on_order - stock["backorders"] - stock["reserved"]
    need, at_arrival = _need(steps, law, R, (kind, wanted, level, lot), stock, due, terms, timing)
    shortfall = s - (position or 0.0) if terms.unmet_demand == "backorders" else need
    reason = _reason(listing, clock, R, terms, position, steps, shortfall, S - s)
    raw = shortfall + S - s if reason == "below_reorder_point" else 0.0
    room = max(0.0, listing["max_stock"] - at_arrival) if listing.get("max_stock") else math.inf
    final = _taken(raw, term("min_order_quantity") or 0.0, term("pack_size"), room)
    return {
        "lead_time": L, "review_period": R, "demand_mean": mean, "demand_sd": sd, "mean_per_period": d,
        "target_kind": kind, "target_source": source,
        "cycle_service_level": level, "fill_rate": fill,
        "reorder_point": s, "order_up_to_level": S, "economic_order_quantity": eoq, "safety_stock": s - mean,
        "safety_stock_textbook": _textbook(level, steps, law, R, d * timing["lead_time_sd_days"] / P),
        "abc_class": abc, "xyz_class": xyz, "holding_cost": h,
        "annual_holding_cost": None if h is None else h * 365 / P * average,
        "turnover": d * 365 / P / average if average else None,
        "days_of_cover": position * P / d if position is not None and d and position * P <= 3650 * d else None,
        "supplier_id": listing.get("supplier_id"), "inventory_position": position,
        **(stock or {"on_hand": None, "backorders": None, "reserved": None, "stock_as_of": None}),
        "on_order": on_order, "overdue": sum(each.quantity for each in due if each.due_date < D),
        "on_order_later": sum(each.quantity for each in due if each.expected_on >= cover_until),
        "raw_quantity": raw, "final_quantity": final, "reason": reason, "arrival_date": clock.arrival_date(L),
        "cover_until": cover_until, "value": final * cost if cost else None,
    }  # fmt: skip


def _taken(raw: float, minimum: float, pack: float | None, room: float) -> float:
    wanted = 0.0 if raw <= 0 else max(raw, minimum)
    packed = math.ceil(round(wanted / pack, 9)) * pack if pack else wanted
    if packed <= room:
        return packed
    return math.floor(round(room / pack, 9)) * pack if pack else room


def _target(listing: Row, terms: PlanParameters, abc: str, xyz: str, h: float | None) -> tuple[str, float, str]:
    names = {"cycle_service_level": "cycle_service_level", "fill_rate": "fill_rate", "stockout_cost": "cost"}
    asked = [(listing, "row"), *((terms.class_targets.get(c, {}), "class") for c in (abc + xyz, abc, xyz))]
    for given, source in (*asked, (terms.defaults, "default")):
        for name, kind in names.items():
            if given.get(name) is not None:
                if kind != "cost" or h is not None:
                    return kind, given[name], source
                default = [(names[n], v, "default") for n, v in terms.defaults.items() if n in names and v is not None]
                return default[0] if default[0][0] != "cost" else ("cycle_service_level", 0.95, "default")
    raise AssertionError


def _of_defaults(terms: PlanParameters) -> Row:
    lead, sd, review = (
        terms.defaults[name] or 0.0 for name in ("lead_time_days", "lead_time_sd_days", "review_period_days")
    )
    return {
        "lead_time_law": stated_law(lead, sd, 0.0, terms.frequency.days), "lead_time_sd_days": sd,
        "lead_time": to_periods(lead, terms.frequency), "review_period": max(1, to_periods(review, terms.frequency)),
    }  # fmt: skip


def _mixture(steps: dict[int, Row], law: Sequence[float], after: int) -> Row | None:
    """Demand until so many periods after a random arrival, by its distribution function."""
    if not steps:
        return None
    zero = dict.fromkeys(("cumulative_mean", "cumulative_sd"), 0.0)
    nothing = {**steps[1], **zero, "cumulative_quantiles": [0.0] * len(steps[1]["quantile_levels"])}
    parts = [(w, steps[min(n + after, max(steps))] if n + after else nothing) for n, w in enumerate(law) if w > 0]
    if not after and law[0] == 1:
        return None
    p = steps[1]["quantile_levels"]
    mean = sum(w * part["cumulative_mean"] for w, part in parts)
    spread = sum(w * (part["cumulative_sd"] ** 2 + (part["cumulative_mean"] - mean) ** 2) for w, part in parts)
    mixed = [mixture_quantile(level, p, [(w, part["cumulative_quantiles"]) for w, part in parts]) for level in p]
    sd = math.sqrt(spread)
    return {"quantile_levels": p, "cumulative_quantiles": mixed, "cumulative_mean": mean, "cumulative_sd": sd}


def _textbook(
    level: float, steps: dict[int, Row], law: Sequence[float], R: int, sd_of_lead_time: float
) -> float | None:
    if not steps or not 0 < level < 1:
        return None
    variances = [w * steps[min(n + R, max(steps))]["cumulative_sd"] ** 2 for n, w in enumerate(law) if w > 0]
    return float(stats.norm.ppf(level) * math.hypot(math.sqrt(sum(variances)), sd_of_lead_time))


def mixture_quantile(level: float, p: list[float], parts: list[tuple[float, list[float]]]) -> float:
    """The smallest value, a whole one of whole laws, that a share of ``level`` does not exceed: by halving."""
    whole = all(x == round(x) for _, q in parts for x in q)

    def share(x: float) -> float:
        rest = 1 - sum(w for w, _ in parts)
        return sum(w * _share(x + 0.5 * whole, p, q) for w, q in parts) + (rest if x >= 0 else 0.0)

    if len(parts) == 1 and parts[0][0] >= 1 - 1e-9:
        return parts[0][1][p.index(level)]
    low = float(min(q[0] for _, q in parts))
    if share(low) >= level - 1e-12:
        return low
    high = low + 1.0
    while share(high) < level - 1e-12:
        high = low + 2 * (high - low)
    if whole:
        return next(low + n for n in range(int(high - low) + 1) if share(low + n) >= level - 1e-12)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (low, middle) if share(middle) >= level - 1e-12 else (middle, high)
    return high


def _per_order(review: float, lot: float, terms: PlanParameters) -> float:
    return lot + (1.5 * min(review, lot - review) if terms.unmet_demand == "lost_sales" else 0.0)


def _forced(minimum: float | None, pack: float | None, steps: dict[int, Row]) -> list[float]:
    sums = [x for row in steps.values() for x in row["cumulative_quantiles"]]
    unit = 1.0 if sums and all(x == round(x) for x in sums) else 0.0
    return [x for x in (minimum, pack) if x and x > unit]


def _tail(p: list[float], q: list[float]) -> float:
    """Mean excess beyond the outer quantile: from it to the nearest lower quantile with four times the tail."""
    values = sorted(set(q))
    tails = {x: [1 - level for level, each in zip(p, q, strict=True) if each == x] for x in values}
    below = [x for x in values[:-1] if max(tails[x]) >= 4 * (1 - p[-1]) - 1e-12]
    if not below:
        return 0.0
    inner, outer = (math.sqrt(max(each) * min(each)) for each in (tails[below[-1]], tails[values[-1]]))
    return (q[-1] - below[-1]) / math.log(inner / outer)


def _share(x: float, p: list[float], q: list[float]) -> float:
    if x < q[0]:
        return 0.0
    if x >= q[-1]:
        tail = _tail(p, q)
        return 1 - (1 - p[-1]) * math.exp(-(x - q[-1]) / tail) if tail > 0 else 1.0
    i = max(n for n in range(len(q)) if q[n] <= x)
    return p[i] + (p[i + 1] - p[i]) * (x - q[i]) / (q[i + 1] - q[i])


def _is_whole(q: list[float]) -> bool:
    return all(x == round(x) for x in q)


def _quantile(level: float, p: list[float], q: list[float]) -> float:
    x = float(np.interp(level, p, q))
    if level > p[-1]:
        x = q[-1] + _tail(p, q) * math.log((1 - p[-1]) / (1 - level))
    return math.ceil(x - 0.5 - 1e-9) if _is_whole(q) else x


def _reorder_point(
    row: Row | None, before: Row | None, lot: float, kind: str, wanted: float, overage: float | None
) -> tuple[float, float, float | None, float, float]:
    level = wanted / (wanted + overage) if kind == "cost" and overage is not None else wanted
    if row is None or row["cumulative_mean"] == 0:
        sd = row["cumulative_sd"] if row else 0.0
        return 0.0, 1.0 if kind == "fill_rate" else level, wanted if kind == "fill_rate" else None, 0.0, sd
    p, q = row["quantile_levels"], row["cumulative_quantiles"]
    review = row["cumulative_mean"] - (before["cumulative_mean"] if before else 0.0)
    demand = max(review, lot)

    def fill(s: float) -> float:
        short = _shortage(s, p, q) - (_shortage(s, p, before["cumulative_quantiles"]) if before else 0.0)
        return min(1.0, max(0.0, 1 - short / demand)) if demand > 0 else 1.0

    if kind == "fill_rate":
        low, high = q[0] - 1, 100 * q[-1] + 100
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (low, middle) if fill(middle) >= wanted else (middle, high)
        s = max(math.ceil(round(high, 6)) if _is_whole(q) else high, q[0])
        return (
            s,
            max(p[0], _share(s + 0.5 * _is_whole(q), p, q)),
            min(wanted, fill(s)),
            row["cumulative_mean"],
            row["cumulative_sd"],
        )
    level = max(level, p[0])
    s = _quantile(level, p, q)
    return s, level, fill(s) if review > 0 else None, row["cumulative_mean"], row["cumulative_sd"]


def _shortage(s: float, levels: list[float], quantiles: list[float]) -> float:
    low = math.floor(s)
    if _is_whole(quantiles) and s > low:  # of whole demand it runs straight between whole stocks
        return (low + 1 - s) * _shortage(low, levels, quantiles) + (s - low) * _shortage(low + 1, levels, quantiles)
    p, v = [0.0, *levels], [quantiles[0], *quantiles]
    crossings = [
        p[i] + (s - v[i]) / (v[i + 1] - v[i]) * (p[i + 1] - p[i])
        for i in range(len(p) - 1)
        if (v[i] - s) * (v[i + 1] - s) < 0
    ]
    grid, tail = np.sort([*p, *crossings]), _tail(levels, quantiles)
    # Beyond the outer quantile a whole law has the mean excess of a geometric one, rounded half up.
    mean_excess = 1 / (2 * math.sinh(0.5 / tail)) if tail > 0 and _is_whole(quantiles) else tail
    excess = max(v[-1] - s, 0.0) + (mean_excess * math.exp(min(v[-1] - s, 0.0) / tail) if tail > 0 else 0.0)
    return float(np.trapezoid(np.maximum(0, np.interp(grid, p, v) - s), grid)) + (1 - levels[-1]) * excess


def _stock(key: Key, inputs: dict[str, list[Row]], terms: PlanParameters) -> Row | None:
    D = terms.decision_date
    count = _newest(_of(key, inputs["stock"]), "as_of", D)
    if not count or (D - count["as_of"]).days > terms.max_stock_age_days:
        return None
    book = max(0.0, count["on_hand"])
    book += sum(r["quantity"] for r in _of(key, inputs["receipt"]) if count["as_of"] <= r["received_on"] < D)
    for line in _of(key, inputs["sales_line"]):
        cancelled = line["cancelled_at"] is not None and line["cancelled_at"].date() < D
        if line["quantity"] > 0 and count["as_of"] <= line["ordered_at"].date() < D and not cancelled:
            book -= line["quantity"]
    owed = max(0.0, -book) if terms.unmet_demand == "backorders" else 0.0
    return {
        "stock_as_of": count["as_of"],
        "on_hand": max(0.0, book),
        "backorders": (count["backorders"] or 0.0) + owed,
        "reserved": count["reserved"] or 0.0,
    }


def _due(
    key: Key, inputs: dict[str, list[Row]], terms: PlanParameters, timing: Row, lateness: Law
) -> tuple[list[Due], list[Due]]:
    """What is awaited, and what is given up."""
    D, due = terms.decision_date, []
    for line in _of(key, inputs["open_order"]):
        if line["ordered_on"] < D:
            got = sum(
                r["quantity"]
                for r in inputs["receipt"]
                if (r["order_id"], r["line_id"]) == (line["order_id"], line["line_id"]) and r["received_on"] < D
            )
            if line["quantity"] - got > 1e-9:
                day = line["due_date"] or line["ordered_on"] + timedelta(days=math.ceil(timing["stated_days"]))
                due.append(_arriving(day, line["quantity"] - got, lateness, D))
    around = [((n - timing["lead_time"]) * terms.frequency.days, w) for n, w in enumerate(timing["lead_time_law"])]
    due += [_arriving(row["arrival_date"], q, around, D) for row, q in _unanswered(key, inputs, terms)]
    late = [each for each in due if (D - each.due_date).days > terms.max_days_late]
    return [each for each in due if each not in late], late


def _arriving(due_date: date, quantity: float, lateness: Law, D: date) -> Due:
    """Days from D on which it may come, with their probabilities, and the first by which half of them have passed."""
    until = (due_date - D).days
    days = sorted((until + n, w) for n, w in lateness if w > 1e-9 and until + n > (1e-9 if until < 0 else -1e-9))
    days = days or [(1.0 if until < 0 else until, 1.0)]
    total, passed = sum(w for _, w in days), 0.0
    for n, w in days:
        passed += w / total
        if passed >= 0.5 - 1e-9:
            return Due(due_date, quantity, D + timedelta(days=math.ceil(n)), [(m, v / total) for m, v in days])
    raise AssertionError


def _unanswered(key: Key, inputs: dict[str, list[Row]], terms: PlanParameters) -> list[tuple[Row, float]]:
    """Approved proposals that no order names or, among those placed in their time, comes nearest to."""
    D, wait = terms.decision_date, timedelta(days=terms.approval_expires_after_days)
    proposals = [r for r in _of(key, inputs["order_plan_before"]) if r["decision_date"] < D]
    names = {f"{r['item_id']}/{r['location_id']}/{r['decision_date']}": r["decision_date"] for r in proposals}
    standing = {}
    for row in proposals:
        said_yes = row["status"] in ("approved", "ordered") and row["decided_at"] and row["decided_at"].date() < D
        quantity = row["final_quantity"] if row["decided_quantity"] is None else row["decided_quantity"]
        if said_yes and D - wait <= row["decision_date"] and quantity > 0:
            standing[row["decision_date"]] = row, quantity
    pairs = []
    for line, order in _bought(key, inputs, D).items():
        for day, (_, quantity) in standing.items():
            named = names.get(order["reference"] or "")
            if named == day or (named is None and day <= order["ordered_on"] <= day + wait):
                pairs.append((0 if named == day else 1, abs(order["quantity"] - quantity), day, line))
    used: set[Any] = set()
    for _, _, day, line in sorted(pairs):
        if day in standing and line not in used:
            used.add(line)
            del standing[day]
    return list(standing.values())


def _bought(key: Key, inputs: dict[str, list[Row]], D: date) -> dict[tuple[str, str], Row]:
    """Order lines placed before D, those of which only receipts are known among them."""
    found = {(r["order_id"], r["line_id"]): r for r in _of(key, inputs["open_order"]) if r["ordered_on"] < D}
    came: dict[tuple[str, str], list[Row]] = {}
    for r in _of(key, inputs["receipt"]):
        if r["received_on"] < D:
            came.setdefault((r["order_id"], r["line_id"]), []).append(r)
    for line, rows in came.items():
        placed = min((r["ordered_on"] for r in rows if r["ordered_on"]), default=min(r["received_on"] for r in rows))
        named = max((r["reference"] for r in rows if r["reference"]), default=None)
        found.setdefault(line, {"ordered_on": placed, "quantity": sum(r["quantity"] for r in rows), "reference": named})
    return found


def _reason(
    listing: Row,
    clock: DecisionClock,
    R: int,
    terms: PlanParameters,
    position: float | None,
    steps: dict[int, Row],
    shortfall: float,
    surplus: float,
) -> str:
    D = clock.decision_date
    first, last = listing.get("active_from") or date.min, listing.get("active_to") or date.max
    obstacles = {
        "do_not_order": bool(listing.get("do_not_order")),
        "inactive": not first <= D <= last,
        "no_review": not clock.is_review(R, terms.review_anchor),
        "stock_unknown": position is None,
        "no_forecast": not steps,
    }
    for reason, holds in obstacles.items():
        if holds:
            return reason
    at_the_point = terms.unmet_demand == "backorders" and abs(shortfall) <= 1e-9 < surplus
    return "below_reorder_point" if shortfall > 1e-9 or at_the_point else "covered"


def _need(
    steps: dict[int, Row], law: np.ndarray, R: int, aim: tuple[str, float, float, float], stock: Row | None,
    due: list[Due], terms: PlanParameters, timing: Row | None,
) -> tuple[float, float]:  # fmt: skip
    """What the arrival cycle needs beyond what will be there, and that, by the array function, which has own loops."""
    if not steps or not stock:
        return 0.0, 0.0
    kind, wanted, level, lot = aim
    horizon = min(len(steps), len(law) - 1 + R)
    receipts, laws, quantities = np.zeros((1, horizon)), [], []
    fifths = (timing or {}).get("delivered_fifths", [1.0])
    parts = fifths if len(set(fifths)) > 1 else fifths[:1]
    for each in sorted(due, key=lambda d: (d.due_date, d.quantity, d.expected_on)):
        law_of = np.zeros(horizon)
        for day, share in each.days:
            step = to_periods(day, terms.frequency)
            law_of[step : step + 1] += share
        is_sure = len({to_periods(day, terms.frequency) for day, _ in each.days}) == 1
        for comes in parts:
            if is_sure and comes == 1:
                receipts[0] += each.quantity / len(parts) * law_of
            else:
                laws.append(comes * law_of)
                quantities.append(each.quantity / len(parts))
    unsure = UnsureReceipts(np.array(quantities), np.reshape(laws, (-1, horizon)), np.array([0, len(laws)]))
    rows = [steps[step] for step in range(1, horizon + 1)]
    found = outlook(
        ProjectionInputs(
            np.array(rows[0]["quantile_levels"]),
            np.array([[row["quantiles"] for row in rows]]),
            np.array([[row["cumulative_quantiles"] for row in rows]]),
            np.array([horizon]),
            np.array([stock["on_hand"] - stock["backorders"] - stock["reserved"]]),
            receipts,
            np.array([law]),
            np.array([R]),
            np.array([0]),
            unsure,
        ),
        ServiceTarget(np.array([level]), np.array([wanted if kind == "fill_rate" else math.nan]), np.array([lot])),
        is_lost=terms.unmet_demand == "lost_sales",
    )
    return float(found.lacking[0]), float(found.stock_at_arrival[0])
