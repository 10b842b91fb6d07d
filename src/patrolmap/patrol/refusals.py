"""What is refused in several shifts, told at once: it is then left out at once, too."""

from __future__ import annotations

from types import TracebackType

from patrolmap.errors import DepotError, InfeasibleError


class Refusals:
    """Lets the work on other shifts go on where one is refused.

    Examples
    --------
    >>> refusals = Refusals()
    >>> for shift in ("early", "late"):
    ...     with refusals:
    ...         raise InfeasibleError(f"{shift}: no way", shift=shift)
    >>> refusals.settle()
    Traceback (most recent call last):
    patrolmap.errors.InfeasibleError: early: no way
    """

    def __init__(self) -> None:
        self._errors: list[DepotError | InfeasibleError] = []

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: object, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, DepotError | InfeasibleError):
            return False
        self._errors.append(error)
        return True

    def settle(self) -> None:
        """Raise the first error, if there was one; it knows of the others."""
        if self._errors:
            first, *others = self._errors
            first.others = tuple(others)
            raise first
