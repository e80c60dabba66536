"""One function per stage: reads pinned tables, calls transforms, writes once, fills in the run record."""

from skucast.pipelines.context import Context
from skucast.pipelines.demand import demand
from skucast.pipelines.forecast import forecast
from skucast.pipelines.ingest import ingest
from skucast.pipelines.monitor import monitor
from skucast.pipelines.plan import plan
from skucast.pipelines.simulate import simulate

__all__ = ["COMMANDS", "Context", "demand", "forecast", "ingest", "monitor", "nightly", "plan", "simulate"]


def nightly(context: Context) -> None:
    """All four stages in order."""
    for stage in (ingest, demand, forecast, plan):
        stage(context)


COMMANDS = {
    "ingest": ingest,
    "demand": demand,
    "forecast": forecast,
    "plan": plan,
    "nightly": nightly,
    "monitor": monitor,
    "simulate": simulate,
}
"""Command name → what it runs."""
