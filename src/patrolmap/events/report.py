"""What reading kept, dropped and inferred: for people, and for the next step."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd

from patrolmap._files import replacing
from patrolmap.errors import SourceNotFoundError
from patrolmap.events._sieve import MENDS
from patrolmap.events._text import short

FORMULA = ("=", "+", "-", "@", "\t", "\r")
MOST_CATEGORIES = 6


@dataclass(frozen=True, kw_only=True, eq=False)
class EventsReport:
    """What became of the rows of one source.

    Attributes
    ----------
    source : str
        Name of the file, or "the table".
    kind : str
        Which map it is.
    rows, kept : int
        Rows in the source, and how many of them are events; the rest is in `dropped`.
    dropped : mapping
        Reason -> number of rows; `rows == kept + sum(dropped.values())`.
    rejects : DataFrame
        One row a rejected row: row (from 1, the header not counted), reason, given, wanted,
        event_id. Nothing else of the source survives here either.
    notes : tuple of str
        What was inferred: encoding, separator, which column serves which role, CRS, hours.
    events : GeoDataFrame
        The events kept (`patrolmap.schema.EVENTS`).

    Examples
    --------
    >>> import pandas as pd
    >>> from patrolmap.events import check_events
    >>> table = pd.DataFrame({"date": ["2024-05-01 20:30", "soon"], "lon": [76.9, 76.9],
    ...                       "lat": [43.2, 43.2]})
    >>> report = check_events(table, kind="crime", tz="Asia/Almaty")
    >>> dict(report.dropped)
    {'unreadable date': 1}
    """

    source: str
    kind: str
    rows: int
    kept: int
    dropped: Mapping[str, int]
    rejects: pd.DataFrame
    notes: tuple[str, ...]
    events: gpd.GeoDataFrame

    def summary(self) -> str:
        """Write the report as text: counts first, then why, then what was inferred.

        Examples
        --------
        >>> import pandas as pd
        >>> from patrolmap.events import check_events
        >>> table = pd.DataFrame({"date": ["2024-05-01 20:30", "soon"], "lon": [76.9, 76.9],
        ...                       "lat": [43.2, 43.2]})
        >>> print(check_events(table, kind="crime", tz="Asia/Almaty").summary())
        the table: 2 rows, 1 kept, 1 dropped
        <BLANKLINE>
        Dropped
          1  unreadable date: row 2 (soon)
             write dates as 2024-01-31 20:30, or say their form with time_format=
        <BLANKLINE>
        Kept
          map       crime
          from      2024-05-01 20:30
          to        2024-05-01 20:30 (Asia/Almaty)
          time      to the minute 1
          place     76.9000..76.9000 E, 43.2000..43.2000 N
          category  unknown 1
        <BLANKLINE>
        Read as
          no column of ids: events are numbered by their row
          category unknown: no column
          date from 'date'
          place from 'lon' and 'lat', in EPSG:4326 (they look like degrees)
          result in EPSG:32643
        """
        gone = self.rows - self.kept
        name = short(self.source, most=80)
        lines = [f"{name}: {self.rows:,} rows, {self.kept:,} kept, {gone:,} dropped"]
        if self.dropped:
            lines += ["", "Dropped", *self._why()]
        lines += ["", "Kept", *self._what(), "", "Read as", *(f"  {note}" for note in self.notes)]
        return "\n".join(lines)

    def write_rejects(self, path: str | Path) -> Path:
        """Write the rejected rows as CSV (UTF-8), whole or not at all; return the path.

        A cell that a spreadsheet would run as a formula gets an apostrophe before it.

        Raises
        ------
        SourceNotFoundError
            If the folder is not there.

        Examples
        --------
        >>> import tempfile
        >>> import pandas as pd
        >>> from patrolmap.events import check_events
        >>> table = pd.DataFrame({"date": ["2024-05-01", "=1+1"], "lon": [76.9, 76.9],
        ...                       "lat": [43.2, 43.2]})
        >>> report = check_events(table, kind="crime", tz="Asia/Almaty")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     print(report.write_rejects(folder + "/rejects.csv").read_text().splitlines()[1])
        2,unreadable date,'=1+1,a date,crime:row 2
        """
        target = Path(path)
        if not target.parent.is_dir():
            raise SourceNotFoundError(f"{target.parent} is not there; make the folder first.")
        safe = self.rejects.copy()
        for name in safe.columns.difference(["row"]):
            cells = safe[name].fillna("").astype("str")
            safe[name] = cells.where(~cells.str.startswith(FORMULA), "'" + cells)
        with replacing(target) as draft:
            safe.to_csv(draft, index=False, lineterminator="\n", encoding="utf-8")
        return target

    def _why(self) -> list[str]:
        width = max(len(f"{count:,}") for count in self.dropped.values())
        lines = []
        for reason, count in self.dropped.items():
            lines.append(f"  {count:>{width},}  {reason}: {examples(self.rejects, reason)}")
            lines.append(f"  {'':>{width}}  {MENDS[reason]}")
        return lines

    def _what(self) -> list[str]:
        events = self.events
        known = events["occurred_from"].dropna()
        lines = [f"  map       {self.kind}"]
        if len(known):
            lines.append(f"  from      {known.min():%Y-%m-%d %H:%M}")
            lines.append(f"  to        {known.max():%Y-%m-%d %H:%M} ({known.dt.tz})")
        words = {"minute": "to the minute", "hour": "to the hour", "day": "to the day",
                 "month": "to the month", "unknown": "unknown"}  # fmt: skip
        precise = events["time_precision"].value_counts()
        lines.append("  time      " + ", ".join(f"{words[k]} {n:,}" for k, n in precise.items()))
        west, south, east, north = events.geometry.to_crs(4326).total_bounds
        lines.append(f"  place     {west:.4f}..{east:.4f} E, {south:.4f}..{north:.4f} N")
        counts = events["category"].value_counts()
        named = [f"{short(k)} {n:,}" for k, n in counts.iloc[:MOST_CATEGORIES].items()]
        rest = len(counts) - MOST_CATEGORIES
        named += [f"and {rest} more kinds"] if rest > 0 else []
        return [*lines, "  category  " + ", ".join(named)]


def examples(rejects: pd.DataFrame, reason: str, most: int = 3) -> str:
    """Name the first rows that fell for a reason, with what they held.

    Examples
    --------
    >>> fallen = pd.DataFrame({"row": [3, 9], "reason": "far away", "given": ["1, 2", "3, 4"]})
    >>> examples(fallen, "far away", most=1)
    'row 3 (1, 2), ...'
    """
    fallen = rejects[rejects["reason"] == reason]
    first = fallen.iloc[:most]
    said = [f"row {row} ({given})" for row, given in zip(first["row"], first["given"], strict=True)]
    return ", ".join(said) + (", ..." if len(fallen) > most else "")
