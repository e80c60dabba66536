"""The command line: parse, check the configuration, take the lock, open the session, run, say what happened."""

from __future__ import annotations

import argparse
import sys
import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from skucast import __version__
from skucast.cli.commands import COMMANDS
from skucast.cli.show import show
from skucast.config import Config, load_config
from skucast.errors import DecisionError, SkucastError
from skucast.runtime.context import Context
from skucast.stages.decide.stage import STATUS, PlannerDecision, decide
from skucast.store.lock import warehouse_lock
from skucast.store.runs import RunRecord
from skucast.store.session import open_session
from skucast.store.warehouse import Warehouse, require_writable
from skucast.tables import TABLES


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        0 done, 2 the user's mistake (configuration, input contract), 1 anything else.
    """
    arguments = parser().parse_args(argv)
    try:
        config = load_config(arguments.config, arguments.set)
        if arguments.command == "show":
            _show(arguments, config)
        else:
            _run(arguments, config)
    except SkucastError as problem:
        print(f"skucast: {problem}", file=sys.stderr)
        return problem.exit_code
    except (PySparkException, Py4JJavaError) as problem:
        print(f"skucast: Spark failed: {_first_line(problem)}", file=sys.stderr)
        return 1
    return 0


def job(command: str) -> None:
    """Entry point of ``jobs/COMMAND.py``: the command with the options given to spark-submit."""
    sys.exit(main([command, *sys.argv[1:]]))


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    parser = argparse.ArgumentParser(prog="skucast", description="Order history in, replenishment decisions out.")
    parser.add_argument("--version", action="version", version=f"skucast {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, stage in COMMANDS.items():
        command = commands.add_parser(name, help=(stage.__doc__ or "").split("\n")[0])
        _shared_options(command)
    shown = commands.add_parser("show", help="Print a table, newest complete run first.")
    shown.add_argument("table", choices=sorted(TABLES), metavar="TABLE", help=", ".join(sorted(TABLES)))
    shown.add_argument("--top", type=int, default=20, metavar="N", help="rows to print (20)")
    _shared_options(shown)
    _decide_options(commands.add_parser("decide", help="Approve, change or reject proposals of the order plan."))
    return parser


def _decide_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("word", choices=sorted(STATUS), help="what becomes of the proposals")
    parser.add_argument("--by", required=True, metavar="NAME", help="who decides")
    parser.add_argument("--item", metavar="ITEM", help="the item of one proposal")
    parser.add_argument("--location", metavar="LOCATION", help="its location, where there are several")
    parser.add_argument("--where", metavar="SQL", help="or a condition on many, such as \"supplier_id = 'S01'\"")
    parser.add_argument("--quantity", type=float, metavar="UNITS", help="order so many instead (with approve)")
    _shared_options(parser)


def _shared_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", required=True, metavar="FILE", help="configuration, YAML")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override one setting")
    parser.add_argument(
        "--decision-date",
        type=_date,
        metavar="DATE",
        help="first day of the period to decide for; without it the data tell",
    )


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a date such as 2011-10-03") from None


def _run(arguments: argparse.Namespace, config: Config) -> None:
    started = datetime.now(UTC)
    require_writable(config.warehouse)
    with warehouse_lock(config.warehouse, wait_seconds=config.lock_wait_seconds) as remark:
        _say(remark)
        with (session := _Session(config)) as spark:
            warehouse = Warehouse(spark, config.warehouse, config.database)
            run_id = f"{started:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
            record = RunRecord(warehouse, run_id, arguments.command, config.hash, _say)
            record.abandon_dead()
            context = Context(spark, config, warehouse, record, arguments.decision_date, started)
            if arguments.command == "decide":
                decide(context, PlannerDecision(arguments.word, arguments.by, _meant(arguments), arguments.quantity))
            else:
                COMMANDS[arguments.command](context)
            if session.outlives_the_command:
                warehouse.register(tuple(TABLES.values()))
    _say(f"{arguments.command} done in {(datetime.now(UTC) - started).total_seconds():.1f} s, run {run_id}")
    for line in context.remarks:
        _say(line)


def _meant(arguments: argparse.Namespace) -> str:
    """The rows of ``order_plan`` that are meant, as SQL."""
    named = {"item_id": arguments.item, "location_id": arguments.location}
    parts = [f"{column} = '{_quoted(value)}'" for column, value in named.items() if value is not None]
    parts += [f"({arguments.where})"] if arguments.where else []
    if arguments.item is None and not arguments.where:
        raise DecisionError("say which proposals are meant: --item, or --where with a condition on order_plan")
    return " AND ".join(parts)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _show(arguments: argparse.Namespace, config: Config) -> None:
    with _Session(config) as spark:
        warehouse = Warehouse(spark, config.warehouse, config.database)
        print(show(warehouse, TABLES[arguments.table], arguments.decision_date, arguments.top))


class _Session:
    """A session that is stopped at the end unless somebody had opened it before."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._was_open = SparkSession.getActiveSession() is not None

    def __enter__(self) -> SparkSession:
        config = self._config
        self._spark = open_session(
            config.spark_settings, warehouse=config.warehouse, timezone=config.timezone, app="skucast"
        )
        return self._spark

    @property
    def outlives_the_command(self) -> bool:
        """Whether names that are registered now can be used later: in this session or in a shared catalogue."""
        return self._was_open or self._spark.conf.get("spark.sql.catalogImplementation") == "hive"

    def __exit__(self, *_: object) -> None:
        if not self._was_open:
            self._spark.stop()


def _first_line(problem: Exception) -> str:
    text = problem.java_exception.toString() if isinstance(problem, Py4JJavaError) else str(problem)
    return str(text).split("\n\tat ")[0].split("\n\nJVM stacktrace")[0][:1000]


def _say(line: str | None) -> None:
    if line:
        print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
