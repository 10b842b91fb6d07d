"""Words in the reader's language, from gettext catalogues that lie beside the code as text.

A catalogue is compiled in memory when it is first used, so that no compiled file can be stale.
"""

import functools
import gettext
import io
from importlib import resources
from typing import Any

from patrolmap.errors import OptionError

LANGUAGES = ("en", "kk", "ru")


def check_language(lang: object) -> str:
    """Return `lang` if there are words in it.

    Raises
    ------
    OptionError
        If not; lists the languages there are.

    Examples
    --------
    >>> check_language("kk")
    'kk'
    """
    if not isinstance(lang, str) or lang not in LANGUAGES:
        raise OptionError(f"lang={lang!r}; wanted one of {list(LANGUAGES)}.")
    return lang


def words(lang: str, domain: str) -> gettext.NullTranslations:
    """Return the translations of a language: `.gettext(text)`, `.ngettext(one, many, n)`.

    English is what the texts are written in: it has no catalogue.

    Examples
    --------
    >>> russian = words("ru", "map")
    >>> [russian.ngettext("{n} crew", "{n} crews", n).format(n=n) for n in (1, 2, 5)]
    ['1 наряд', '2 наряда', '5 нарядов']
    """
    if lang == "en":
        return gettext.NullTranslations()
    return _translations(lang, domain)


def word_table(lang: str, domain: str) -> dict[str, str | list[str]]:
    """Return a catalogue for a page: text -> its translation, or its plural forms in order.

    Examples
    --------
    >>> word_table("ru", "map")["{n} crew"]
    ['{n} наряд', '{n} наряда', '{n} нарядов']
    """
    if lang == "en":
        return {}
    table: dict[str, str | list[str]] = {}
    for message in _catalogue(lang, domain):
        if message.id and message.string and not message.fuzzy:
            plural = isinstance(message.id, tuple)
            name = message.id[0] if plural else message.id
            table[name] = list(message.string) if plural else message.string
    return table


@functools.cache
def _catalogue(lang: str, domain: str) -> Any:
    from babel.messages.pofile import read_po

    text = (resources.files("patrolmap.output") / "locale" / lang / f"{domain}.po").read_bytes()
    return read_po(io.BytesIO(text), locale=lang)


@functools.cache
def _translations(lang: str, domain: str) -> gettext.NullTranslations:
    from babel.messages.mofile import write_mo

    compiled = io.BytesIO()
    write_mo(compiled, _catalogue(lang, domain))
    compiled.seek(0)
    return _Translations(compiled)


class _Translations(gettext.GNUTranslations):
    """A catalogue in which no text is none; gettext keeps the catalogue's header there."""

    def gettext(self, message: str) -> str:
        return super().gettext(message) if message else ""
