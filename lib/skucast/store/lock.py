"""One run at a time on a warehouse: a lock file that the operating system releases when its owner dies.

Delta's log on a local file system is safe within one JVM only, so two processes must not write at once. On object
stores and HDFS Delta's own commit protocol decides between two writers: there the lock is not taken.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from skucast.errors import WarehouseLockedError

LOCK_FILE = "_skucast.lock"


@contextmanager
def warehouse_lock(root: str, *, wait_seconds: float) -> Iterator[str | None]:
    """Hold the warehouse for the duration of the block.

    Args:
        root: folder or URI of the warehouse.
        wait_seconds: how long to wait for the present owner.

    Yields:
        A remark if the lock of an owner that died was broken, else None.

    Raises:
        WarehouseLockedError: if another live process owns the warehouse for longer than that.
    """
    if "://" in root:
        yield None
        return
    Path(root).mkdir(parents=True, exist_ok=True)
    with Path(root, LOCK_FILE).open("a+", encoding="utf-8") as file:
        _acquire(file, root, wait_seconds)
        previous = _owner(file)
        _record_owner(file)
        try:
            yield f"broke the lock of a run that died: {previous}" if previous else None
        finally:
            _clear(file)


def _acquire(file: TextIO, root: str, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise WarehouseLockedError(
                    f"warehouse {root} is in use by {_owner(file) or 'another run'}; waited {wait_seconds:g} s: wait "
                    "for it to end, stop it, or allow a longer wait with --set lock_wait_seconds=…"
                ) from None
            time.sleep(0.2)


def _owner(file: TextIO) -> str:
    file.seek(0)
    text = file.read().strip()
    if not text:
        return ""
    owner = json.loads(text)
    return f"process {owner['pid']} on {owner['host']} since {owner['since']}"


def _record_owner(file: TextIO) -> None:
    owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
    _clear(file)
    file.write(json.dumps(owner))
    file.flush()


def _clear(file: TextIO) -> None:
    file.seek(0)
    file.truncate()
