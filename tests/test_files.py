"""Files and folders that are whole or not there at all."""

import os
import stat
from pathlib import Path

import pytest

from patrolmap._files import replacing, replacing_folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_whole_with_its_folders(tmp_path: Path) -> None:
    target = tmp_path / "new" / "card.txt"
    with replacing(target) as draft:
        draft.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"
    assert names(target.parent) == ["card.txt"]


@pytest.mark.parametrize("trouble", [RuntimeError, KeyboardInterrupt])
def test_a_failure_half_way_leaves_the_old_file_and_no_litter(
    tmp_path: Path, trouble: type[BaseException]
) -> None:
    target = tmp_path / "card.txt"
    target.write_text("old")
    with pytest.raises(trouble), replacing(target) as draft:
        draft.write_text("ha")
        raise trouble
    assert target.read_text() == "old"
    assert names(tmp_path) == ["card.txt"]


def test_a_folder_takes_the_place_of_the_old_one_whole(tmp_path: Path) -> None:
    target = tmp_path / "routes"
    target.mkdir()
    (target / "old.txt").write_text("old")
    with replacing_folder(target) as draft:
        (draft / "new.txt").write_text("new")
        assert names(target) == ["old.txt"]
    assert names(target) == ["new.txt"]
    assert names(tmp_path) == ["routes"]


@pytest.mark.parametrize("trouble", [RuntimeError, KeyboardInterrupt])
def test_a_failure_half_way_leaves_the_old_folder_and_no_litter(
    tmp_path: Path, trouble: type[BaseException]
) -> None:
    target = tmp_path / "routes"
    target.mkdir()
    (target / "old.txt").write_text("old")
    with pytest.raises(trouble), replacing_folder(target) as draft:
        (draft / "new.txt").write_text("new")
        raise trouble
    assert names(target) == ["old.txt"]
    assert names(tmp_path) == ["routes"]


def test_when_the_new_folder_cannot_be_moved_the_old_one_is_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "routes"
    target.mkdir()
    (target / "old.txt").write_text("old")
    rename = Path.rename

    def refuse_the_draft(self: Path, new: Path) -> Path:
        if new == target and not self.name.endswith(".old"):
            raise OSError("disk full")
        return rename(self, new)

    monkeypatch.setattr(Path, "rename", refuse_the_draft)
    with pytest.raises(OSError, match="disk full"), replacing_folder(target) as draft:
        (draft / "new.txt").write_text("new")
    assert names(target) == ["old.txt"]
    assert names(tmp_path) == ["routes"]


def test_a_file_in_the_place_of_a_folder_is_kept_and_named(tmp_path: Path) -> None:
    target = tmp_path / "routes"
    target.write_text("a file")
    with pytest.raises(NotADirectoryError, match="routes is a file"), replacing_folder(target):
        pass
    assert target.read_text() == "a file"


@pytest.mark.skipif(os.name != "posix", reason="Windows has no umask")
def test_others_may_read_the_folder_as_the_umask_says(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    with replacing_folder(tmp_path / "routes"):
        pass
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "routes")]
    assert modes[0] == modes[1]
