"""Slow, obvious matching of cancellations: one stack of open sales for each kind of goods and customer."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple


class Line(NamedTuple):
    order_id: str
    line_id: str
    item_id: str
    location_id: str
    customer_id: str | None
    ordered_at: datetime
    quantity: float
    unit_price: float | None


def pairs(lines: Sequence[Line], pattern: str) -> set[tuple[str, str]]:
    """Order/line of each cancellation with order/line of the sale that it cancels."""
    open_sales: dict[tuple[object, ...], list[Line]] = defaultdict(list)
    found = set()
    for line in sorted(lines, key=lambda each: (each.ordered_at, each.quantity < 0, each.order_id, each.line_id)):
        order = re.sub(pattern, "", line.order_id)
        party = ("customer", line.customer_id) if line.customer_id is not None else ("order", order)
        stack = open_sales[(line.item_id, line.location_id, party, abs(line.quantity), line.unit_price)]
        if line.quantity > 0:
            stack.append(line)
        elif stack:
            sale = stack.pop()
            found.add((f"{line.order_id}/{line.line_id}", f"{sale.order_id}/{sale.line_id}"))
    return found
