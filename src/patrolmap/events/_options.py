"""Options of one reading: what the caller says, else what the preset says, checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

import pandas as pd

from patrolmap.errors import OptionError
from patrolmap.events._columns import Roles, listing
from patrolmap.events._preset import FOLDER, ROOT, Preset, check_form, load_preset
from patrolmap.events._text import as_text
from patrolmap.events.harm import Harm, open_harm
from patrolmap.events.places.boundary import read_boundary
from patrolmap.events.times.intervals import moment, zone
from patrolmap.schema import EVENT_KINDS

SAMPLE = 200  # dates that a preset's form of dates is tried on


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of one reading, checked."""

    kind: str
    preset: Preset
    tz: tzinfo | None
    columns: Mapping[str, str | None] | None
    source_crs: Any
    crs: Any
    time_format: str | None
    layer: str | None
    area: Any
    now: pd.Timestamp
    harm: Harm | None

    @property
    def notes(self) -> tuple[str, ...]:
        """Which preset was used."""
        preset = self.preset
        return () if preset.name == ROOT else (f"preset {preset.name!r}: {preset.title}",)

    def form_of(self, table: pd.DataFrame, roles: Roles) -> str | None:
        """Return the form of dates: the caller's, or the preset's where the dates are so written.

        Exports of one source differ: what the preset says of the form is only a help.
        """
        if self.time_format is not None or self.preset.time_format is None:
            return self.time_format
        role = roles.start()
        if role is None or role in roles.named:
            return None
        values = table[roles.found[role]]
        if values.dtype.kind in "iufM":
            return None
        text = pd.Series(as_text(values.dropna().iloc[:SAMPLE]).to_pandas()).dropna()
        zoned = "%z" in self.preset.time_format or "%Z" in self.preset.time_format
        read = pd.to_datetime(
            text.astype("str"), format=self.preset.time_format, errors="coerce", utc=zoned
        )
        return self.preset.time_format if read.notna().mean() > 0.5 else None


def settle(
    *, kind: str | None, preset: Any, tz: Any, now: Any, boundary: Any, harm: Any, **rest: Any
) -> Options:
    """Put what the caller says over what the preset says.

    Raises
    ------
    OptionError
        If the kind is missing, is none, or is not the preset's, or `columns` or the form of
        dates cannot be used.
    """
    shape = load_preset(ROOT if preset is None else preset)
    if kind is None and shape.kind is None:
        names = sorted(path.stem for path in FOLDER.glob("*.toml") if load_preset(path.stem).kind)
        raise OptionError(
            f"kind= is missing; wanted one of {list(EVENT_KINDS)}, or a preset that states it: "
            f"{listing(names)}."
        )
    if kind is not None and kind not in EVENT_KINDS:
        raise OptionError(f"kind={kind!r}; wanted one of {list(EVENT_KINDS)}.")
    if kind is not None and shape.kind not in (None, kind):
        raise OptionError(
            f"kind={kind!r}, but the preset {shape.name!r} reads the map of kind {shape.kind!r}; "
            "leave kind= out, or choose another preset."
        )
    home = zone(shape.tz if tz is None else tz)
    _require_columns(rest.get("columns"))
    if rest.get("time_format") is not None:
        check_form(rest["time_format"])
    return Options(
        kind=str(kind or shape.kind), preset=shape, tz=home, area=read_boundary(boundary),
        now=moment(now, home), harm=open_harm(harm), **rest,
    )  # fmt: skip


def _require_columns(columns: Any) -> None:
    if columns is None:
        return
    if not isinstance(columns, Mapping) or not all(
        isinstance(name, str | None) for name in columns.values()
    ):
        raise OptionError(
            f"columns={columns!r}"[:100] + "; wanted role -> column, e.g. {'date': 'Occurred on'}."
        )
