"""What a table's contract is made of."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["str", "int", "float", "bool", "time", "geometry", "list"]


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table: its name, kind of value, unit and meaning."""

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    nullable: bool = False
    allowed: tuple[str, ...] | None = None
    minimum: float | None = None


@dataclass(frozen=True, kw_only=True)
class Table:
    """The contract of one table: index levels first, then columns in order."""

    name: str
    index: tuple[Column, ...]
    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        """Names of the columns, the index left out."""
        return [column.name for column in self.columns]


def ids(name: str, kind: Kind, meaning: str) -> Column:
    """Declare a column of ids."""
    return Column(name=name, kind=kind, meaning=meaning)
