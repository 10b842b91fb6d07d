"""Read mangled files of events: every outcome is a table or a named error, and no row is lost.

    python benchmarks/fuzz_events.py                        # 100,000 files, on all cores
    python benchmarks/fuzz_events.py --seed 4711 --count 1  # one file again
    python benchmarks/fuzz_events.py --count 5000 --jobs 2 --failures failed

`mangle.py` makes the file of each seed. What goes wrong is printed, and kept in the folder of
`--failures`: the file, how it was read and what happened, named by its seed. Wrong is an exception
that is no `PatrolmapError`, a warning that is none of ours, a message that a terminal would obey
or that is longer than a page, a count that does not add up, a file on which Python crashes, and
one that takes longer than `--limit` seconds.
"""

import argparse
import faulthandler
import itertools
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MOST_BYTES = 8 << 30  # of memory that one process may ask for
LONGEST = 3000  # letters of a message
OBEYED = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


@dataclass
class Result:
    """What became of many files."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[dict[str, Any]] = field(default_factory=list)

    def add(self, told: dict[str, Any]) -> None:
        """Take in what a process tells."""
        if "failure" in told:
            self.failures.append(told)
        self.outcomes[told["outcome"]] += 1


def main() -> int:
    """Read what is asked for; return 1 if anything went wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the first file")
    parser.add_argument("--count", type=int, default=100_000, help="how many files")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--limit", type=float, default=20.0, help="seconds that a file may take")
    parser.add_argument("--failures", type=Path, help="folder for what goes wrong")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child is not None:
        read_all(given.seed, given.count, limit=given.limit, work=given.child)
        return 0
    began = time.monotonic()
    result = fuzz(given.seed, given.count, jobs=given.jobs, limit=given.limit, say=True)
    if given.failures is not None:
        keep(result.failures, given.failures)
    print(f"{given.count:,} files in {time.monotonic() - began:,.0f} s, {given.jobs} processes")
    for outcome, count in result.outcomes.most_common():
        print(f"  {count:>9,}  {outcome}")
    for failure in result.failures[:20]:
        print(f"\nseed {failure['seed']}: {failure['failure']}")
    print(f"{len(result.failures):,} went wrong")
    return 1 if result.failures else 0


