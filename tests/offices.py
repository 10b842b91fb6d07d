"""Offices: a copy of the sample with its config, which a test may spoil."""

import shutil
from pathlib import Path


def open_office(config: Path, folder: Path) -> Path:
    """Copy the config and the files around it into a folder of a test."""
    shutil.copytree(config.parent, folder)
    return folder


def spoil(home: Path, before: str, after: str) -> Path:
    """Change one thing in an office's config; return its path."""
    config = home / "district.toml"
    text = config.read_text(encoding="utf-8")
    assert before in text
    config.write_text(text.replace(before, after, 1), encoding="utf-8")
    return config
