"""What a bound is about: streets as a graph, what each pass may earn, and who walks."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MOST_LEVELS = 8  # passes of one segment that are told apart; what is beyond earns as much a pass


@dataclass(frozen=True, kw_only=True)
class Case:
    """Streets, prizes and crews; millimetres and rows throughout.

    Attributes
    ----------
    tail, head, length : (m,) int64
        Ends and lengths; every segment may be walked either way.
    value : (m, k) float64
        The most that the first, second, ... pass of a segment can earn, none more than the one
        before; k is at most `MOST_LEVELS + 2`.
    passes : (m,) int64
        How many passes can earn, 0 where none.
    start, end, limit, crews : (c,) int64
        Classes of crews with one start, end and limit, and how many crews each has.
    out, back : (c, n) float64, optional
        Millimetres from each start and to each end by the ways a class may use, inf = no way;
        where missing, every class may use every segment.
    """

    n_nodes: int
    tail: Ints
    head: Ints
    length: Ints
    value: Floats
    passes: Ints
    start: Ints
    end: Ints
    limit: Ints
    crews: Ints
    out: Floats | None = None
    back: Floats | None = None

    @property
    def risky(self) -> Bools:
        """Which segments can earn."""
        return self.passes > 0

    @property
    def room(self) -> float:
        """Millimetres of all crews together."""
        return float((self.limit * self.crews).sum())
