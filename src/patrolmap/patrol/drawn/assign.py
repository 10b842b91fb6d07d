"""Whose line is whose: drawn lines to the crews of the shifts."""

from collections.abc import Sequence
from difflib import get_close_matches

from patrolmap.errors import OptionError
from patrolmap.events._columns import listing
from patrolmap.events._text import fold
from patrolmap.patrol.drawn.lines import Drawn
from patrolmap.patrol.shifts import Shift, route_id


def assign(lines: Sequence[Drawn], shifts: Sequence[Shift]) -> tuple[list[list[Drawn]], list[str]]:
    """Return the lines of each crew, crews in the order of the shifts, and what was inferred.

    Lines go by their labels: the route_id of a plan ("night-2"), or a shift's name where it has
    one crew. Where no label fits any crew, lines of one label (or each line, without labels) go to
    one crew, in their order; all of them, where there is one crew.

    Raises
    ------
    OptionError
        If some labels fit and others do not, or lines and crews are not as many.
    """
    crews = [(shift, number) for shift in shifts for number in range(1, shift.crews + 1)]
    names = _names(crews)
    found = [next((names[k] for k in map(_key, line.labels) if k in names), None) for line in lines]
    out: list[list[Drawn]] = [[] for _ in crews]
    if any(crew is not None for crew in found):
        _require_all(lines, found, crews)
        for line, crew in zip(lines, found, strict=True):
            out[crew or 0].append(line)
        idle = [route_id(*crews[i]) for i, mine in enumerate(out) if not mine]
        return out, [f"no line is drawn for {', '.join(idle)}"] if idle else []
    if len(crews) == 1:
        return [list(lines)], []
    labels = [line.labels[0] if line.labels else f" {i}" for i, line in enumerate(lines)]
    order = list(dict.fromkeys(labels))
    if len(order) != len(crews):
        raise OptionError(
            f"{len(order)} drawn routes for {len(crews)} crews, and none is named as a crew is "
            f"({listing([route_id(*crew) for crew in crews], most=6)}); name the lines so in a "
            "column route_id, or give one line a crew."
        )
    for line, label in zip(lines, labels, strict=True):
        out[order.index(label)].append(line)
    return out, ["lines are taken by the crews in their order: no line is named as a crew is"]


def _names(crews: Sequence[tuple[Shift, int]]) -> dict[str, int]:
    """Return every way in which a label may name a crew; what may mean two means none."""
    ways: dict[str, set[int]] = {}
    for row, (shift, number) in enumerate(crews):
        said = [route_id(shift, number), f"{shift.name} {number}", f"{shift.name} · crew {number}"]
        said += [str(shift.name)] if shift.crews == 1 else []
        for one in said:
            ways.setdefault(_key(one), set()).add(row)
    exact = {_key(route_id(*crew)): row for row, crew in enumerate(crews)}
    return {key: next(iter(rows)) for key, rows in ways.items() if len(rows) == 1} | exact


def _key(label: str) -> str:
    return fold(label).replace("_", " ")


def _require_all(
    lines: Sequence[Drawn], found: Sequence[int | None], crews: Sequence[tuple[Shift, int]]
) -> None:
    for line, crew in zip(lines, found, strict=True):
        if crew is None:
            names = [route_id(*one) for one in crews]
            label = line.labels[0] if line.labels else "nothing"
            near = get_close_matches(label, names, n=3)
            raise OptionError(
                f"{line.where} is named {label!r}, as no crew is; wanted one of "
                f"{listing(near or names, most=6)}. Rename it, or leave it out."
            )
