"""Make a street graph small without losing any walk that matters.

Four segments in five earn nothing; they only connect. One of them can go where another way is no
longer; a corner where only such segments meet can go too, if every way across it becomes a
segment of its own. Each walk of the full graph then has one in the small graph that passes the
same earning segments as often (some perhaps more often) and is not longer, so a bound for the
small graph is one for the full graph.
"""

import heapq
from dataclasses import dataclass

import numpy as np

from patrolmap.patrol.bounds.case import Case, Ints

MOST_STREETS = 4  # at a corner that is to go: more would become too many ways across


@dataclass(frozen=True, kw_only=True)
class Small:
    """What is left: `nodes` are rows of the full graph, `segment` too, -1 = earns nothing."""

    nodes: Ints
    tail: Ints
    head: Ints
    length: Ints
    segment: Ints


def reduce_case(case: Case) -> Small:
    """Return the small graph of a case; the starts and ends of crews stay."""
    # With ways of their own for each class, no walk may be led over an earning segment that its
    # class cannot reach, or the class's millimetres would be counted wrongly.
    shrinking = _Shrinking(case.n_nodes, over_risky=case.out is None)
    risky = case.risky
    for row in np.argsort(~risky, kind="stable"):
        shrinking.add(
            int(case.tail[row]), int(case.head[row]), int(case.length[row]),
            int(row) if risky[row] else -1,
        )  # fmt: skip
    shrinking.drop_all_spare()
    shrinking.drop_corners({int(node) for node in np.append(case.start, case.end)})
    left = np.array(list(shrinking.links.values()), dtype=np.int64).reshape(-1, 4)
    kept = np.concatenate([left[:, 0], left[:, 1], case.start, case.end])
    nodes, place = np.unique(kept, return_inverse=True)
    m = len(left)
    return Small(
        nodes=nodes, tail=place[:m], head=place[m : 2 * m], length=left[:, 2], segment=left[:, 3]
    )


class _Shrinking:
    """The graph while it shrinks: link number -> (one end, other end, mm, segment or -1)."""

    def __init__(self, n_nodes: int, *, over_risky: bool) -> None:
        self.links: dict[int, tuple[int, int, int, int]] = {}
        self.at: list[set[int]] = [set() for _ in range(n_nodes)]
        self.over_risky = over_risky
        self.number = 0

    def add(self, a: int, b: int, length: int, segment: int = -1) -> int | None:
        """Add a link and return its number, or None where one beside it makes it useless."""
        if segment < 0:
            if a == b:
                return None
            beside = [(link, *self.links[link][2:]) for link in self.at[a] & self.at[b]]
            usable = [known for known in beside if known[2] < 0 or self.over_risky]
            if any(known[1] <= length for known in usable):
                return None
            for known in beside:
                if known[2] < 0:
                    self.remove(known[0])
        self.links[self.number] = (a, b, length, segment)
        self.at[a].add(self.number)
        self.at[b].add(self.number)
        self.number += 1
        return self.number - 1

    def remove(self, link: int) -> None:
        a, b, _, _ = self.links.pop(link)
        self.at[a].discard(link)
        self.at[b].discard(link)

    def drop_all_spare(self) -> None:
        """Drop every link that earns nothing and that another way, not longer, replaces."""
        for link in [link for link, (*_, segment) in self.links.items() if segment < 0]:
            if self._is_spare(link):
                self.remove(link)

    def _is_spare(self, link: int) -> bool:
        start, goal, limit, _ = self.links[link]
        best, heap = {start: 0}, [(0, start)]
        while heap:
            reached, node = heapq.heappop(heap)
            if node == goal:
                return True
            if reached > best[node]:
                continue
            for other_link in self.at[node]:
                a, b, length, segment = self.links[other_link]
                if other_link == link or (segment >= 0 and not self.over_risky):
                    continue
                other, there = a + b - node, reached + length
                if there <= limit and there < best.get(other, limit + 1):
                    best[other] = there
                    heapq.heappush(heap, (there, other))
        return False

    def drop_corners(self, stay: set[int]) -> None:
        """Drop corners where nothing earns and few links meet, until none is left."""
        todo = list(range(len(self.at)))
        waiting = [True] * len(self.at)
        while todo:
            node = todo.pop()
            waiting[node] = False
            links = [self.links[link] for link in self.at[node]]
            if node in stay or len(links) > MOST_STREETS or any(k[3] >= 0 for k in links):
                continue
            ways = [(a + b - node, length) for a, b, length, _ in links]
            for link in list(self.at[node]):
                self.remove(link)
            new = [
                self.add(ways[i][0], ways[j][0], ways[i][1] + ways[j][1])
                for i in range(len(ways))
                for j in range(i)
            ]
            for added in new:
                if added is not None and added in self.links and self._is_spare(added):
                    self.remove(added)
            for other, _ in ways:
                if not waiting[other]:
                    waiting[other] = True
                    todo.append(other)
