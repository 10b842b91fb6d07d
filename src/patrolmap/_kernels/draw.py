"""Random numbers whose state is our own."""

import numpy as np

from patrolmap._kernels.compiling import inlined


@inlined
def uniform(state):  # type: ignore[no-untyped-def]
    """Draw from [0, 1): xorshift64*, its state our own, so that a seed fixes a search."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return float((x * np.uint64(2685821657736338717)) >> np.uint64(11)) / 9007199254740992.0
