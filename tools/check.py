"""Run every check of the project in this Python's environment: `python tools/check.py`.

`python tools/check.py ruff mypy` runs only those. All are run even if one fails; the exit code
then is 1. What a check prints is shown when it fails; pytest is shown as it goes.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHECKS = {
    "ruff": ["-m", "ruff", "check", "."],
    "format": ["-m", "ruff", "format", "--check", "."],
    "mypy": ["-m", "mypy"],
    "imports": ["-c", "from importlinter.cli import lint_imports_command as run; run()"],
    "kernels": ["tools/compile_kernels.py"],
    "pytest": [
        "-m",
        "pytest",
        "--numprocesses=auto",
        "--dist=loadfile",
        "--no-loadscope-reorder",
    ],
}


def run(name: str) -> tuple[bool, float]:
    """Run one check; return whether it passed, and its seconds."""
    live = name == "pytest"
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, *CHECKS[name]],
        cwd=ROOT,
        check=False,
        text=True,
        encoding="utf-8",
        errors="replace",
        stdout=None if live else subprocess.PIPE,
        stderr=None if live else subprocess.STDOUT,
    )
    if done.returncode and not live:
        print(done.stdout, flush=True)
    return done.returncode == 0, time.monotonic() - started


def main() -> int:
    """Run the checks named on the command line, or all; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("checks", nargs="*", help=f"out of: {', '.join(CHECKS)} (default all)")
    wanted = parser.parse_args().checks or list(CHECKS)
    if unknown := [name for name in wanted if name not in CHECKS]:
        parser.error(f"no such check: {', '.join(unknown)}; wanted {', '.join(CHECKS)}")
    failed = []
    for name in wanted:
        passed, seconds = run(name)
        print(f"{name:8} {'ok' if passed else 'FAILED':6} {seconds:7.1f} s", flush=True)
        if not passed:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
