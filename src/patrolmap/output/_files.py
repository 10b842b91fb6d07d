"""Files that are either whole or not there: written beside their place, then moved into it."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from patrolmap.errors import OptionError


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a path to write to; on leaving, it takes the place of `path` in one step.

    Missing folders are made. Where the block raises, `path` stays as it was.

    Raises
    ------
    OptionError
        If `path` is a folder.
    """
    target = Path(path)
    if target.is_dir():
        raise OptionError(f"{target} is a folder; wanted the name of a file in it.")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name[:60]}.{secrets.token_hex(4)}.part")
    try:
        yield part
        part.replace(target)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
