"""A planner's word on proposals: kept by every later plan, signed, and refused where it means nothing."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from tests.jobs.conftest import Filled, Job
from tests.jobs.stored import frame_of

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def decided(tiny_reference: Filled, copied: Callable[[Filled], Filled], job: Job) -> Filled:
    """The plan with one proposal changed, one rejected, and then made again."""
    warehouse = copied(tiny_reference)
    changed, rejected = proposed(warehouse)[:2]
    say = ["--config", warehouse.config, "--by", "ann"]
    assert job("decide", "approve", *say, "--item", changed, "--quantity", 17) == 0
    assert job("decide", "reject", *say, "--where", f"item_id = '{rejected}' AND value > 0") == 0
    assert job("plan", "--config", warehouse.config) == 0
    return warehouse


def proposed(warehouse: Filled) -> list[str]:
    """Items of which something is proposed, the dearest first."""
    plan = frame_of(warehouse.folder, "order_plan")
    return list(plan[plan["final_quantity"] > 0].sort_values("value", ascending=False)["item_id"])


def test_a_later_plan_of_the_day_keeps_the_word(decided: Filled, tiny_reference: Filled) -> None:
    changed, rejected = proposed(tiny_reference)[:2]
    plan = frame_of(decided.folder, "order_plan").set_index("item_id")
    before = frame_of(tiny_reference.folder, "order_plan").set_index("item_id")

    assert (plan.loc[changed, "status"], plan.loc[changed, "decided_by"]) == ("approved", "ann")
    assert plan.loc[changed, "decided_quantity"] == 17
    assert plan.loc[changed, "final_quantity"] == before.loc[changed, "final_quantity"]
    assert plan.loc[rejected, "status"] == "rejected"
    assert plan.loc[[changed, rejected], "decided_at"].notna().all()
    others = plan.index.difference([changed, rejected])
    assert set(plan.loc[others, "status"]) == {"proposed"}
    pd.testing.assert_series_equal(plan.loc[others, "final_quantity"], before.loc[others, "final_quantity"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--item", "no such item"], "no row of order_plan of 2011-12-05 satisfies item_id = 'no such item'"),
        ([], "say which proposals are meant"),
        (["--where", "final_quantity = 0"], "none can be changed"),
        (["--where", "nonsense ="], "nonsense"),
        (["--item", "x", "--quantity", "-3"], "quantity -3 beside approve"),
    ],
)
def test_a_word_that_means_nothing_is_refused(
    words: list[str], message: str, decided: Filled, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    assert job("decide", "approve", "--config", decided.config, "--by", "ann", *words) in (1, 2)
    assert message in capsys.readouterr().err