def fuzz(seed: int, count: int, *, jobs: int, limit: float = 20.0, say: bool = False) -> Result:
    """Read `count` files from a seed on, in processes of their own: one that dies is told."""
    result = Result()
    with tempfile.TemporaryDirectory() as folder:
        ends = [seed + count * n // jobs for n in range(jobs + 1)]
        parts = [
            _Part(first, last, limit, Path(folder, str(n)))
            for n, (first, last) in enumerate(itertools.pairwise(ends))
        ]
        while any(not part.done for part in parts):
            for part in parts:
                for told in part.news():
                    result.add(told)
            if say:
                left = sum(part.last - part.first for part in parts)
                print(f"\r{left:>9,} left, {len(result.failures)} wrong ", end="", file=sys.stderr)
            time.sleep(0.05)
    return result


class _Part:
    """One process that reads a run of seeds, started anew behind a file that it dies on."""

    def __init__(self, first: int, last: int, limit: float, work: Path) -> None:
        self.first, self.last, self.limit, self.work = first, last, limit, work
        self.done = first >= last
        work.mkdir()
        if not self.done:
            self._start()

    def _start(self) -> None:
        command = [
            sys.executable, str(Path(__file__).resolve()), "--seed", str(self.first), "--count",
            str(self.last - self.first), "--limit", str(self.limit), "--child", str(self.work),
        ]  # fmt: skip
        (self.work / "seed").write_text(str(self.first))
        self._said = (self.work / "said").open("a+b")
        self._faults = (self.work / "faults").open("w+b")
        self._read = 0
        self._process = subprocess.Popen(command, stdout=self._said, stderr=self._faults)

    def news(self) -> Iterator[dict[str, Any]]:
        """Yield what the process told since the last time."""
        if self.done:
            return
        code = self._process.poll()
        data = (self.work / "said").read_bytes()
        whole = data.rfind(b"\n") + 1
        for line in data[self._read : whole].splitlines():
            told = json.loads(line)
            self.first = told["seed"] + 1
            yield told
        self._read = whole
        if code is None:
            return
        if self.first < self.last:
            seed = int((self.work / "seed").read_text())
            faults = (self.work / "faults").read_text(errors="replace")[-3000:]
            said = f"the process ended with {code}:\n{faults}"
            yield {"seed": seed, "outcome": "crash or hang", "failure": said}
            self.first = seed + 1
        self._said.close()
        self._faults.close()
        self.done = self.first >= self.last
        if not self.done:
            (self.work / "said").unlink()
            self._start()


def read_all(seed: int, count: int, *, limit: float, work: Path) -> None:
    """Read a run of seeds in this process and tell of it, a line of JSON at a time."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    faulthandler.enable()
    for at in range(seed, seed + count):
        (work / "seed").write_text(str(at))
        faulthandler.dump_traceback_later(limit, exit=True)
        outcome, failure = read_one(at, work)
        faulthandler.cancel_dump_traceback_later()
        told: dict[str, Any] = {"seed": at, "outcome": outcome}
        print(json.dumps(told | ({"failure": failure} if failure else {})), flush=True)


def read_one(seed: int, folder: Path) -> tuple[str, str | None]:
    """Read the file of a seed; return the kind of outcome, and what went wrong if anything did."""
    from mangle import mangle
    from patrolmap.errors import PatrolmapError
    from patrolmap.events import check_events

    mangled = mangle(seed)
    source = mangled.data
    if isinstance(source, bytes):
        source = folder / mangled.name
        source.write_bytes(mangled.data)
    began = time.monotonic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            report = check_events(source, **mangled.options)
            wrong = _wrong_report(report)
        outcome = "a table" if report.kept == report.rows else "a table, rows dropped"
    except PatrolmapError as error:
        outcome, wrong = type(error).__name__, _wrong_message(str(error))
    except BaseException:
        outcome, wrong = "wrong", traceback.format_exc()
    finally:
        if isinstance(source, Path):
            source.unlink()
    took = time.monotonic() - began
    return outcome, wrong and f"{mangled.name} {mangled.options} ({took:.1f} s)\n{wrong}"


def _wrong_report(report: Any) -> str | None:
    """Say what does not add up in a report, None where all does."""
    events, rejects = report.events, report.rejects
    dropped = sum(report.dropped.values())
    checks = {
        "rows == kept + dropped": report.rows == report.kept + dropped,
        "a reject a row dropped": len(rejects) == dropped,
        "an event a row kept": len(events) == report.kept > 0,
        "each reject has a row of its own": rejects["row"].is_unique,
        "rejects are rows of the source": (rejects["row"] >= 1).all(),
        "metres": events.crs.is_projected,
        "a place": bool(events.geometry.is_valid.all()) and not events.geometry.is_empty.any(),
        "ids": events.index.is_unique,
        "ends do not come first": not (events["occurred_to"] < events["occurred_from"]).any(),
    }
    wrong = [name for name, good in checks.items() if not good]
    told = report.to_dict()
    json.dumps(told, allow_nan=False).encode()
    shown = report.summary() + " ".join(rejects["given"].fillna(""))
    if OBEYED.search(shown):
        wrong.append("a terminal would obey the report")
    if "<script" in report.to_html():
        wrong.append("the page has a script")
    return ", ".join(wrong) or None


def _wrong_message(message: str) -> str | None:
    """Say what is wrong with an error's message."""
    if not message.strip() or len(message) > LONGEST:
        return f"a message of {len(message):,} letters: {message[:300]!r}"
    if OBEYED.search(message):
        return f"a terminal would obey the message: {message[:500]!r}"
    return None


def keep(failures: list[dict[str, Any]], folder: Path) -> None:
    """Write each file that went wrong into a folder, and what happened beside it."""
    from mangle import mangle

    folder.mkdir(parents=True, exist_ok=True)
    for failure in failures:
        seed = failure["seed"]
        mangled = mangle(seed)
        if isinstance(mangled.data, bytes):
            (folder / f"{seed}-{mangled.name}").write_bytes(mangled.data)
        said = f"seed {seed}\noptions {mangled.options}\n\n{failure['failure']}\n"
        (folder / f"{seed}.txt").write_text(said, encoding="utf-8", errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
