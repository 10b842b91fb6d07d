"""Making very many geometries without Python's garbage collector looking through them all."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collector() -> Iterator[None]:
    """Hold the garbage collector off; it goes on afterwards if it was on before.

    Every geometry is an object that the collector watches. Making 100,000 of them sets it off again
    and again over all that lives, which takes twice the time of the making, and finds nothing. Also
    a decorator.

    Examples
    --------
    >>> with without_collector():
    ...     gc.isenabled()
    False
    >>> gc.isenabled()
    True
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
