"""The planner's notebooks run on what the jobs wrote, and are stored without results."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

from tests.jobs.conftest import Filled
from tests.jobs.stored import frame_of
from tests.places import ROOT

FOLDER = ROOT / "notebooks"
FIGURES = {"1_what_was_sold": 4, "2_forecasts": 7, "3_order_plan": 7}
PICTURES = {"1_what_was_sold": "what_was_sold", "2_forecasts": "forecasts", "3_order_plan": "order_plan"}
LARGEST_PICTURE = 200_000
"""Bytes: the pictures are part of the repository."""


def stored(name: str) -> NotebookNode:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


@pytest.fixture(scope="module")
def executed(reference: Filled, tmp_path_factory: pytest.TempPathFactory) -> dict[str, NotebookNode]:
    """Every notebook with its results; the first cell that fails raises."""
    pictures = tmp_path_factory.mktemp("pictures")
    results = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKUCAST_WAREHOUSE", str(reference.folder))
        patch.setenv("SKUCAST_IMAGES", str(pictures))
        for name in FIGURES:
            client = NotebookClient(stored(name), timeout=600, resources={"metadata": {"path": str(FOLDER)}})
            results[name] = client.execute()
            results[name].metadata["picture"] = str(pictures / f"{PICTURES[name]}.png")
    return results


def results_of(notebook: NotebookNode, kind: str) -> list[str]:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output.data[kind] for output in outputs if kind in output.get("data", {})]


def test_every_notebook_is_listed_here() -> None:
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == set(FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_is_stored_without_results(name: str) -> None:
    code = [cell for cell in stored(name).cells if cell.cell_type == "code"]
    assert [cell for cell in code if cell.outputs or cell.execution_count is not None] == []


@pytest.mark.parametrize("name", FIGURES)
def test_reads_tables_only(name: str) -> None:
    code = "\n".join(cell.source for cell in stored(name).cells if cell.cell_type == "code")
    assert "skucast." not in code
    assert "import skucast" not in code
    assert "spark" not in code.lower()


@pytest.mark.spark
@pytest.mark.parametrize("name", FIGURES)
def test_draws_its_figures_and_complains_of_nothing(name: str, executed: dict[str, NotebookNode]) -> None:
    outputs = [output for cell in executed[name].cells for output in cell.get("outputs", [])]
    assert len(results_of(executed[name], "image/png")) == FIGURES[name]
    assert [output for output in outputs if output.output_type in ("stream", "error")] == []


@pytest.mark.spark
@pytest.mark.parametrize("name", FIGURES)
def test_saves_the_picture_of_the_docs(name: str, executed: dict[str, NotebookNode]) -> None:
    picture = Path(executed[name].metadata["picture"])
    assert 0 < picture.stat().st_size <= LARGEST_PICTURE
    assert (ROOT / "docs" / "images" / picture.name).is_file()


@pytest.mark.spark
def test_the_lines_that_came_in_are_all_accounted_for(executed: dict[str, NotebookNode], reference: Filled) -> None:
    run = frame_of(reference.folder, "run").set_index("stage")
    rows = run.loc["ingest", "rows"]
    said = next(text for text in results_of(executed["1_what_was_sold"], "text/markdown") if "came in" in text)
    numbers = [f"**{rows[fate]:,}**" for fate in ("rows_in", "accepted", "rejected", "duplicates")]
    assert [number for number in numbers if number not in said] == []


@pytest.mark.spark
def test_the_order_plan_is_told_as_it_is_stored(executed: dict[str, NotebookNode], reference: Filled) -> None:
    plan = frame_of(reference.folder, "order_plan")
    orders = plan[plan["final_quantity"] > 0]
    said = " ".join(results_of(executed["3_order_plan"], "text/markdown"))
    assert f"**{len(orders):,}** of {len(plan):,} items are to be ordered" in said
    assert f"**GBP {orders['value'].sum():,.0f}** at cost" in said
    assert orders.nlargest(1, "value")["explanation"].iloc[0] in said
