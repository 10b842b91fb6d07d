"""The real cities at ../shared, for tests marked `shared`."""

from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"


def shared_file(name: str) -> Path:
    """Return a file of ../shared/data, or skip the test and say why."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{path} is absent: real cities are read only where ../shared is")
    return path
