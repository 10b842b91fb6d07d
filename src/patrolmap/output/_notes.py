"""What a plan says of itself in words, in the reader's language.

Notes and reasons are English sentences with figures in them, made where risk is estimated and
routes are planned, and kept in the plan's file as they are. A catalogue holds these sentences with
holes for the figures; a sentence is found by its words, its figures are put into the translation.
What no catalogue knows stays as it is.
"""

import functools
import re

from patrolmap.output._text import one_line
from patrolmap.output._words import word_table, words

_NUMBER = r"[\d.,e+-]+"
_HOLES = {
    "events": r"1 event|[\d,]+ events", "kind": r"\w+", "day": r"[\d.]+", "end": r"[\d.]+",
    "share": rf"{_NUMBER} ?%", "part": rf"{_NUMBER} ?%", "parts": r"\w+ \d+%(?:, \w+ \d+%)*",
    "what": "[^;]+", "how": "[^;]+", "text": ".+", "mode": r"\w+", "from": r"[\d:]+",
    "to": r"[\d:]+", "rule": r"\w+", "said": ".+", "span": r"[\dhmins ]+",
    "took": r"[\dhmins ]+", "had": r"[\dhmins ]+", "term": r"[\dhmins ]+", "own": ".+",
    "over": "(?:,? over its duties)?", "where": "in its sector|in these streets",
    "open": "(?: that .+ leaves? open)?",
}  # fmt: skip
_AS_IT_IS = {"day", "end", "text", "from", "to", "rule", "own"}
_KINDS = {"crime": "crimes", "accident": "accidents", "juvenile": "juvenile offences",
          "call": "calls"}  # fmt: skip


def told_note(note: object, lang: str) -> str:
    """Return a note or a reason of a plan in a language.

    Examples
    --------
    >>> told_note("the hour is unknown for 625 of 6,070 events: every hour counts alike for them",
    ...           "ru").replace("\N{NO-BREAK SPACE}", " ")
    'час неизвестен: 625 из 6 070 событий; все часы для них равны'
    >>> told_note("risk 0.0027, pass 2 (crime 41%, accident 59%)", "kk")
    'тәуекел 0,0027, 2-өту (қылмыс 41 %, ЖКО 59 %)'
    >>> told_note("written by hand", "ru")
    'written by hand'
    """
    text = one_line(note)
    if lang == "en":
        return text
    for pattern, message in _sentences(lang):
        found = pattern.fullmatch(text)
        if found is not None:
            figures = found.groupdict()
            said = {name: _figure(name, value, lang) for name, value in figures.items()}
            return words(lang, "notes").gettext(message).format(**said)
    return text


@functools.cache
def _sentences(lang: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return the sentences of a catalogue as patterns; the holes are groups."""
    out = []
    for message, said in word_table(lang, "notes").items():
        if isinstance(said, str):
            parts = re.split(r"\{(\w+)\}", message)
            for k in range(1, len(parts), 2):
                parts[k] = f"(?P<{parts[k]}>{_HOLES.get(parts[k], _NUMBER)})"
            # a name with an apostrophe stands in the other quotes
            parts[::2] = [re.escape(part).replace("'", "['\"]") for part in parts[::2]]
            out.append((re.compile("".join(parts)), message))
    return tuple(out)


def _figure(name: str, value: str, lang: str) -> str:
    """Write what stands in a hole as the language does."""
    notes, shared = words(lang, "notes"), words(lang, "map")
    if name in _AS_IT_IS:
        return value
    if name == "events":
        n = int(value.split()[0].replace(",", ""))
        return notes.ngettext("{n} event", "{n} events", n).format(n=_number(value.split()[0]))
    if name in ("what", "how", "said"):
        return told_note(value, lang)
    if name == "open":
        rules = re.findall(r"\w+_\w+='[\d:]+'|unlit='\w+'|no_go", value)
        return f" ({', '.join(rules)})" if rules else ""
    if name == "where":
        return notes.gettext(value)
    if name == "over":
        return notes.gettext(value) if value else ""
    if name == "kind":
        return shared.gettext(_KINDS.get(value, value))
    if name == "mode":
        return shared.gettext(value)
    if name == "parts":
        rows = (part.rsplit(" ", 1) for part in value.split(", "))
        return ", ".join(f"{shared.gettext(kind)} {share[:-1]} %" for kind, share in rows)
    if name == "term":
        value = re.sub(r"(\d)([a-z])", r"\1 \2", value)
    if name in ("span", "took", "had", "term"):
        return " ".join(notes.gettext(word) for word in value.split())
    return _number(value).replace("%", " %").replace("  %", " %")


def _number(text: str) -> str:
    return text.replace(",", "\N{NO-BREAK SPACE}").replace(".", ",")
