"""A first run says that it compiles; later ones find the kernels on disk and say nothing."""

import importlib.util
import logging
import sys
import time

import pytest

from patrolmap._kernels.compiling import compile_clock

TWO = """
from patrolmap._kernels.compiling import inlined, inner, kernel

@inlined
def _twice(x):
    return x + x

@inner("float64(float64)")
def _more(x):
    return _twice(x) + 1.0

@kernel("float64(float64)")
def most(x):
    return _more(x) + 1.0
"""


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Import a module of kernels anew, as a fresh process does."""
    path = tmp_path / "two_kernels.py"
    path.write_text(TWO, encoding="utf-8")

    def again():
        spec = importlib.util.spec_from_file_location("two_kernels", path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "two_kernels", module)
        spec.loader.exec_module(module)
        return module

    return again


def test_a_module_says_once_that_it_compiles_and_nothing_when_it_comes_from_disk(load, caplog):
    caplog.set_level(logging.INFO, logger="two_kernels")
    with compile_clock() as compiling:
        assert load().most(3.0) == 8.0
    assert [r.getMessage() for r in caplog.records] == [
        "compiling two_kernels: some seconds, once on this machine"
    ]
    assert compiling() > 0
    caplog.clear()
    with compile_clock() as compiling:
        assert load().most(3.0) == 8.0
    assert not caplog.records
    assert compiling() == 0


def test_the_clock_counts_no_other_work():
    with compile_clock() as compiling:
        time.sleep(0.05)
        assert compiling() == 0
