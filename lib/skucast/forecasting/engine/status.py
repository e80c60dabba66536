"""How each series' forecast came about, in one word and one phrase."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from skucast.forecasting.panel.profile import DemandClass


class Status(StrEnum):
    """How the forecast of a series came about. The value is what the tables store."""

    FITTED = "fitted"
    FALLBACK = "fallback"
    TOO_SHORT = "too_short"
    NO_DEMAND = "no_demand"
    COLD_START = "cold_start"


@dataclass(frozen=True)
class FitFacts:
    """The facts of one series that its status and reason follow from.

    Attributes:
        n_periods: known periods.
        demand_class: on the whole history.
        has_candidate: the plan lists at least one method that this series may try.
        n_origins: scored origins.
        min_periods: known periods that an origin needs.
        method: name of the method used.
        criterion: by what methods were compared.
        score: the method's, the lower the better; NaN where it has none.
        runner_up: the best of the other methods that were scored; empty if there is none.
        runner_up_score: its score.
        failures: method name -> what it failed with.
    """

    n_periods: int
    demand_class: str
    has_candidate: bool
    n_origins: int
    min_periods: int
    method: str
    criterion: str
    score: float
    runner_up: str
    runner_up_score: float
    failures: Mapping[str, str]


def explain(facts: FitFacts) -> tuple[Status, str]:
    """Status and reason of one series."""
    if facts.n_periods == 0:
        return Status.TOO_SHORT, "no period with known demand: forecast 0"
    if facts.demand_class == DemandClass.NO_DEMAND:
        return Status.NO_DEMAND, f"no demand in {facts.n_periods} known periods: forecast 0"
    if facts.failures:
        failed = "; ".join(f"{name} failed: {failure}" for name, failure in facts.failures.items())
        return Status.FALLBACK, f"{failed}; {facts.method} instead"
    if facts.n_origins == 0:
        return Status.TOO_SHORT, (
            f"{facts.n_periods} known periods: no origin has {facts.min_periods} of them and a demand before it "
            f"and one after it; {facts.method} instead"
        )
    if not facts.has_candidate:
        return Status.FALLBACK, f"no method allowed for class {facts.demand_class}; {facts.method} instead"
    return _compared(facts)


def _compared(facts: FitFacts) -> tuple[Status, str]:
    """Status of a series that had candidates and origins, and its champion's score beside the runner-up's."""
    if facts.score == math.inf:
        return Status.TOO_SHORT, f"no period after an origin was in stock to its end; {facts.method} instead"
    what = "RMSSE" if facts.criterion == "rmsse" else "loss"
    if not facts.runner_up:
        return Status.FITTED, f"the only candidate; {what} over {facts.n_origins} origins: {facts.score:.2f}"
    other = f"{facts.runner_up} {facts.runner_up_score:.2f}"
    of_class = "" if facts.criterion == "rmsse" else " and in its class"
    if facts.runner_up_score < facts.score:
        return Status.FITTED, (
            f"{what} over {facts.n_origins} origins{of_class}: {facts.score:.2f}; kept, as {other} is not clearly lower"
        )
    return Status.FITTED, f"lowest {what} over {facts.n_origins} origins{of_class}: {facts.score:.2f} ({other})"
