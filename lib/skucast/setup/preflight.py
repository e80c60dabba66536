"""Can skucast be installed and run on this machine? One sentence per obstacle, each with what to do about it.

Runs before anything is installed, so it needs the standard library only: ``python3 lib/skucast/setup/preflight.py``.
After a failed installation ``preflight.py --pip-log FILE`` says in one sentence what pip's pages of output mean.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

MIN_PYTHON = (3, 11)
JAVA_VERSIONS = (17, 21)
VECTOR_MODULE = "jdk.incubator.vector"
_UNREACHABLE = "NewConnectionError|NameResolutionError|ConnectTimeout|ProxyError|Max retries exceeded"
_JAVA_ADVICE = "install a full OpenJDK 17 (Debian, Ubuntu: apt install openjdk-17-jre-headless) or set JAVA_HOME to one"


def python_problem(version: tuple[int, ...] = sys.version_info[:2]) -> str | None:
    """Why this Python cannot run skucast, or None."""
    if version >= MIN_PYTHON:
        return None
    found, wanted = (".".join(map(str, numbers)) for numbers in (version, MIN_PYTHON))
    return f"Python {found} found, skucast needs {wanted} or newer: install it and run `make PYTHON=python{wanted}`"


def java_problem() -> str | None:
    """Why the Java on this machine cannot run Spark, or None. Looks where Spark looks: JAVA_HOME, then PATH."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")
    if java is None:
        where = f"no Java in JAVA_HOME={home}" if home else "no Java found"
        return f"{where}, Spark needs version 17 or 21: {_JAVA_ADVICE}"
    return explain_java(_output(java, "-version"), _output(java, "--list-modules"))


def explain_java(version: str, modules: str) -> str | None:
    """Judge what ``java -version`` and ``java --list-modules`` printed.

    Returns:
        One sentence saying what is wrong and what to do, or None.
    """
    match = re.search(r'version "(?:1\.)?(\d+)', version)
    if match is None:
        return f"`java -version` did not say which version it is, Spark needs 17 or 21: {_JAVA_ADVICE}"
    if int(match[1]) not in JAVA_VERSIONS:
        return f"Java {match[1]} found, Spark needs version 17 or 21: {_JAVA_ADVICE}"
    if VECTOR_MODULE not in modules:
        return f"this Java {match[1]} is cut down and lacks the module {VECTOR_MODULE} Spark needs: {_JAVA_ADVICE}"
    return None


def folder_problem(folder: Path) -> str | None:
    """Why nothing can be created in ``folder``, or None."""
    if os.access(folder, os.W_OK | os.X_OK):
        return None
    return f"no permission to write in {folder}: change its owner, or copy the project to a folder of your own"


def venv_problem() -> str | None:
    """Why this Python cannot create a virtual environment, or None. Debian ships that part apart."""
    if importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"):
        return None
    return "this Python lacks its module venv: install it (Debian, Ubuntu: apt install python3-venv)"


def install_problem(log: str) -> str:
    """One sentence for an installation that failed, from what pip printed."""
    if re.search(_UNREACHABLE, log):
        return (
            "no network: the packages could not be downloaded; connect this machine or point pip to a mirror it reaches"
        )
    if "No space left on device" in log:
        return "the disk is full: skucast and what it needs take about 2 GB; make room and run make again"
    last = [line.replace("ERROR: ", "") for line in log.splitlines() if line.startswith("ERROR: ")][-1:]
    return f"pip could not install the packages: {last[0] if last else 'it gave no reason'}"


def problems(folder: Path) -> list[str]:
    """Every obstacle to installing and running skucast in ``folder``, one sentence each."""
    found = (python_problem(), venv_problem(), java_problem(), folder_problem(folder))
    return [problem for problem in found if problem]


def main(arguments: list[str]) -> int:
    """Print the obstacles. Exit code 0 if there is none, else 2."""
    if arguments[:1] == ["--pip-log"]:
        found = [install_problem(Path(arguments[1]).read_text(encoding="utf-8", errors="replace"))]
    else:
        found = problems(Path.cwd())
    for problem in found:
        print(f"skucast: {problem}", file=sys.stderr)
    return 2 if found else 0


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
