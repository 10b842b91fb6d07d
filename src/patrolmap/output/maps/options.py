"""What can be chosen about a map."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from patrolmap.errors import OptionError
from patrolmap.output._words import check_language
from patrolmap.schema import require_type

AUDIENCES = ("official", "public")
Audience = Literal["official", "public"]


@dataclass(frozen=True, kw_only=True)
class MapOptions:
    """Settings of `explore` that few maps change.

    Attributes
    ----------
    cell_size : float
        Side of the cells of a public map, m; 100 or more: smaller ones are single houses.
    minimum : int
        Fewest events of one map that a cell of a public map shows; 3 or more: with fewer, those who
        know of one event learn of the other.
    rounding : int
        Counts on a public map are multiples of this, where that is not below the minimum.
    tiles : str
        Pictures of another base map, to switch on by hand: an https address with {z}, {x} and {y}.
        None by default, as each picture asked for tells its server where somebody looks.
    tiles_credit : str
        Whom those pictures are owed to.

    Raises
    ------
    OptionError
        If a value is out of its range.

    Examples
    --------
    >>> MapOptions(cell_size=1000).minimum
    5
    >>> MapOptions(minimum=0)
    Traceback (most recent call last):
    ...
    patrolmap.errors.OptionError: minimum=0; wanted a whole number of 3 or more.
    """

    cell_size: float = 500.0
    minimum: int = 5
    rounding: int = 5
    tiles: str = ""
    tiles_credit: str = ""

    def __post_init__(self) -> None:
        size = self.cell_size
        if isinstance(size, bool) or not isinstance(size, int | float) or not 100 <= size <= 1e5:
            raise OptionError(f"cell_size={size!r}; wanted metres from 100 to 100,000.")
        for name, least in (("minimum", 3), ("rounding", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise OptionError(f"{name}={value!r}; wanted a whole number of {least} or more.")
        if self.tiles:
            self._check_tiles()

    def _check_tiles(self) -> None:
        parts = urlsplit(self.tiles)
        holes = all(hole in parts.path + parts.query for hole in ("{z}", "{x}", "{y}"))
        plain = set(parts.netloc) <= _HOST
        if parts.scheme != "https" or not parts.netloc or not holes or not plain:
            raise OptionError(
                f"tiles={self.tiles!r}; wanted an address like "
                "https://tiles.example.org/{z}/{x}/{y}.png."
            )

    @property
    def tiles_origin(self) -> str:
        """Scheme and host of the tiles; empty without."""
        return f"https://{urlsplit(self.tiles).netloc}" if self.tiles else ""


def check_request(lang: object, audience: object, options: MapOptions | None) -> MapOptions:
    """Check what every map is asked: language, audience, settings; return the settings.

    Raises
    ------
    OptionError
        If one of them is unknown.

    Examples
    --------
    >>> check_request("kk", "public", None).minimum
    5
    """
    check_language(lang)
    if audience not in AUDIENCES:
        raise OptionError(f"audience={audience!r}; wanted one of {list(AUDIENCES)}.")
    chosen = MapOptions() if options is None else options
    require_type(chosen, MapOptions, name="options")
    return chosen


_HOST = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:")
