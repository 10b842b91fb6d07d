"""What reading kept, dropped and inferred: for people, and for the next step."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from patrolmap._files import replacing, replacing_folder
from patrolmap.errors import OptionError, SourceNotFoundError
from patrolmap.events._facts import FORM, facts
from patrolmap.events._page import page, said_harm
from patrolmap.events._text import FORMULA
from patrolmap.events.rows.sieve import MENDS, ON_PURPOSE
from patrolmap.events.times.lag import Lag

MOST_CATEGORIES = 6
FILES = ("report.txt", "report.html", "report.json", "rejects.csv")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
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
    lag : Lag or None
        Days from an event to its registration, where the source has a column of it: `median`,
        `ninetieth`, `after_week`, `after_month`, `negative`, and `complete_until`, the day from
        which on fewer than 95 % of events can be expected to be registered yet.

    Examples
    --------
    >>> import pandas as pd
    >>> from patrolmap.events import check_events
    >>> table = pd.DataFrame({"date": ["2024-05-01 20:30", "31.06.2024"], "lon": [76.9, 76.9],
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
    lag: Lag | None = None

    def __repr__(self) -> str:
        gone = self.rows - self.kept
        return f"EventsReport({self.source!r}: {self.rows:,} rows, {gone:,} dropped)"

    def __str__(self) -> str:
        return self.summary()

    @property
    def fallen(self) -> dict[str, int]:
        """Rows dropped for a fault of theirs: `dropped` without what was left out on purpose."""
        return {reason: n for reason, n in self.dropped.items() if reason not in ON_PURPOSE}

    def summary(self) -> str:
        """Write the report as text: counts first, then why, then what was inferred.

        Examples
        --------
        >>> import pandas as pd
        >>> from patrolmap.events import check_events
        >>> table = pd.DataFrame({"date": ["2024-05-01 20:30", "31.06.2024"], "lon": [76.9, 76.9],
        ...                       "lat": [43.2, 43.2]})
        >>> print(check_events(table, kind="crime", tz="Asia/Almaty").summary())
        the table: 2 rows, 1 kept, 1 dropped
        <BLANKLINE>
        Dropped
          1  unreadable date: row 2 (31.06.2024)
             write dates as 2024-01-31 20:30, or say their form with time_format=
        <BLANKLINE>
        Kept
          map       crime
          from      2024-05-01 20:30
          to        2024-05-01 20:30 (Asia/Almaty)
          time      to the minute 1
          place     76.900..76.900 E, 43.200..43.200 N
          category  unknown 1
        <BLANKLINE>
        Read as
          no column of ids: events are numbered by their row
          category unknown: no column
          date from 'date'
          place from 'lon' and 'lat', in EPSG:4326 (they look like degrees)
          result in EPSG:32643
        """
        told = facts(self)
        gone = self.rows - self.kept
        lines = [f"{told['source']}: {self.rows:,} rows, {self.kept:,} kept, {gone:,} dropped"]
        if self.dropped:
            lines += ["", "Dropped", *self._why()]
        lines += ["", "Kept", *_what(told), "", "Read as", *(f"  {note}" for note in told["notes"])]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data, fit for JSON; nothing of a single event but rejects.

        Returns
        -------
        dict
            form (str, changes with the keys), source, kind, rows, kept; dropped (list of reason,
            rows, mend, examples: up to 3 of row, given, wanted, short); time (first, last: ISO
            8601 or None, tz, precision: word -> events); lag (None, or the attributes of `lag`,
            days as ISO dates, and text); place (west, south, east, north in degrees to 100 m,
            crs); category, severity (word -> events, the most common first, "not told" for
            those without); harm (known, unknown: events, days: their sum); police_initiated
            (events); notes (list of str).

        Examples
        --------
        >>> import pandas as pd
        >>> from patrolmap.events import check_events
        >>> table = pd.DataFrame({"date": ["2024-05-01 20:30", "31.06.2024"], "lon": [76.9, 76.9],
        ...                       "lat": [43.2, 43.2]})
        >>> told = check_events(table, kind="crime", tz="Asia/Almaty").to_dict()
        >>> told["dropped"][0]["examples"]
        [{'row': 2, 'given': '31.06.2024', 'wanted': 'a date'}]
        >>> told["time"]["precision"]
        {'minute': 1}
        """
        return facts(self)

    def to_json(self) -> str:
        """Write `to_dict` as JSON text.

        Examples
        --------
        >>> import pandas as pd
        >>> from patrolmap.events import check_events
        >>> table = pd.DataFrame({"date": ["2024-05-01"], "lon": [76.9], "lat": [43.2]})
        >>> json.loads(check_events(table, kind="crime", tz="Asia/Almaty").to_json())["kept"]
        1
        """
        return json.dumps(facts(self), ensure_ascii=False, allow_nan=False, indent=1)

    def to_html(self) -> str:
        """Write the report as one page that opens offline: no script, every text escaped.

        Examples
        --------
        >>> import pandas as pd
        >>> from patrolmap.events import check_events
        >>> table = pd.DataFrame({"date": ["2024-05-01"], "<script>": ["theft"], "lon": [76.9],
        ...                       "lat": [43.2]})
        >>> told = check_events(table, kind="crime", tz="Asia/Almaty",
        ...                     columns={"category": "<script>"})
        >>> page = told.to_html()
        >>> "&lt;script&gt;" in page, "<script" in page
        (True, False)
        """
        return page(facts(self))

    def save(self, folder: str | Path) -> Path:
        """Write report.txt, report.html, report.json and rejects.csv; return the folder.

        The folder appears whole or not at all. One that holds an earlier report is replaced.

        Raises
        ------
        OptionError
            If the folder holds anything else.

        Examples
        --------
        >>> import tempfile
        >>> import pandas as pd
        >>> from patrolmap.events import check_events
        >>> table = pd.DataFrame({"date": ["2024-05-01"], "lon": [76.9], "lat": [43.2]})
        >>> report = check_events(table, kind="crime", tz="Asia/Almaty")
        >>> with tempfile.TemporaryDirectory() as office:
        ...     print(sorted(path.name for path in report.save(office + "/checked").iterdir()))
        ['rejects.csv', 'report.html', 'report.json', 'report.txt']
        """
        target = Path(folder).resolve()
        require_report(target)
        with replacing_folder(target) as draft:
            for name, text in (
                ("report.txt", self.summary() + "\n"),
                ("report.html", self.to_html()),
                ("report.json", self.to_json() + "\n"),
            ):
                (draft / name).write_text(text, encoding="utf-8", newline="\n")
            self.write_rejects(draft / "rejects.csv")
        return target

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
        require_target(target)
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


