"""The one way to compile a numerical kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(kernel: Callable[P, R]) -> Callable[P, R]:
    """Compile a kernel at its first call, once per machine where a cache can be written, else once per process.

    Arithmetic keeps its order (no fast math), so that results do not depend on the machine; a division by zero gives
    infinity or NaN as in NumPy.
    """
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy")(kernel)
    except RuntimeError:  # the code lies in an archive and no folder for the cache can be written
        return numba.njit(nogil=True, error_model="numpy")(kernel)
