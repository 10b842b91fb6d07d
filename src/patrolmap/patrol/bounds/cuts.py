"""Rows that every walk obeys and a fractional answer breaks: held together, and even."""

import itertools
from dataclasses import dataclass

import numpy as np

from patrolmap._kernels.cuts import loose_parts, odd_cuts
from patrolmap.patrol.bounds.case import Bools, Case, Floats, Ints
from patrolmap.patrol.bounds.columns import Columns
from patrolmap.patrol.bounds.reduce import Small

TOLERANCE = 0.02  # a row broken by less would hardly move the bound
Row = tuple[Ints, Floats, float]


@dataclass(frozen=True, kw_only=True)
class Cutter:
    """The small graph as arcs, for looking for broken rows."""

    small: Small
    columns: Columns
    indptr: Ints
    head: Ints
    twin: Ints
    street: Ints
    homes: Bools  # where walks start or end
    ends_odd: Bools  # where an odd number of them do

    def broken(self, x: Floats) -> list[Row]:
        """Return rows that an answer breaks."""
        p = np.clip(self.columns.total(self.columns.odd.astype(np.float64), x), 0.0, 1.0)
        return self._loose(x) + self._odd(p)

    def _loose(self, x: Floats) -> list[Row]:
        """Return broken rows of the kind: what is served in S needs two crossings of its cut."""
        tail, head = self.small.tail, self.small.head
        served = self.columns.total(self.columns.of_level, x)
        crossings = self.columns.total(self.columns.times, x)
        busy = np.zeros(len(self.small.nodes))
        np.maximum.at(busy, tail, served)
        np.maximum.at(busy, head, served)
        nodes = np.argsort(-busy, kind="stable")
        nodes = nodes[busy[nodes] > TOLERANCE / 2]
        sets, starts, of_node = loose_parts(
            self.indptr, self.head, self.twin, crossings[self.street], self.homes, nodes,
            2 * busy, TOLERANCE,
        )  # fmt: skip
        rows: list[Row] = []
        for i, node in enumerate(of_node):
            around = self.street[self.indptr[node] : self.indptr[node + 1]]
            busiest = around[np.argmax(served[around])]
            rows.append(self._loose_row(self._cut(sets[starts[i] : starts[i + 1]]), busiest))
        return rows

    def _loose_row(self, cut: Ints, street: int) -> Row:
        across = self.columns.of(cut)
        inner = self.columns.of(np.array([street]))
        inner = inner[self.columns.level[inner]]
        value = -self.columns.times[across]
        both = np.isin(across, inner)
        value[both] += 2.0
        inner = inner[~np.isin(inner, across)]
        return np.append(across, inner), np.append(value, np.full(len(inner), 2.0)), 0.0

    def _odd(self, p: Floats) -> list[Row]:
        """Return broken parity rows: p(F) - p(C - F) <= |F| - 1."""
        many = p > 0.5
        ends = np.concatenate([self.small.tail[many], self.small.head[many]])
        odd = (np.bincount(ends, minlength=len(self.small.nodes)) % 2 == 1) ^ self.ends_odd
        sets, starts = odd_cuts(self.indptr, self.head, self.twin, self.street, p, odd, TOLERANCE)
        rows: list[Row] = []
        known: set[bytes] = set()
        for begin, end in itertools.pairwise(starts):
            inner = sets[begin:end]
            cut = self._cut(inner)
            if len(cut) == 0 or cut.tobytes() in known:
                continue
            known.add(cut.tobytes())
            plus = many[cut]
            if (plus.sum() + self.ends_odd[inner].sum()) % 2 == 0:
                least = np.argmin(np.abs(p[cut] - 0.5))
                plus[least] = ~plus[least]
            columns = self.columns.of(cut)
            columns = columns[self.columns.odd[columns]]
            side = np.where(plus, 1.0, -1.0)[np.searchsorted(cut, self.columns.street[columns])]
            rows.append((columns, side, float(plus.sum() - 1)))
        return rows

    def _cut(self, nodes: Ints) -> Ints:
        """Return the streets that leave a set of nodes, in order."""
        inside = np.zeros(len(self.small.nodes), dtype=bool)
        inside[nodes] = True
        return np.flatnonzero(inside[self.small.tail] != inside[self.small.head])


def make_cutter(case: Case, small: Small, columns: Columns) -> Cutter:
    """Turn a small graph into arcs both ways and note where walks start and end."""
    m, n = len(small.tail), len(small.nodes)
    tails = np.concatenate([small.tail, small.head])
    heads = np.concatenate([small.head, small.tail])
    order = np.argsort(tails, kind="stable")
    place = np.empty(2 * m, dtype=np.int64)
    place[order] = np.arange(2 * m)
    twin = np.concatenate([np.arange(m, 2 * m), np.arange(m)])
    indptr = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(tails, minlength=n), out=indptr[1:])
    start, end = np.searchsorted(small.nodes, case.start), np.searchsorted(small.nodes, case.end)
    homes = np.zeros(n, dtype=bool)
    homes[start] = homes[end] = True
    times = np.bincount(start, case.crews, n) + np.bincount(end, case.crews, n)
    return Cutter(
        small=small, columns=columns, indptr=indptr, head=heads[order],
        twin=place[twin[order]], street=(order % m).astype(np.int64), homes=homes,
        ends_odd=times % 2 == 1,
    )  # fmt: skip


def compile_kernels() -> None:
    """Compile what is compiled once, lest a first run takes that for slow work."""
    nothing, indptr = np.empty(0, dtype=np.int64), np.zeros(2, dtype=np.int64)
    no, none = np.zeros(1, dtype=bool), np.empty(0)
    loose_parts(indptr, nothing, nothing, none, no, nothing, np.zeros(1), TOLERANCE)
    odd_cuts(indptr, nothing, nothing, nothing, none, no, TOLERANCE)
