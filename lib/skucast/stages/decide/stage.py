"""A planner's word on proposals: approved, changed or rejected, with name and time."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from skucast.errors import DecisionError
from skucast.runtime.context import Context
from skucast.store.runs import last_decision_date
from skucast.tables import ORDER_PLAN

STATUS = {"approve": "approved", "reject": "rejected", "reopen": "proposed"}
"""What is typed → the status it gives."""


@dataclass(frozen=True)
class PlannerDecision:
    """What a planner says.

    Attributes:
        word: approve, reject or reopen.
        by: who says it.
        where: SQL condition on the rows of ``order_plan`` that are meant.
        quantity: units to order instead of the proposed ones.
    """

    word: str
    by: str
    where: str
    quantity: float | None = None

    def __post_init__(self) -> None:
        """Refuse a quantity that cannot be ordered, or one beside a rejection."""
        if self.quantity is not None and (self.word != "approve" or not 0 <= self.quantity < float("inf")):
            raise DecisionError(
                f"quantity {self.quantity:g} beside {self.word}: a number of units, 0 or more, goes with approve only"
            )
        if not self.by.strip():
            raise DecisionError("a decision needs the name of who makes it: give it with --by")

    @property
    def changed(self) -> dict[str, Column]:
        """Columns of ``order_plan`` and what they become."""
        is_open = self.word == "reopen"
        return {
            "status": F.lit(STATUS[self.word]),
            "decided_by": F.lit(None if is_open else self.by).cast("string"),
            "decided_at": (F.lit(None) if is_open else F.current_timestamp()).cast("timestamp"),
            "decided_quantity": F.lit(self.quantity).cast("double"),
        }


def decide(context: Context, verdict: PlannerDecision) -> None:
    """Note the verdict on the proposals of the decision date; a later plan of that date leaves it as it is."""
    with context.record.stage("decide") as stage:
        tables = context.warehouse
        asked = context.asked_date or last_decision_date(tables, "plan")
        if asked is None:
            raise DecisionError("there is no order plan to decide on: run `skucast plan` first")
        stage.decision_date = asked
        meant = tables.read(ORDER_PLAN).where((F.col("decision_date") == F.lit(asked)) & F.expr(verdict.where))
        can_change = F.col("status") != "ordered"
        if verdict.word == "approve" and verdict.quantity is None:
            can_change &= F.col("final_quantity") > 0
        n_meant, n_changed = meant.count(), meant.where(can_change).count()
        if not n_changed:
            raise DecisionError(_nothing(n_meant, f"{asked}", verdict))
        tables.update(
            ORDER_PLAN, (F.col("decision_date") == F.lit(asked)) & F.expr(verdict.where) & can_change, verdict.changed
        )
        stage.rows |= {STATUS[verdict.word]: n_changed, "left": n_meant - n_changed}
        stage.message = f"{verdict.by}: {verdict.word} where {verdict.where}"
        if verdict.word == "approve":
            context.remarks.append(
                f"name the proposal in its purchase order, column reference: item_id/location_id/{asked}"
            )


def _nothing(n_meant: int, asked: str, verdict: PlannerDecision) -> str:
    if not n_meant:
        return (
            f"no row of order_plan of {asked} satisfies {verdict.where}: look with `skucast show order_plan "
            f"--decision-date {asked}`"
        )
    return (
        f"{n_meant} row(s) of order_plan of {asked} satisfy {verdict.where}, but none can be changed: they are ordered "
        "already, or propose nothing; to order where nothing is proposed give --quantity"
    )
