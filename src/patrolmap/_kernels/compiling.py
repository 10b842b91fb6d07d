"""How long the compiler took, so that a search's time is not spent on a first run's compiling."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from numba.core.event import install_recorder


@contextmanager
def compile_clock() -> Iterator[Callable[[], float]]:
    """Yield a function that says how many seconds of this block went into compiling.

    Kernels are compiled once and kept on disk; on later runs this stays at zero.
    """
    with install_recorder("numba:compile") as recorder:

        def seconds() -> float:
            total, depth, since = 0.0, 0, 0.0
            for moment, event in list(recorder.buffer):  # compilations nest and wait for another
                since = moment if depth == 0 else since
                depth += 1 if event.is_start else -1
                total += moment - since if depth == 0 else 0.0
            return total

        yield seconds
