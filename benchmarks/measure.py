"""Measuring, shared by the benchmarks: the machine, stages, memory, fresh processes, the docs."""

import functools
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs" / "measured.md"


def machine() -> str:
    """Name the machine: processor, cores this process may use, memory, Python."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0))
    return (
        f"{_processor()}, {cores} cores, {memory:.0f} GB, {platform.system()}, "
        f"Python {platform.python_version()}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def peak_mb() -> float:
    """Return the most memory this process has held, in MB (the kernel's VmHWM)."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1e6 if sys.platform == "darwin" else 1e3)


@dataclass
class Stages:
    """Wall seconds by stage, in the order in which stages first began."""

    seconds: dict[str, float] = field(default_factory=dict)

    def timed(self, stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return `call`, whose time is added to a stage."""
        self.seconds.setdefault(stage, 0.0)

        @functools.wraps(call)
        def wrapped(*args: Any, **options: Any) -> Any:
            began = time.perf_counter()
            try:
                return call(*args, **options)
            finally:
                self.seconds[stage] += time.perf_counter() - began

        return wrapped

    def watch(self, owner: Any, name: str, stage: str) -> None:
        """Count every call of `owner.name` from now on."""
        setattr(owner, name, self.timed(stage, getattr(owner, name)))


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What a process did: its wall seconds from start to exit, and what it said."""

    seconds: float
    said: str

    @property
    def told(self) -> Any:
        """The JSON in the last line of what it said."""
        return json.loads(self.said.strip().splitlines()[-1])


def run(command: Sequence[str | Path], *, cache: Path | None = None) -> Ran:
    """Run a command in a process of its own; `cache` holds what numba compiles.

    Raises
    ------
    RuntimeError
        With the end of what it said, if it failed.
    """
    extra: Mapping[str, str] = {} if cache is None else {"NUMBA_CACHE_DIR": str(cache)}
    began = time.perf_counter()
    done = subprocess.run(
        [str(part) for part in command], env=os.environ | extra, cwd=ROOT, text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    if done.returncode != 0:
        raise RuntimeError(f"{command} gave {done.returncode}:\n{done.stderr[-2000:]}")
    return Ran(seconds=seconds, said=done.stdout)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a Markdown table."""
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def write_section(heading: str, command: str, text: str) -> None:
    """Put text in the place of a section of the page of measurements, under its command."""
    before, _, after = DOCS.read_text(encoding="utf-8").partition(f"{heading}\n")
    _, mark, rest = after.partition("\n## ")
    tail = f"\n## {rest}" if mark else ""
    section = f"{heading}\n\n```sh\n{command}\n```\n\n{text}\n"
    DOCS.write_text(f"{before.rstrip()}\n\n{section}{tail}", encoding="utf-8")
