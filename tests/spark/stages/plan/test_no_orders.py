"""What a run says when every row of its plan has the same reason for no order."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from skucast.stages.plan.no_orders import StockDays, nothing_ordered
from tests.spark.stages.plan.planning_cases import WEEKLY

D = WEEKLY.decision_date


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (StockDays(None, None), "no stock was ever counted; map the stock counts under sources.stock"),
        (StockDays(None, date(2011, 10, 10)), "the first stock count is of 2011-10-10, after the decision date"),
        (StockDays(date(2011, 9, 1), None), "newest stock count before it is of 2011-09-01, and it may be 7 days old"),
        (StockDays(date(2011, 9, 1), date(2011, 10, 5)), "of 2011-09-01, the next of 2011-10-05, and it may"),
    ],
)
def test_unknown_stock_says_which_counts_there_are(days: StockDays, said: str) -> None:
    remark = nothing_ordered({"stock_unknown": 3}, days, WEEKLY)
    assert remark is not None
    assert said in remark
    assert remark.startswith(f"nothing is ordered on {D}: ")
    assert remark.endswith("(all 3 rows: stock_unknown)")


def test_other_reasons_have_their_own_remedy() -> None:
    later = replace(WEEKLY, decision_date=date(2011, 10, 10))
    assert "inventory.review_anchor" in str(nothing_ordered({"no_review": 1}, StockDays(None, None), later))
    assert "cover every item" in str(nothing_ordered({"covered": 2}, StockDays(D, None), WEEKLY))


@pytest.mark.parametrize("reasons", [{}, {"below_reorder_point": 3}, {"stock_unknown": 1, "covered": 2}])
def test_an_order_or_two_reasons_need_no_remark(reasons: dict[str, int]) -> None:
    assert nothing_ordered(reasons, StockDays(None, None), WEEKLY) is None
