"""What a user reads on a machine that cannot run skucast: one sentence each, saying what to do."""

import subprocess
import sys
from pathlib import Path

import pytest

from skucast.setup import preflight

JAVA_17 = 'openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment'
MODULES = "java.base@17.0.15\njdk.incubator.vector@17.0.15\n"


def test_this_machine_is_ready() -> None:
    assert preflight.problems(Path.cwd()) == []


def test_it_runs_before_anything_is_installed(tmp_path: Path) -> None:
    """Isolated from the environment: neither skucast nor any package can be imported."""
    command = [sys.executable, "-I", "-S", preflight.__file__]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (4, 0)])
def test_python_new_enough(version: tuple[int, int]) -> None:
    assert preflight.python_problem(version) is None


def test_python_too_old() -> None:
    expected = "Python 3.9 found, skucast needs 3.11 or newer: install it and run `make PYTHON=python3.11`"

    assert preflight.python_problem((3, 9)) == expected


@pytest.mark.parametrize("version", [JAVA_17, 'openjdk version "21" 2023-09-19'])
def test_java_that_spark_runs_on(version: str) -> None:
    assert preflight.explain_java(version, MODULES) is None


@pytest.mark.parametrize(
    ("version", "modules", "sentence"),
    [
        ('java version "1.8.0_402"', "", "Java 8 found, Spark needs version 17 or 21"),
        ('openjdk version "11.0.2" 2019-01-15', MODULES, "Java 11 found"),
        ('openjdk version "25" 2025-09-16', MODULES, "Java 25 found"),
        (JAVA_17, "java.base@17.0.15", "this Java 17 is cut down and lacks the module jdk.incubator.vector"),
        ("The operation could not be completed.", "", "did not say which version"),
    ],
)
def test_java_that_spark_does_not_run_on(version: str, modules: str, sentence: str) -> None:
    problem = preflight.explain_java(version, modules)

    assert problem is not None
    assert sentence in problem
    assert problem.endswith(preflight._JAVA_ADVICE)


def test_no_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert str(preflight.java_problem()).startswith("no Java found, Spark needs version 17 or 21: install")


def test_java_home_without_java_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Spark trusts JAVA_HOME and never looks further, so neither does the check."""
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))

    assert str(preflight.java_problem()).startswith(f"no Java in JAVA_HOME={tmp_path}")


def test_folder_that_may_not_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert preflight.folder_problem(tmp_path) is None

    monkeypatch.setattr("os.access", lambda *_: False)
    assert str(preflight.folder_problem(tmp_path)).startswith(f"no permission to write in {tmp_path}: change its owner")


def test_python_without_venv(monkeypatch: pytest.MonkeyPatch) -> None:
    assert preflight.venv_problem() is None

    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert "apt install python3-venv" in str(preflight.venv_problem())


@pytest.mark.parametrize(
    ("log", "sentence"),
    [
        (
            "WARNING: Retrying after connection broken by 'NewConnectionError(...)'\nERROR: No matching distribution",
            "no network: the packages could not be downloaded",
        ),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "the disk is full"),
        ("Collecting a\nERROR: Cannot install a and b\n", "pip could not install the packages: Cannot install a and b"),
        ("", "pip could not install the packages: it gave no reason"),
    ],
)
def test_failed_installation_is_one_sentence(
    log: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "install.log").write_text(log)

    assert preflight.main(["--pip-log", str(tmp_path / "install.log")]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"skucast: {sentence}")
    assert said.count("\n") == 1


def test_every_obstacle_is_told_at_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(preflight, "python_problem", lambda: "old Python")
    monkeypatch.setattr(preflight, "java_problem", lambda: "no Java")

    assert preflight.main([]) == 2
    assert capsys.readouterr().err == "skucast: old Python\nskucast: no Java\n"
