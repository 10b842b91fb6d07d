"""Finding files and telling what they hold, before a reader trusts their name."""

import difflib
from pathlib import Path
from typing import Literal

from patrolmap.errors import OptionError, SourceFormatError, SourceNotFoundError

Form = Literal["osm", "table", "graph"]

# Longest first: .osm.pbf and .osm.gz before their last part.
_CONTENT: dict[str, tuple[Form, str]] = {
    ".osm.gz": ("osm", "gzip"),
    ".osm.bz2": ("osm", "bzip2"),
    ".pbf": ("osm", "OSM PBF"),
    ".osm": ("osm", "XML"),
    ".gpkg": ("table", "GeoPackage"),
    ".geoparquet": ("table", "Parquet"),
    ".parquet": ("table", "Parquet"),
    ".geojson": ("table", "JSON"),
    ".json": ("table", "JSON"),
    ".shp": ("table", "Shapefile"),
    ".graphml": ("graph", "GraphML"),
}
FORMS: tuple[Form, ...] = ("osm", "table", "graph")
SUFFIXES = {form: [s for s, (f, _) in _CONTENT.items() if f == form] for form in FORMS}
_MAGIC = (
    (b"SQLite format 3", "GeoPackage"),
    (b"PAR1", "Parquet"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"PK\x03\x04", "ZIP"),
    (b"\x00\x00\x27\x0a", "Shapefile"),
)


def find_file(source: str | Path, *, what: str) -> Path:
    """Return the path of a file that is there and holds something.

    Raises
    ------
    SourceNotFoundError
        Naming the files of the same folder that are spelt most like it.
    SourceFormatError
        If it is a folder, or empty.
    OptionError
        If it is no path.
    """
    if not isinstance(source, str | Path):
        raise OptionError(f"source is a {type(source).__name__}; wanted the path of {what}.")
    try:
        path = Path(source).expanduser()
        there, is_folder = path.exists(), path.is_dir()
    except (OSError, RuntimeError) as error:  # longer than any path, a home that nobody has
        raise SourceNotFoundError(
            f"{str(source)[:200]!r} is no path of a file: {getattr(error, 'strerror', error)}; "
            f"wanted {what} on this machine (nothing is fetched from the web)."
        ) from error
    if is_folder:
        raise SourceFormatError(f"{path} is a folder; wanted {what}.")
    if not there:
        raise SourceNotFoundError(
            f"there is no file {path}; wanted {what} on this machine (nothing is fetched from the "
            f"web). {_near(path)}"
        )
    if path.stat().st_size == 0:
        raise SourceFormatError(f"{path} is empty (0 bytes); fetch or export it again.")
    return path


def check_form(path: Path, *, allowed: tuple[Form, ...] = FORMS) -> Form:
    """Tell OSM files, tables and graphs by their names, and check that the content bears it out.

    Raises
    ------
    SourceFormatError
        If the ending is none that can be read here, or the content is something else.
    """
    name = path.name.lower()
    suffix = next((s for s in _CONTENT if name.endswith(s)), None)
    if suffix is None or _CONTENT[suffix][0] not in allowed:
        wanted = [s for form in allowed for s in SUFFIXES[form]]
        raise SourceFormatError(
            f"{path}: files ending in {path.suffix or 'nothing'} are not read here; "
            f"wanted one of {', '.join(wanted)}."
        )
    form, wanted_content = _CONTENT[suffix]
    try:
        with path.open("rb") as file:
            content = _content(file.read(512))
    except OSError as error:
        raise SourceFormatError(
            f"{path} cannot be opened: {error.strerror}; wanted a file that this account may read."
        ) from error
    if content != wanted_content:
        raise SourceFormatError(
            f"{path} should hold {wanted_content} by its name, but holds {content}; "
            f"{_mend(content)}."
        )
    return form


def _content(head: bytes) -> str:
    """Name what a file's first bytes say it is."""
    for magic, content in _MAGIC:
        if head.startswith(magic):
            return content
    if b"OSMHeader" in head[:64]:
        return "OSM PBF"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if b"<html" in text.lower() or text.lower().startswith(b"<!doctype html"):
        return "a web page (HTML)"
    if text.startswith(b"<"):
        return "GraphML" if b"<graphml" in text else "XML"
    if text.startswith((b"{", b"[")):
        return "JSON"
    return "something else"


def _mend(content: str) -> str:
    if content.startswith("a web page"):
        return "a download saved an error page in its place: fetch the file again"
    if content == "ZIP":
        return "unpack the archive first"
    endings = [suffix for suffix, (_, wanted) in _CONTENT.items() if wanted == content]
    if endings:
        return f"give it a name that ends in {' or '.join(endings)}"
    return "it may be cut short or damaged: fetch or export it again"


def _near(path: Path) -> str:
    """Say which files lie near a path that does not exist."""
    folder = path.parent
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    if folder != path.parent:
        inside = sorted(p.name for p in folder.iterdir() if p.is_dir())
        close = difflib.get_close_matches(path.parent.name, inside, n=3, cutoff=0.4)
        shown = close or inside[:5]
        return f"The folder {path.parent} is not there either; {folder} holds {shown}."
    names = sorted(p.name for p in folder.iterdir() if p.is_file())
    close = difflib.get_close_matches(path.name, names, n=3, cutoff=0.5)
    readable = [n for n in names if n.lower().endswith(tuple(_CONTENT))]
    if close:
        return f"Did you mean {' or '.join(close)}, in {folder.resolve()}?"
    if readable:
        return f"{folder.resolve()} holds {', '.join(readable[:5])}."
    return f"{folder.resolve()} holds no street file at all."
