"""The README says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from skucast.cli.commands import COMMANDS
from skucast.config import load_config
from skucast.tables import TABLES
from skucast.tables.contract import table_map
from tests.places import ROOT

README = ROOT / "README.md"


def test_table_map_is_generated() -> None:
    """The tables of the README are those of the declarations: rerun ``python -m skucast.tables`` after a change."""
    text = README.read_text(encoding="utf-8")
    shown = text.split("<!-- tables: begin -->\n")[1].split("<!-- tables: end -->")[0]

    assert shown.strip() == table_map(list(TABLES.values())).strip()


def test_mapping_example_is_a_valid_configuration(tmp_path: Path) -> None:
    """The worked mapping of the README is accepted as it stands."""
    example = next(block for block in re.findall(r"```yaml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL))
    file = tmp_path / "my_shop.yaml"
    file.write_text(example, encoding="utf-8")

    assert set(load_config(file).sources) == {"sales_line", "stock"}


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8")))
def test_links_lead_somewhere(link: str) -> None:
    """Every relative link of the README names a file that exists."""
    assert link.startswith("http") or (README.parent / link).exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_job_of_one_screen(command: str) -> None:
    """Each command of the command line is also a spark-submit target."""
    job = README.parent / "jobs" / f"{command}.py"

    assert len(job.read_text(encoding="utf-8").splitlines()) < 40
