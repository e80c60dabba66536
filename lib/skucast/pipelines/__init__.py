"""One function per stage: reads pinned tables, calls transforms, writes once, fills in the run record."""

from skucast.pipelines.context import Context
from skucast.pipelines.demand import demand
from skucast.pipelines.forecast import forecast
from skucast.pipelines.ingest import ingest
from skucast.pipelines.plan import plan

__all__ = ["COMMANDS", "Context", "demand", "forecast", "ingest", "nightly", "plan"]


def nightly(context: Context) -> None:
    """All four stages in order."""
    for stage in (ingest, demand, forecast, plan):
        stage(context)


COMMANDS = {"ingest": ingest, "demand": demand, "forecast": forecast, "plan": plan, "nightly": nightly}
"""Command name → what it runs."""
