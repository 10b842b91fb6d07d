"""What a report says, as plain data: its text, its page and its JSON all show this."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from patrolmap._crs import to_lonlat
from patrolmap.events._text import UNSEEN, short
from patrolmap.events.rows.sieve import MENDS
from patrolmap.events.times.lag import Lag
from patrolmap.schema import CATEGORIES, SEVERITIES, TIME_PRECISIONS

if TYPE_CHECKING:
    from patrolmap.events.report import EventsReport

FORM = "patrolmap events report 1"
MOST_EXAMPLES = 3
DIGITS = 3  # of a degree: 100 m; an extent, not the place of one event


def facts(report: "EventsReport") -> dict[str, Any]:
    """Put a report into dicts, lists, text and numbers; keys as `EventsReport.to_dict` lists."""
    events = report.events
    return {
        "form": FORM,
        "source": short(report.source, most=80),
        "kind": report.kind,
        "rows": report.rows,
        "kept": report.kept,
        "dropped": [
            {
                "reason": reason,
                "rows": count,
                "mend": MENDS[reason],
                "examples": _examples(report.rejects, reason),
            }
            for reason, count in report.dropped.items()
        ],
        "time": _time(events),
        "lag": _lag(report.lag),
        "place": _place(events),
        "category": _counts(events["category"], CATEGORIES),
        "severity": _counts(events["severity"], SEVERITIES),
        "harm": _harm(events["harm"]),
        "police_initiated": int(events["police_initiated"].sum()),
        "notes": [UNSEEN.sub(" ", note).strip() for note in report.notes],
    }


def _examples(rejects: pd.DataFrame, reason: str) -> list[dict[str, Any]]:
    fallen = rejects[rejects["reason"] == reason].iloc[:MOST_EXAMPLES]
    return [
        {"row": int(row), "given": short(given, most=60), "wanted": short(wanted, most=120)}
        for row, given, wanted in zip(fallen["row"], fallen["given"], fallen["wanted"], strict=True)
    ]


def _time(events: pd.DataFrame) -> dict[str, Any]:
    known = events["occurred_from"].dropna()
    spread = (known.min(), known.max()) if len(known) else (None, None)
    return {
        "first": spread[0] and spread[0].isoformat(timespec="minutes"),
        "last": spread[1] and spread[1].isoformat(timespec="minutes"),
        "tz": str(events["occurred_from"].dt.tz),
        "precision": _counts(events["time_precision"], TIME_PRECISIONS),
    }


def _lag(lag: Lag | None) -> dict[str, Any] | None:
    if lag is None:
        return None
    return {
        "column": UNSEEN.sub(" ", lag.column),
        "counted": lag.counted,
        "negative": lag.negative,
        "median": _number(lag.median),
        "ninetieth": _number(lag.ninetieth),
        "after_week": _number(lag.after_week),
        "after_month": _number(lag.after_month),
        "latest": None if lag.latest is None else f"{lag.latest:%Y-%m-%d}",
        "complete_until": None if lag.complete_until is None else f"{lag.complete_until:%Y-%m-%d}",
        "text": lag.text(),
    }


def _place(events: Any) -> dict[str, Any]:
    points = shapely.get_coordinates(events.geometry.array)
    lon, lat = to_lonlat(events.crs, points[:, 0], points[:, 1])
    return {
        "west": round(float(lon.min()), DIGITS),
        "south": round(float(lat.min()), DIGITS),
        "east": round(float(lon.max()), DIGITS),
        "north": round(float(lat.max()), DIGITS),
        "crs": events.crs.to_string(),
    }


def _counts(values: pd.Series, words: tuple[str, ...]) -> dict[str, int]:
    """Count words, the most common first; "not told" is counted where it is something's lack."""
    counts = values.value_counts()
    order = {word: at for at, word in enumerate(words)}
    found = sorted(counts.items(), key=lambda item: (-item[1], order[str(item[0])]))
    told = {str(word): int(count) for word, count in found}
    lacking = int(values.isna().sum())
    return told | ({"not told": lacking} if lacking else {})


def _harm(values: pd.Series) -> dict[str, Any]:
    days = values.to_numpy(dtype=np.float64)
    known = np.isfinite(days)
    with np.errstate(over="ignore"):
        total = float(days[known].sum())
    return {
        "known": int(known.sum()),
        "unknown": int((~known).sum()),
        "days": round(total, 1) if math.isfinite(total) else None,
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def shares(counts: Mapping[str, int]) -> list[tuple[str, int, str]]:
    """Return word, count and share of each.

    Examples
    --------
    >>> shares({"minute": 995, "day": 5, "hour": 0})
    [('minute', 995, '99.5 %'), ('day', 5, '0.5 %'), ('hour', 0, '0 %')]
    """
    total = sum(counts.values()) or 1
    return [(word, n, _percent(n / total)) for word, n in counts.items()]


def _percent(share: float) -> str:
    if 0 < share < 0.0005:
        return "< 0.1 %"
    return f"{100 * share:.1f} %".replace(".0 %", " %")
