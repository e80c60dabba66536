"""The reference pages of the documentation, from the code: ``python -m skucast.cli.reference docs/reference``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from skucast.cli.main import parser
from skucast.config.reference import configuration_reference
from skucast.spark.queries import function_reference
from skucast.tables import TABLES
from skucast.tables.contract import table_map


def pages() -> dict[str, str]:
    """File name → page."""
    return {
        "tables.md": _page(
            "Tables",
            "Every column has a type, a unit, a comment and, where it has a range, a CHECK constraint in Delta. Two "
            "equal runs leave equal tables; the run identifiers and times are the exception.",
            table_map(list(TABLES.values())),
        ),
        "configuration.md": _page(
            "Configuration",
            "One YAML file. Unknown keys are errors, and nothing is guessed: the whole file is checked before Spark "
            "starts. `--set key.path=value` overrides one key.",
            configuration_reference(),
        ),
        "commands.md": _page(
            "Commands",
            "Each command is also a target of spark-submit, `jobs/COMMAND.py`, with the same options. Exit code 0: "
            "done; 2: the configuration or the input is wrong, with a message that says what was found, what was "
            "expected and what to do; 1: anything else.",
            "\n".join(_commands()),
        ),
        "sql.md": _page(
            "SQL functions",
            "The formulas of the plan. A run registers them for its session. In a session of your own call "
            "`skucast.spark.queries.register_functions(spark)`.",
            function_reference(),
        ),
    }


def _page(title: str, said: str, body: str) -> str:
    made = "This page is made from the code by `make reference`; a test keeps it so."
    return f"# {title}\n\n{said} {made}\n\n{body.strip()}\n"


def _commands() -> Iterator[str]:
    of_all = next(each for each in parser()._actions if isinstance(each, argparse._SubParsersAction))
    said = {each.dest: each.help for each in of_all._choices_actions}
    for name, command in of_all.choices.items():
        yield from (f"## `skucast {name}`", "", said[name] or "", "", "| option | meaning |", "|---|---|")
        for each in command._actions:
            shown = " ".join([*each.option_strings[-1:], str(each.metavar or each.dest or "")]).strip()
            if not isinstance(each, argparse._HelpAction):
                yield f"| `{shown}` | {each.help} |"
        yield ""


if __name__ == "__main__":
    for name, page in pages().items():
        Path(sys.argv[1], name).write_text(page, encoding="utf-8")
