"""Compile kernels, once on a machine, and say so; and how long the compiler took.

Kernels are compiled when their module is first imported and kept on disk; later runs load them.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from numba import njit
from numba.core.event import Event, Listener, install_listener, install_recorder

_SAID = "_said_that_it_compiles"


def kernel(
    signature: str | None = None, *, borrows: bool = False, **options: Any
) -> Callable[[Any], Any]:
    """Compile a function that Python calls, without the interpreter's lock.

    With a signature at once: the first of a module to be compiled, and not found on disk, says so
    in the module's log. Without, when it is first called: for arguments no signature spells.

    One that only `borrows` its arrays, makes none and returns none, not even in a tuple, need not
    count who holds them (numba refuses to compile one that makes some, but not one that returns).
    In a loop that takes arrays from tuples the counting may take longer than all else, and two
    threads that count the holders of the same arrays wait for each other.
    """
    return _compiled(signature, nogil=True, _nrt=not borrows, **options)


def inner(
    signature: str | None = None, *, borrows: bool = False, **options: Any
) -> Callable[[Any], Any]:
    """Compile a function that only kernels call: calling it from Python ends the process.

    Without the shell in which Python could call it, it takes the compiler a third less.
    """
    return _compiled(signature, no_cpython_wrapper=True, _nrt=not borrows, **options)


def inlined(function: Any) -> Any:
    """Let the compiler copy a function's body to wherever kernels call it, and nowhere else."""
    return njit(inline="always")(function)


def _compiled(signature: str | None, **options: Any) -> Callable[[Any], Any]:
    def compiled(function: Any) -> Any:
        if signature is None:
            return njit(cache=True, no_cfunc_wrapper=True, **options)(function)
        with install_listener("numba:compile", _Teller(function)):
            return njit(signature, cache=True, no_cfunc_wrapper=True, **options)(function)

    return compiled


class _Teller(Listener):  # type: ignore[misc]
    """Say once a module that it is being compiled; what comes from the disk is no such event."""

    def __init__(self, function: Any) -> None:
        self.module = function.__globals__

    def on_start(self, event: Event) -> None:
        if _SAID not in self.module:
            self.module[_SAID] = True
            name = self.module["__name__"]
            logging.getLogger(name).info("compiling %s: some seconds, once on this machine", name)

    def on_end(self, event: Event) -> None:
        """Say nothing."""


@contextmanager
def compile_clock() -> Iterator[Callable[[], float]]:
    """Yield a function that says how many seconds of this block went into compiling."""
    with install_recorder("numba:compile") as recorder:

        def seconds() -> float:
            total, depth, since = 0.0, 0, 0.0
            for moment, event in list(recorder.buffer):  # compilations nest and wait for another
                since = moment if depth == 0 else since
                depth += 1 if event.is_start else -1
                total += moment - since if depth == 0 else 0.0
            return total

        yield seconds
