"""How lead times are measured from receipts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from skucast.config.fields import Days, Section


class LeadTimes(Section):
    """What a measured lead time is made of.

    ``min_receipts``: orders that must have come in (or be overdue) before a supplier's, or an item's own, count.
    ``shrinkage_receipts``: orders that the supplier's law weighs as much as beside an item's own, the k of the
    credibility n / (n + k) (Bühlmann 1967): the variance of a delivery over that of the means of items. The default
    takes the items of a supplier to differ half as much as the deliveries of one item do.
    ``max_days_late``: what is open for longer counts as given up, and nothing counts as later.
    """

    measured: bool = True
    min_receipts: Annotated[int, Field(ge=1)] = 5
    window_days: Annotated[int, Field(ge=1)] = 365
    shrinkage_receipts: Annotated[float, Field(ge=0)] = 4
    max_days_late: Days = 90
