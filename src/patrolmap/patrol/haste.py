"""What is left of the time that a plan may take, for what comes after the search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Haste:
    """Until when some work should be done; it is done in any case, only worse.

    Attributes
    ----------
    elapsed : function
        Says the seconds on that clock.
    until : float
        When to be done, infinite without a limit.
    """

    elapsed: Callable[[], float]
    until: float

    @property
    def left(self) -> float:
        """Seconds until then, at least 0."""
        return max(0.0, self.until - self.elapsed())

    def late(self) -> bool:
        """Return whether the time has gone."""
        return self.elapsed() >= self.until

    def parted(self, parts: int) -> list[Haste]:
        """Return when each of several pieces of work, one after the other, should be done.

        What one does not use, those after it have.

        Examples
        --------
        >>> [part.until for part in Haste(elapsed=lambda: 2.0, until=6.0).parted(4)]
        [3.0, 4.0, 5.0, 6.0]
        """
        if self.until == float("inf"):
            return [self] * parts
        now = self.elapsed()
        step = (self.until - now) / max(parts, 1)
        return [replace(self, until=now + step * (i + 1)) for i in range(parts)]


AT_LEISURE = Haste(elapsed=lambda: 0.0, until=float("inf"))
