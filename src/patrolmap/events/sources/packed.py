"""A zip with one file of events in it, or with the files of one shapefile."""

import errno
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from patrolmap.errors import SourceFormatError
from patrolmap.events._columns import listing
from patrolmap.events._text import short

# RuntimeError is how zipfile says that a password is wanted.
SPOILT = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError,
          ValueError, struct.error)  # fmt: skip
MOST_BYTES = 1 << 33  # unpacked: more is no export of events but a trap


@contextmanager
def unpacked(path: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """Yield the one file in a zip that can be read, unpacked into a folder that goes away again.

    Raises
    ------
    SourceFormatError
        If the zip is spoilt, locked or far too large, or holds no such file, or several.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            with zipfile.ZipFile(path) as archive:
                inner = _unpack(archive, path.name, Path(folder), suffixes)
        except SourceFormatError:
            raise
        except SPOILT as error:
            if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
                raise  # a full disk, not the zip
            raise SourceFormatError(
                f"{path.name} cannot be unpacked: {short(error, most=100)}. Export it again, "
                "unlocked."
            ) from error
        yield inner


def _unpack(archive: zipfile.ZipFile, name: str, folder: Path, suffixes: tuple[str, ...]) -> Path:
    """Unpack the one file that can be read, and what is called like it."""
    members = [info for info in archive.infolist() if not _is_clutter(info)]
    named = [info.filename for info in members]
    usable = [member for member in named if PurePosixPath(member).suffix.lower() in suffixes]
    if len(usable) != 1:
        said = f"{len(usable)} such files: {listing(usable, most=8)}" if usable else (
            f"none: {listing(named, most=8)}"
        )  # fmt: skip
        raise SourceFormatError(
            f"{name} should hold one file of {', '.join(suffixes)}; it has {said}. "
            "Unpack it and give the path of the file."
        )
    whole = PurePosixPath(usable[0])
    parts = [
        info for info in members
        if PurePosixPath(info.filename).with_suffix("") == whole.with_suffix("")
    ]  # fmt: skip
    if sum(info.file_size for info in parts) > MOST_BYTES:
        raise SourceFormatError(f"{name} would unpack to more than 8 GB; unpack it.")
    for info in parts:
        # The member's own folders are left out: a name like ../x leads nowhere.
        target = folder / PurePosixPath(info.filename).name
        with archive.open(info) as packed, target.open("wb") as plain:
            shutil.copyfileobj(packed, plain, 1 << 20)
    return folder / whole.name


def _is_clutter(info: zipfile.ZipInfo) -> bool:
    name = PurePosixPath(info.filename)
    folder = not name.name or info.filename.endswith("/")
    return folder or "__MACOSX" in name.parts or name.name.startswith(".")
