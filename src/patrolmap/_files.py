"""Files that are whole or not there at all."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a draft path beside `target`; it takes the target's place when the block succeeds.

    A crash, a full disk or Ctrl-C leaves whatever stood there before.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "card.txt"
    >>> with replacing(target) as draft:
    ...     _ = draft.write_text("whole")
    >>> target.read_text()
    'whole'
    """
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder; wanted the name of a file.")
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    draft = folder / target.name
    try:
        yield draft
        draft.replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def replacing_folder(target: Path) -> Iterator[Path]:
    """Yield a draft folder; it takes the place of `target` whole when the block succeeds.

    Raises
    ------
    NotADirectoryError
        If a file stands where the folder should go.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "routes"
    >>> with replacing_folder(target) as draft:
    ...     _ = (draft / "card.txt").write_text("whole")
    >>> [path.name for path in target.iterdir()]
    ['card.txt']
    """
    if target.exists() and not target.is_dir():
        raise NotADirectoryError(f"{target} is a file; wanted a folder, or a new name.")
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    draft.mkdir()  # not mkdtemp: the folder is for others to read, as the umask says
    old = draft.with_name(draft.name + ".old")
    try:
        yield draft
        if target.exists():
            target.rename(old)
        try:
            draft.rename(target)
        except BaseException:
            if old.exists():
                old.rename(target)
            raise
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
