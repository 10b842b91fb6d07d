"""Which rows of a source a preset reads at all."""

import numpy as np

from patrolmap.events._columns import plain_name
from patrolmap.events._preset import Preset
from patrolmap.events._text import coded, fold, shorts
from patrolmap.events.rows.sieve import LEFT_OUT, Ints, Sieve
from patrolmap.events.sources.source import Source


def sift_wanted(sieve: Sieve, source: Source, preset: Preset) -> tuple[str, ...]:
    """Let rows fall that the preset does not keep; a column that the source lacks filters none."""
    by_name = {plain_name(name): name for name in reversed(source.table.columns)}
    notes = []
    for filters, keep in ((preset.keep, True), (preset.drop, False)):
        for plain, wanted in filters.items():
            if plain not in by_name:
                notes.append(f"no column {plain!r}: its rows are not told apart, all are read")
                continue
            values = source.table[by_name[plain]]
            codes, texts = coded(values)
            hit = np.array([*(fold(text) in wanted for text in texts), "" in wanted])[codes]
            named = ", ".join(sorted(wanted)[:3]) + (", ..." if len(wanted) > 3 else "")

            def given(at: Ints, values=values) -> list[str]:  # type: ignore[no-untyped-def]
                return shorts(values, at)

            sieve.drop(
                ~hit if keep else hit, LEFT_OUT, given=given,
                wanted=f"{plain} {'one of' if keep else 'none of'} {named}",
            )  # fmt: skip
    return tuple(notes)
