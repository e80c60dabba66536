"""skucast: order history in, explained replenishment decisions out, on Spark and Delta Lake.

The names below may be called from your own code; everything else may change. They are imported when first used:

>>> import skucast
>>> config = skucast.load_config("conf/online_retail.yaml")
>>> config.currency
'GBP'
>>> skucast.TABLES["order_plan"].keys
('item_id', 'location_id', 'decision_date')
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skucast.config.loading import load_config
    from skucast.forecasting.engine.engine import ForecastSettings, forecast_panel
    from skucast.forecasting.panel.panel import Panel
    from skucast.tables import TABLES

__version__ = "0.1.0"
__all__ = ["TABLES", "ForecastSettings", "Panel", "__version__", "forecast_panel", "load_config"]

_PLACES = {
    "load_config": "skucast.config.loading",
    "ForecastSettings": "skucast.forecasting.engine.engine",
    "forecast_panel": "skucast.forecasting.engine.engine",
    "Panel": "skucast.forecasting.panel.panel",
    "TABLES": "skucast.tables",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'skucast' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
