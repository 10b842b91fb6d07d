"""The unknowns of the linear program: how often each street of the small graph is walked."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from patrolmap.patrol.bounds.case import MOST_LEVELS, Bools, Case, Floats, Ints
from patrolmap.patrol.bounds.reduce import Small


@dataclass(frozen=True, kw_only=True)
class Columns:
    """One unknown, 0 to 1, per street and number of traversals; e streets, n unknowns.

    "Walked j times" is an unknown for j = 1 ... J, and at most one of them is 1. A street that
    earns k times needs no more than k + 1 traversals: of two more, both can be left out, and the
    walk holds together still and meets every corner as evenly. One that earns nothing needs 2.
    Where passes beyond `MOST_LEVELS` earn, one more unknown counts pairs of further traversals.

    This is the tight link: for one pass, served = p + t where traversals = p + 2t.

    Attributes
    ----------
    first : (e + 1,) int64
        Unknowns of street i are `first[i]:first[i + 1]`.
    street : (n,) int64
    times : (n,) float64
        Traversals that one unit stands for.
    odd, level : (n,) bool
        Whether the number is odd; whether the unknown is one of "walked j times".
    prize, most : (n,) float64
        What one unit earns, and the most units there can be.
    """

    first: Ints
    street: Ints
    times: Floats
    odd: Bools
    level: Bools
    prize: Floats
    most: Floats

    @cached_property
    def of_level(self) -> Floats:
        """`level` as numbers."""
        return self.level.astype(np.float64)

    def of(self, streets: Ints) -> Ints:
        """Return all unknowns of some streets, in order."""
        begin, count = self.first[streets], self.first[streets + 1] - self.first[streets]
        ends = np.cumsum(count)
        return np.repeat(begin - ends + count, count) + np.arange(ends[-1] if len(ends) else 0)

    def total(self, weight: Floats, x: Floats) -> Floats:
        """Return the sum of weight times x of each street."""
        n_streets = len(self.first) - 1
        return np.bincount(self.street, weights=weight * x, minlength=n_streets).astype(np.float64)


def make_columns(case: Case, small: Small) -> Columns:
    """Lay out the unknowns of a small graph."""
    risky = small.segment >= 0
    passes = np.where(risky, case.passes[small.segment], 0)
    levels = np.clip(passes + 1, 2, MOST_LEVELS)
    tail = passes + 1 > MOST_LEVELS
    count = levels + tail
    first = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    street = np.repeat(np.arange(len(count)), count)
    rank = np.arange(first[-1]) - first[street] + 1
    is_tail = tail[street] & (rank == MOST_LEVELS + 1)
    earned = _earned(case, small, risky)
    prize = earned[street, np.minimum(rank, earned.shape[1] - 1)]
    # from J - 1 or J passes on, two more earn no more than the next two after J - 1
    more = earned[:, -1] - earned[:, -3] if earned.shape[1] > MOST_LEVELS + 1 else earned[:, 0]
    return Columns(
        first=first,
        street=street,
        times=np.where(is_tail, 2.0, rank),
        odd=~is_tail & (rank % 2 == 1),
        level=~is_tail,
        prize=np.where(is_tail, more[street], prize),
        most=np.where(is_tail, (passes[street] + 2 - MOST_LEVELS) / 2, 1.0),
    )


def _earned(case: Case, small: Small, risky: np.ndarray) -> Floats:
    """Return what 0, 1, ... passes of each street earn; the last column repeats what is known."""
    wide = max(2, min(MOST_LEVELS + 1, int(case.passes.max(initial=0)) + 1))
    value = np.zeros((len(risky), wide))
    known = min(wide, case.value.shape[1])
    value[risky, :known] = case.value[small.segment[risky], :known]
    out: Floats = np.concatenate([np.zeros((len(risky), 1)), np.cumsum(value, axis=1)], axis=1)
    return out
