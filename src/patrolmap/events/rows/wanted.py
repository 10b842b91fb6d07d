"""Which rows of a source a preset reads at all."""

from difflib import get_close_matches

import numpy as np

from patrolmap.errors import SchemaError
from patrolmap.events._columns import headers, listing, plain_name
from patrolmap.events._preset import Preset
from patrolmap.events._shown import shown
from patrolmap.events._text import coded, fold, short
from patrolmap.events.rows.sieve import LEFT_OUT, Ints, Sieve
from patrolmap.events.sources.source import Source


def _lacking(source: Source, preset: Preset, plain: str, by_name: dict[str, str]) -> str:
    near = get_close_matches(plain, list(by_name), n=2)
    hint = f" Did you mean {listing(by_name[name] for name in near)}?" if near else ""
    return (
        f"the preset {preset.name!r} chooses rows by the column {plain!r}, which {source.name} "
        f"lacks.{hint} It has {headers(source.table.columns)}."
    )


def sift_wanted(sieve: Sieve, source: Source, preset: Preset) -> tuple[str, ...]:
    """Let rows fall that the preset does not keep; a column that the source lacks filters none.

    Raises
    ------
    SchemaError
        If the source lacks a column by which the user's own file chooses rows.
    """
    by_name = {plain_name(name): name for name in reversed(source.table.columns)}
    notes = []
    for filters, keep in ((preset.keep, True), (preset.drop, False)):
        for plain, wanted in filters.items():
            if plain not in by_name:
                if plain in preset.required:
                    raise SchemaError(_lacking(source, preset, plain, by_name))
                notes.append(f"no column {plain!r}: its rows are not told apart, all are read")
                continue
            values = source.table[by_name[plain]]
            codes, texts = coded(values)
            hit = np.array([*(fold(text) in wanted for text in texts), "" in wanted])[codes]
            named = ", ".join(sorted(wanted)[:3]) + (", ..." if len(wanted) > 3 else "")

            def given(at: Ints, values=values, wanted=wanted):  # type: ignore[no-untyped-def]
                cells = values.iloc[at].tolist()
                return [short(c) if fold(str(c)) in wanted else shown(c) for c in cells]

            sieve.drop(
                ~hit if keep else hit, LEFT_OUT, given=given,
                wanted=f"{plain} {'one of' if keep else 'none of'} {named}",
            )  # fmt: skip
    return tuple(notes)
