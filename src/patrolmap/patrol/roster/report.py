"""What reading a roster kept, dropped and inferred."""

from dataclasses import dataclass

import pandas as pd

from patrolmap.patrol.shifts import Shift

SHOWN = 5  # rejected rows that a text names


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ShiftsReport:
    """What became of the rows of one roster.

    Attributes
    ----------
    source : str
        Name of the file, or "the table".
    rows : int
        Rows of the roster; `rows == kept + len(rejects)`.
    shifts : list of Shift
        What the rows that were kept say, in their order; like rows without a crew's name of their
        own are one shift of several crews.
    rejects : DataFrame
        One row a rejected row: row (from 1, the header not counted), column, given, wanted.
    notes : tuple of str
        What was inferred: encoding, separator, which column serves which role.

    Examples
    --------
    >>> import pandas as pd, patrolmap as pm
    >>> roster = pd.DataFrame({"depot": ["43.27, 76.85", "the old mill"], "start": "20:00",
    ...                        "duration": "6h"})
    >>> report = pm.check_shifts(roster, tz="Asia/Almaty", date="2026-11-22")
    >>> report.kept, report.rejects[["row", "column", "given"]].values.tolist()
    (1, [[2, 'depot', 'the old mill']])
    """

    source: str
    rows: int
    shifts: list[Shift]
    rejects: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def kept(self) -> int:
        """How many rows were kept."""
        return self.rows - len(self.rejects)

    def __repr__(self) -> str:
        return f"ShiftsReport({self.source!r}: {self.rows:,} rows, {len(self.rejects):,} dropped)"

    def __str__(self) -> str:
        return self.summary()

    def summary(self) -> str:
        """Write the report as text: counts first, then why rows fell, then what was inferred."""
        crews = sum(shift.crews for shift in self.shifts)
        lines = [
            f"{self.source}: {self.rows:,} rows, {self.kept:,} kept, {len(self.rejects):,} "
            f"dropped; {len(self.shifts):,} shifts of {crews:,} crews"
        ]
        if len(self.rejects):
            lines += ["", "Dropped", *(f"  {one}" for one in self.said(most=len(self.rejects)))]
        if self.notes:
            lines += ["", "Read as", *(f"  {note}" for note in self.notes)]
        return "\n".join(lines)

    def said(self, most: int = SHOWN) -> list[str]:
        """Say of the first rejected rows which cell is wrong, and what was wanted."""
        return [
            f"row {one.row}: {one.column} is {one.given}; wanted {one.wanted}"
            for one in self.rejects.head(most).itertuples()
        ]