def _what(told: Mapping[str, Any]) -> list[str]:
    """Write what was kept."""
    time, place = told["time"], told["place"]
    lines = [f"  map       {told['kind']}"]
    if time["first"]:
        lines.append(f"  from      {time['first'][:16].replace('T', ' ')}")
        lines.append(f"  to        {time['last'][:16].replace('T', ' ')} ({time['tz']})")
    words = {"minute": "to the minute", "hour": "to the hour",
             "period": "to some hours of a day", "day": "to the day",
             "month": "to the month", "unknown": "unknown"}  # fmt: skip
    precise = (f"{words[word]} {count:,}" for word, count in time["precision"].items())
    lines.append("  time      " + ", ".join(precise))
    lines += [f"  lag       {told['lag']['text']}"] if told["lag"] else []
    lines.append(
        f"  place     {place['west']:.3f}..{place['east']:.3f} E, "
        f"{place['south']:.3f}..{place['north']:.3f} N"
    )
    lines.append("  category  " + _listed(told["category"]))
    if set(told["severity"]) - {"not told"}:
        lines.append("  severity  " + _listed(told["severity"]))
    if told["harm"]["known"]:
        lines.append(f"  harm      {said_harm(told['harm'])}")
    if told["police_initiated"]:
        lines.append(f"  police    {told['police_initiated']:,} found by their own work")
    return lines


def _listed(counts: Mapping[str, int]) -> str:
    named = [f"{word} {count:,}" for word, count in list(counts.items())[:MOST_CATEGORIES]]
    rest = len(counts) - MOST_CATEGORIES
    return ", ".join([*named, *([f"and {rest} more"] if rest > 0 else [])])


def require_target(path: Path) -> None:
    """Raise unless a file can be written there."""
    if path.is_dir():
        raise OptionError(f"{path} is a folder; wanted the name of a file.")
    if not path.parent.is_dir():
        raise SourceNotFoundError(f"{path.parent} is not there; make the folder first.")


def require_report(folder: Path) -> None:
    """Raise unless a folder is new, empty, or holds an earlier report and nothing else."""
    if not folder.is_dir():
        blocking = next((one for one in (folder, *folder.parents) if one.exists()), folder)
        if blocking.exists() and not blocking.is_dir():
            raise OptionError(f"{blocking} is a file; wanted a folder for the report.")
        return
    found = sorted(entry.name for entry in folder.iterdir())
    others = [name for name in found if name not in FILES]
    if found and not others:
        try:
            told = json.loads((folder / "report.json").read_text(encoding="utf-8"))
            others = [] if told["form"].startswith(FORM[:-1]) else found
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            others = found
    if others:
        raise OptionError(
            f"{folder} holds what no report wrote, e.g. {others[0]}; choose a new or empty folder, "
            "so that nothing of yours is lost."
        )


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
