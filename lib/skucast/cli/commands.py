"""Commands by name: the stages, and the night that runs four of them."""

from __future__ import annotations

from skucast.runtime.context import Context
from skucast.stages.demand.stage import demand
from skucast.stages.forecast.stage import forecast
from skucast.stages.ingest.stage import ingest
from skucast.stages.monitor.stage import monitor
from skucast.stages.plan.stage import plan
from skucast.stages.simulate.stage import simulate


def nightly(context: Context) -> None:
    """Run ingest, demand, forecast and plan: what a company runs every night."""
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
