"""Runs jobs: in this process on the session of the tests, or in a process group of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

KEY_VARIABLE = "SKUCAST_CUSTOMER_KEY"
KEY = "a key that only the tests know"


def wait_until(condition: Callable[[], bool], seconds: float, *, pause: float = 0.02) -> bool:
    """Whether the condition comes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


@dataclass(frozen=True)
class Process:
    """A process and everything that it starts.

    Attributes:
        popen: the process, leader of its own group.
        log: file with all that it and its children print.
    """

    popen: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        """SIGKILL to the whole group: Python, its Java and their workers."""
        os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait(30)

    def end(self, seconds: float = 1200) -> int:
        """Wait for the end; the exit code."""
        return self.popen.wait(seconds)

    @property
    def ended(self) -> bool:
        """Whether it ended, one way or the other."""
        return self.popen.poll() is not None

    @property
    def text(self) -> str:
        """What was printed so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")


class Processes:
    """Starts processes and ends those that a failed test left behind."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[Process] = []

    def start(self, *command: str, environment: Mapping[str, str | None] | None = None) -> Process:
        """Start a command; variables given as None are taken out of its environment."""
        given = {**os.environ, KEY_VARIABLE: KEY, "SPARK_LOCAL_IP": "127.0.0.1", **(environment or {})}
        log = self._folder / f"{len(self._started)}.log"
        with log.open("wb") as output:
            popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={name: value for name, value in given.items() if value is not None},
            )
        self._started.append(Process(popen, log))
        return self._started[-1]

    def skucast(self, *words: str, environment: Mapping[str, str | None] | None = None) -> Process:
        """Start the command line."""
        return self.start(sys.executable, "-m", "skucast.cli.main", *words, environment=environment)

    def script(self, text: str, *words: str) -> Process:
        """Start a few lines of Python."""
        return self.start(sys.executable, "-c", text, *words)

    def end_all(self) -> None:
        """SIGKILL to whatever still runs."""
        for process in self._started:
            try:
                os.killpg(process.popen.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            process.popen.wait(30)
