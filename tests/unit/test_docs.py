"""The documentation says what the code says."""

from __future__ import annotations

import contextlib
import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

import skucast
from skucast.cli.commands import COMMANDS
from skucast.cli.reference import pages
from skucast.config import load_config
from tests.places import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINKS = [(page, link) for page in PAGES for link in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))]


def blocks(name: str) -> list[str]:
    """The configurations that a page shows, whole ones only."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return [each for each in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if each.startswith("warehouse:")]


@pytest.mark.parametrize("name", ["tables.md", "configuration.md", "commands.md", "sql.md"])
def test_reference_pages_are_made_from_the_code(name: str) -> None:
    """After a change of tables, keys, commands or SQL functions run ``make reference``."""
    assert (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8") == pages()[name]


@pytest.mark.parametrize(
    ("example", "sources"),
    [
        *((each, {"sales_line", "stock"}) for each in blocks("README.md")),
        *zip(
            blocks("docs/own_data.md"),
            [{"sales_line", "stock"}, {"sales_line", "open_order", "receipt"}, {"sales_line"}],
            strict=True,
        ),
    ],
)
def test_examples_are_valid_configurations(example: str, sources: set[str], tmp_path: Path) -> None:
    """A reader can copy them."""
    file = tmp_path / "my_shop.yaml"
    file.write_text(example, encoding="utf-8")

    assert set(load_config(file).sources) == sources


@pytest.mark.parametrize(("page", "link"), LINKS)
def test_links_lead_somewhere(page: Path, link: str) -> None:
    """Every relative link names a file that exists."""
    assert link.startswith(("http", "mailto:")) or (page.parent / link).exists()


@pytest.mark.parametrize("page", PAGES)
def test_places_that_pages_name_exist(page: Path) -> None:
    """Every path of the library, the tests and the benchmarks that a page names is there."""
    named = re.findall(r"`((?:lib|tests|benchmarks|conf|jobs)/[\w./]+)`", page.read_text(encoding="utf-8"))
    assert [] == [
        each for each in named if not {"NAME", "COMMAND"} & {*re.split(r"\W", each)} and not (ROOT / each).exists()
    ]


def test_the_site_can_be_built(tmp_path: Path) -> None:
    """No page without a place, no link into nothing, no name that the code lacks."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(ROOT / "conf" / "mkdocs.yml")]
    done = subprocess.run([*command, "-d", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 250


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_job_of_one_screen(command: str) -> None:
    """Each command of the command line is also a spark-submit target."""
    job = ROOT / "jobs" / f"{command}.py"

    assert len(job.read_text(encoding="utf-8").splitlines()) < 40


def test_the_public_names_are_there() -> None:
    """The examples of the package's docstring, from the folder that a reader would start in."""
    with contextlib.chdir(ROOT):
        done = doctest.testmod(skucast)
    assert (done.attempted, done.failed) == (4, 0)
    assert all(getattr(skucast, name) is not None for name in skucast.__all__)
