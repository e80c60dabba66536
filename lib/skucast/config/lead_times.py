"""How lead times are measured from receipts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from skucast.config.fields import Amount, Days, Section


class LeadTimes(Section):
    """How lead times are measured from receipts."""

    measured: bool = True
    """Whether they are measured at all."""
    min_receipts: Annotated[int, Field(ge=1)] = 5
    """Orders that must have come in, or be overdue, before the deliveries of a supplier or an item count."""
    window_days: Annotated[int, Field(ge=1)] = 365
    """Days back from which deliveries count."""
    shrinkage_receipts: Amount = 4
    """Orders that the supplier's distribution weighs as much as beside an item's own: k of the credibility n / (n + k)
    (Bühlmann 1967). The default takes items of a supplier to differ half as much as deliveries of one item do."""
    max_days_late: Days = 90
    """Days late after which an open order counts as given up. No delivery counts as later."""
