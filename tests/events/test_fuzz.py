"""Whatever a file holds: a table or a named error, no row lost, nothing else."""

import os
from pathlib import Path

import pandas as pd
import pytest

import fuzz_events
from fuzz_events import Result, fuzz, read_one
from mangle import mangle
from patrolmap.events import EventsReport, check_events

FILES = 2000


@pytest.fixture(scope="module")
def result() -> Result:
    return fuzz(0, FILES, jobs=2)


def test_every_mangled_file_gives_a_table_or_a_named_error(result: Result) -> None:
    said = "\n".join(f"seed {one['seed']}: {one['failure']}" for one in result.failures[:5])
    assert result.failures == [], said


def test_the_mangled_files_are_of_every_outcome(result: Result) -> None:
    """Files that all fail at the door, or none at all, would test little."""
    assert sum(result.outcomes.values()) == FILES
    tables = result.outcomes["a table"] + result.outcomes["a table, rows dropped"]
    assert 0.15 * FILES < tables < 0.6 * FILES
    for outcome in ("a table, rows dropped", "SourceFormatError", "SchemaError", "CRSError"):
        assert result.outcomes[outcome] > 0.02 * FILES, outcome


@pytest.mark.parametrize("seed", range(0, 400, 7))
def test_a_seed_makes_the_same_file(seed: int) -> None:
    one, other = mangle(seed), mangle(seed)
    assert (one.name, one.options) == (other.name, other.options)
    same = one.data == other.data if isinstance(one.data, bytes) else alike(one.data, other.data)
    assert same


def alike(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Tell whether tables hold the same, whatever it is."""
    return [str(c) for c in one.columns] == [str(c) for c in other.columns] and repr(
        one.to_numpy().tolist()
    ) == repr(other.to_numpy().tolist())


@pytest.mark.parametrize("trouble", [ValueError("raw"), KeyError("raw"), MemoryError()])
def test_an_exception_of_another_make_is_found(tmp_path, monkeypatch, trouble: Exception) -> None:
    def fail(*_: object, **__: object) -> None:
        raise trouble

    monkeypatch.setattr("patrolmap.events.check_events", fail)
    outcome, wrong = read_one(1, tmp_path)
    assert outcome == "wrong" and wrong is not None and type(trouble).__name__ in wrong


def test_a_count_that_does_not_add_up_is_found(tmp_path, monkeypatch, crimes) -> None:
    report = check_events(crimes(), kind="crime", tz="Asia/Almaty")
    short = EventsReport(**{**vars(report), "rows": report.rows + 1})
    monkeypatch.setattr("patrolmap.events.check_events", lambda *_, **__: short)
    _, wrong = read_one(1, tmp_path)
    assert wrong is not None and "rows == kept + dropped" in wrong


def test_a_file_that_kills_the_process_is_told_by_its_seed(tmp_path, monkeypatch) -> None:
    """A process that dies on seed 3 is started anew behind it."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "sys.path.insert(0, os.environ['BENCHMARKS'])\n"
        "import mangle\n"
        "real = mangle.mangle\n"
        "mangle.mangle = lambda seed: os.abort() if seed == 3 else real(seed)\n"
    )
    path = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))
    monkeypatch.setenv("BENCHMARKS", str(Path(fuzz_events.__file__).parent))
    result = fuzz(0, 6, jobs=1)
    assert [one["seed"] for one in result.failures] == [3]
    assert "Abort" in result.failures[0]["failure"]
    assert result.outcomes["crash or hang"] == 1 and sum(result.outcomes.values()) == 6
