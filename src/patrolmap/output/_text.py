"""Text from records, made safe for where it will stand: HTML, JSON in a page, print, file names.

Names of streets, depots and shifts come from files that anyone may have edited, so nothing here
trusts them. On the map they travel as JSON and are shown with `textContent`; the helpers below are
what makes that true.
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from patrolmap.errors import OptionError

_SEEN = {"Cc": " ", "Cs": " ", "Zl": " ", "Zp": " ", "Cf": ""}
_JOINERS = "\u200c\u200d"
_HTML_UNSAFE = "&<>\"'`${}\\"
_RESERVED = {"con", "prn", "aux", "nul"} | {f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10)}
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def escape_html(text: object) -> str:
    """Write text so that neither HTML, a JavaScript template nor a Jinja template acts on it.

    Examples
    --------
    >>> escape_html("<b>${x}</b>")
    '&#60;b&#62;&#36;&#123;x&#125;&#60;/b&#62;'
    """
    return "".join(f"&#{ord(c)};" if c in _HTML_UNSAFE else c for c in str(text))


def json_for_html(value: Any) -> str:
    r"""Write a value as JSON that cannot end the `<script>` element it stands in.

    Examples
    --------
    >>> json_for_html({"name": "</script>"})
    '{"name":"\\u003c/script\\u003e"}'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def one_line(text: object) -> str:
    r"""Return text as one line without control characters, as XML and PDF need it.

    Unseen signs go too, among them those that turn the direction of writing round: after one, the
    rest of a line would read backwards. Joiners stay, which some scripts spell with.

    Examples
    --------
    >>> one_line("Abay\n avenue\x00 "), one_line("\u202eyabA")
    ('Abay avenue', 'yabA')
    """
    plain = str(text)
    if not plain.isprintable():
        plain = "".join(_SEEN.get(unicodedata.category(c), c) if c not in _JOINERS else c
                        for c in plain)  # fmt: skip
    # U+FFFE and U+FFFF are no characters of XML 1.0.
    return " ".join(plain.replace("\ufffe", " ").replace("\uffff", " ").split())


def file_names(texts: Iterable[str]) -> list[str]:
    """Turn ids into file names without an ending: safe on every system, none twice.

    Letters and digits of any script stay; everything else becomes a dash.

    Examples
    --------
    >>> file_names(["Night 1", "../night 1", "Түн: 2"])
    ['Night-1', 'night-1-2', 'Түн-2']
    """
    taken: set[str] = set()
    out: list[str] = []
    for text in texts:
        plain = unicodedata.normalize("NFC", text)
        stem = re.sub(r"[^\w]+", "-", plain).strip("-_")[:60].strip("-_") or "route"
        if stem.lower() in _RESERVED:
            stem = f"{stem}-route"
        name, number = stem, 1
        while name.lower() in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.lower())
        out.append(name)
    return out


def named_file(path: str | Path) -> Path:
    """Return a path that may be written to.

    Raises
    ------
    OptionError
        If it is a folder.
    """
    target = Path(path)
    if target.is_dir():
        raise OptionError(f"{target} is a folder; wanted the name of a file in it.")
    return target


def clock(moment: pd.Timestamp) -> str:
    """Write the time of day as crews read it.

    Examples
    --------
    >>> clock(pd.Timestamp("2026-11-22 20:04:59+05:00"))
    '20:04'
    """
    return f"{moment.hour:02d}:{moment.minute:02d}"


def span(start: pd.Timestamp, end: pd.Timestamp, lang: str = "en") -> str:
    """Write an interval in words of `lang` that do not depend on the machine's locale.

    Examples
    --------
    >>> span(pd.Timestamp("2026-11-22 20:00+05:00"), pd.Timestamp("2026-11-23 02:00+05:00"))
    'Sun 22 Nov 2026, 20:00–02:00'
    >>> span(pd.Timestamp("2026-11-22 20:00+05:00"), pd.Timestamp("2026-11-24 02:00+05:00"))
    'Sun 22 Nov 2026, 20:00 – Tue 24 Nov 2026, 02:00'
    >>> span(pd.Timestamp("2026-11-22 20:00+05:00"), pd.Timestamp("2026-11-23 02:00+05:00"), "ru")
    'вс, 22 нояб. 2026 г., 20:00–02:00'
    """
    if end - start < pd.Timedelta("24h"):
        return f"{day(start, lang)}, {clock(start)}–{clock(end)}"
    return f"{day(start, lang)}, {clock(start)} – {day(end, lang)}, {clock(end)}"


def km(metres: float) -> str:
    """Write a length the way a card shows it.

    Examples
    --------
    >>> km(85.2), km(12345)
    ('85 m', '12.3 km')
    """
    return f"{metres:.0f} m" if metres < 995 else f"{metres / 1000:.1f} km"


def share(part: float, whole: float) -> str:
    """Write a share in per cent, or a dash where the whole is nothing.

    Examples
    --------
    >>> share(1, 8), share(0, 0)
    ('12.5 %', '–')
    """
    return f"{100 * part / whole:.1f} %" if whole > 0 else "–"


def day(moment: pd.Timestamp, lang: str = "en") -> str:
    """Write a date with its weekday, as `span` does.

    Examples
    --------
    >>> day(pd.Timestamp("2026-11-22")), day(pd.Timestamp("2026-11-22"), "kk")
    ('Sun 22 Nov 2026', '2026 ж. 22 қар., жс')
    """
    if lang != "en":
        from babel.dates import format_skeleton

        text = str(format_skeleton("yMMMEd", moment.to_pydatetime(), locale=lang))
        return text.replace("\u202f", " ")  # a space that few fonts have
    month = _MONTHS[moment.month - 1]
    return f"{_WEEKDAYS[moment.weekday()]} {moment.day} {month} {moment.year}"
