"""Groups of items and locations: their hierarchy, their forecasts, and which items sell alike."""

from skucast.tables.contract import Column, Table
from skucast.tables.forecast import CUTOFF
from skucast.tables.inputs.sales import PROVENANCE
from skucast.tables.inputs.stock import ITEM_ID, LOCATION_ID

_DIMENSION = Column("dimension", "string", "", "What is grouped: item or location.", required=True,
                    check="dimension IN ('item', 'location')")  # fmt: skip
_STEP = Column("step", "int", "p", "How many periods ahead; 1 is the period that starts on the decision date.",
               required=True, check="step >= 1")  # fmt: skip
_PERIOD_START = Column("period_start", "date", "", "First day of the forecast period.", required=True)
_RUN_ID = Column("run_id", "string", "", "Run that wrote the row.", required=True, volatile=True)
_SQUARED_ERROR = Column("mean_squared_error", "double", "u²",
                        "Of the base forecast in the backtest: what its weight follows from.",
                        check="mean_squared_error >= 0")  # fmt: skip

HIERARCHY = Table(
    name="hierarchy",
    comment="Which group an item, a location or a group belongs to; what is not here takes item.category.",
    keys=("dimension", "node"),
    columns=(
        _DIMENSION,
        Column("node", "string", "", "An item, a location or a group of them; a node that is a parent is a group.",
               required=True),
        Column("parent", "string", "", "Its group; null: directly below the total."),
        PROVENANCE,
    ),
)  # fmt: skip

GROUP_FORECAST = Table(
    name="group_forecast",
    comment="Forecast demand of every group, item, location and of the total; what a node gets is what its children "
    "get together.",
    keys=("dimension", "level", "node", "cutoff", "step"),
    partitioned_by=("cutoff",),
    columns=(
        _DIMENSION,
        Column("level", "string", "", "total, category or item; total, region or location.", required=True),
        Column("node", "string", "", "The group, item or location; none: what belongs to no group.", required=True),
        Column("parent", "string", "", "Node above; null for the total."),
        Column("depth", "int", "", "Levels above the node; 0 is the total.", required=True, check="depth >= 0"),
        Column("n_series", "bigint", "", "Items at locations beneath the node.", required=True),
        CUTOFF,
        _STEP,
        _PERIOD_START,
        Column("base_mean", "double", "u/p", "Forecast of the node's own history; null where it has none.",
               check="base_mean >= 0"),
        _SQUARED_ERROR,
        Column("mean", "double", "u/p", "Expected demand in the period, coherent over all levels.", required=True,
               check="mean >= 0"),
        Column("cumulative_mean", "double", "u", "Expected demand summed over steps 1 to this one.", required=True,
               check="cumulative_mean >= 0"),
        Column("method", "string", "", "Forecasting method of base_mean; bottom_up where there is none.",
               required=True),
        Column("reconciliation", "string", "", "How levels were made to agree: bottom_up or wls.", required=True),
        _RUN_ID,
    ),
)  # fmt: skip

RECONCILED_FORECAST = Table(
    name="reconciled_forecast",
    comment="Means of items at locations that agree with group_forecast (forecast.groups.reconciliation: wls). The "
    "plan uses table forecast.",
    keys=("dimension", "item_id", "location_id", "cutoff", "step"),
    partitioned_by=("cutoff",),
    columns=(
        _DIMENSION,
        ITEM_ID,
        LOCATION_ID,
        CUTOFF,
        _STEP,
        _PERIOD_START,
        Column("base_mean", "double", "u/p", "Mean of table forecast.", required=True, check="base_mean >= 0"),
        _SQUARED_ERROR,
        Column("mean", "double", "u/p", "Reconciled mean.", required=True, check="mean >= 0"),
        Column("cumulative_mean", "double", "u", "Reconciled mean summed over steps 1 to this one.", required=True,
               check="cumulative_mean >= 0"),
        _RUN_ID,
    ),
)  # fmt: skip

ITEM_CLUSTER = Table(
    name="item_cluster",
    comment="Series that sell alike; written on request (forecast.groups.analysis).",
    keys=("item_id", "location_id", "cutoff"),
    partitioned_by=("cutoff",),
    columns=(
        ITEM_ID,
        LOCATION_ID,
        CUTOFF,
        Column("cluster", "int", "", "Number of the cluster, from frequent to rare sellers; 0: no demand.",
               required=True, check="cluster >= 0"),
        Column("distance", "double", "", "Distance from the cluster's centre in spreads; null in cluster 0.",
               check="distance >= 0"),
        Column("average_demand_interval", "double", "p", "Periods per period with demand. [ADI]"),
        Column("squared_cv", "double", "", "Squared coefficient of variation of the non-zero demands. [CV²]"),
        Column("mean_demand", "double", "u/p", "Mean of the known periods."),
        Column("trend_per_year", "double", "1/year", "Slope of a straight line through demand, over its mean."),
        Column("season_strength", "double", "share",
               "Share of variance that the day of the week (days) or the month (weeks) explains.",
               check="season_strength BETWEEN 0 AND 1"),
        _RUN_ID,
    ),
)  # fmt: skip

ITEM_CORRELATION = Table(
    name="item_correlation",
    comment="Items of a location whose demand moves together; written on request (forecast.groups.analysis).",
    keys=("item_a", "item_b", "location_id", "cutoff"),
    partitioned_by=("cutoff",),
    columns=(
        Column("item_a", "string", "", "An item among those that earn most at the location.", required=True),
        Column("item_b", "string", "", "One of its strongest partners.", required=True),
        LOCATION_ID,
        CUTOFF,
        Column("correlation", "double", "", "Pearson correlation of the changes of √demand from period to period.",
               required=True, check="correlation BETWEEN -1 AND 1"),
        Column("n_periods", "int", "p", "Changes that are known of both.", required=True, check="n_periods >= 1"),
        Column("rank", "int", "", "1 is the strongest partner of item_a, by absolute value.", required=True,
               check="rank >= 1"),
        _RUN_ID,
    ),
)  # fmt: skip
