"""Equal-split kernels by walking every path from an event: slow, and plain to see."""

import math
from collections.abc import Callable

import numpy as np

from patrolmap.streets.network import StreetNetwork

Arm = tuple[int, int]  # row of a segment, and the end (0 start, 1 end) by which one enters it


class Paths:
    """All paths from one event, as (row of a segment, end entered by, metres walked, share)."""

    def __init__(
        self,
        streets: StreetNetwork,
        *,
        bandwidth: float,
        method: str,
        dead_end: str = "reflect",
        least: float = 0.0,
    ) -> None:
        """Paths with a share of `least` or below are followed no further."""
        self.length = streets.length_mm / 1000
        self.ends = np.column_stack(streets.ends)
        self.walk = streets.segments["walk"].to_numpy()
        self.bandwidth, self.method, self.dead_end = bandwidth, method, dead_end
        self.least = least
        self.arms: dict[int, list[Arm]] = {}
        for row in np.flatnonzero(self.walk):
            for end in (0, 1):
                self.arms.setdefault(int(self.ends[row, end]), []).append((int(row), end))

    def of(self, row: int, offset: float) -> list[tuple[int, int, float, float]]:
        """Walk from an event; on its own segment paths begin at a distance below 0."""
        found: list[tuple[int, int, float, float]] = []
        whole = self.length[row]
        at_node = self.method == "esd" and min(offset, whole - offset) <= 1
        if at_node:
            node = int(self.ends[row, 0 if 2 * offset <= whole else 1])
            arms = self.arms[node]
            lost = len(arms) == 1 and self.dead_end == "absorb"
            waiting = [(arm, 0.0, 1.0 if lost else 2 / len(arms)) for arm in arms]
        else:
            waiting = [((row, 0), -offset, 1.0), ((row, 1), offset - whole, 1.0)]
        while waiting:
            (i, end), walked, share = waiting.pop()
            found.append((i, end, walked, share))
            there = walked + self.length[i]
            if there < self.bandwidth and abs(share) > self.least:
                came = (i, 1 - end)
                node = int(self.ends[i, 1 - end])
                arms = self.arms[node]
                for arm in arms:
                    waiting.append((arm, there, share * self._goes_on(len(arms), arm == came)))
        return found

    def _goes_on(self, n: int, back: bool) -> float:
        if n == 1:
            return 1.0 if self.dead_end == "reflect" else 0.0
        if self.method == "esd":
            return 0.0 if back else 1 / (n - 1)
        return 2 / n - 1 if back else 2 / n

    def density(
        self, row: int, offset: float, target: int, at: float, k: Callable[[float], float]
    ) -> float:
        """Sum the kernel k(u) / bandwidth of an event at a place on a segment."""
        total = 0.0
        for i, end, walked, share in self.of(row, offset):
            if i == target:
                r = walked + (at if end == 0 else self.length[i] - at)
                if walked < 0:  # on its own segment, before it has left it
                    r = abs(at - offset) if (at >= offset) == (end == 0) else math.inf
                if 0 <= r <= self.bandwidth:
                    total += share * k(r / self.bandwidth) / self.bandwidth
        return total

    def mass(self, row: int, offset: float, integral: Callable[[float], float]) -> np.ndarray:
        """Integrate along each segment; `integral(u)` is that of k from 0 to u."""
        out = np.zeros(len(self.length))
        for i, _, walked, share in self.of(row, offset):
            near, far = (
                min(max(r / self.bandwidth, 0.0), 1.0) for r in (walked, walked + self.length[i])
            )
            out[i] += share * (integral(far) - integral(near))
        return out


def quartic(u: float) -> float:
    return 15 / 16 * (1 - u * u) ** 2


def quartic_integral(u: float) -> float:
    return 15 / 16 * (u - 2 * u**3 / 3 + u**5 / 5)


def gaussian(u: float) -> float:
    return 3 / (math.sqrt(2 * math.pi) * math.erf(3 / math.sqrt(2))) * math.exp(-4.5 * u * u)


def epanechnikov(u: float) -> float:
    return 0.75 * (1 - u * u)
