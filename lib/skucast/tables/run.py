"""What ran, on what, with which outcome."""

from skucast.tables.contract import Column, Table

RUN = Table(
    name="run",
    comment="One stage of one run: what it read, what it wrote, how long it took and how it ended.",
    keys=("run_id", "stage"),
    columns=(
        Column("run_id", "string", "", "The run; all stages of one command share it.", required=True, volatile=True),
        Column("stage", "string", "", "ingest, demand, forecast, plan or monitor.", required=True),
        Column("job", "string", "", "Command that was typed.", required=True),
        Column("decision_date", "date", "", "Decision date, where the stage has one."),
        Column("cutoff", "date", "", "First day of the last period that was used."),
        Column("config_hash", "string", "", "Hash of the configuration in force.", required=True),
        Column("code_version", "string", "", "Version of skucast.", required=True),
        Column("input_versions", "map<string,bigint>", "", "Delta version of each table that was read.",
               volatile=True),
        Column("rows", "map<string,bigint>", "", "Row counts by name; ingest: rows_in = accepted + rejected + "
               "duplicates."),
        Column("measures", "map<string,double>", "", "What the result is like; forecast: bias and coverage of demand "
               "summed over the protection period, in the backtest of the champions."),
        Column("started_at", "timestamp", "", "When the stage began.", required=True, volatile=True),
        Column("seconds", "double", "s", "How long it took; null while it runs.", volatile=True),
        Column("outcome", "string", "", "running, done, failed or abandoned.", required=True,
               check="outcome IN ('running', 'done', 'failed', 'abandoned')"),
        Column("message", "string", "", "What went wrong, or a remark.", volatile=True),
    ),
)  # fmt: skip
