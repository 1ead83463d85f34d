"""Feeds parsers, one after the other, each in a process of its own: python -m tests.fuzz [--seconds N] [PARSER ...]

An input that does harm is kept in build/fuzz. Once the parser is mended it belongs into tests/fuzz/corpus.
"""

import argparse
import hashlib
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.parsers import PARSERS

_KEPT = Path("build/fuzz")
_IN_MEMORY = Path("/dev/shm")
"""Where folders are made and removed a hundred times faster than on a disk."""
_START_SECONDS = 1_800
"""What a process may take beyond its time: imports, valid inputs, and the search for the smallest input."""


def main() -> int:
    """Feed the parsers that the command line names, or all; 1 if one of them did harm."""
    words = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Feed parsers what nobody would write.")
    words.add_argument("--seconds", type=float, default=600, help="for all parsers together")
    words.add_argument("--seed", type=int, default=random.randrange(2**32))
    words.add_argument("parsers", nargs="*", metavar="PARSER", help=f"of {', '.join(PARSERS)}")
    asked = words.parse_args()
    names = asked.parsers or list(PARSERS)
    if unknown := [name for name in names if name not in PARSERS]:
        words.error(f"no parser is called {unknown[0]}: there are {', '.join(PARSERS)}")
    print(f"seed {asked.seed}, {asked.seconds:,.0f} s for {len(names)} parsers", flush=True)
    harmed = [name for name in names if not _feed(name, asked.seconds / len(names), asked.seed)]
    print(f"harm was done by {', '.join(harmed)}" if harmed else "no harm was done")
    return bool(harmed)


def _feed(name: str, seconds: float, seed: int) -> bool:
    """Feed one parser, and say what came of it; whether it did no harm."""
    fast = str(_IN_MEMORY) if _IN_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="byheart-fuzz-", dir=fast) as folder:
        file = Path(folder) / "input"
        command = [sys.executable, "-m", "tests.fuzz.child", name, str(seconds), str(seed), str(file)]
        try:
            done = subprocess.run(
                command,
                env=os.environ | {"TMPDIR": folder},
                capture_output=True,
                text=True,
                errors="replace",
                timeout=seconds + _START_SECONDS,
                check=False,
            )
            code, printed, said = done.returncode, done.stdout.strip().splitlines(), done.stderr
        except subprocess.TimeoutExpired as error:
            code, printed, said = -1, [], f"it did not end\n{error.stderr!r}"
        if code == 0:
            print(f"{name}: {int(printed[-1]):,} inputs in {seconds:,.0f} s, no harm", flush=True)
            return True
        data = file.read_bytes() if file.exists() else b""
    _KEPT.mkdir(parents=True, exist_ok=True)
    kept = _KEPT / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}"
    kept.write_bytes(data)
    kept.with_name(f"{kept.name}.txt").write_text(said, encoding="utf-8")
    last = next((line for line in said.splitlines()[::-1] if "HarmError" in line), said.strip().rpartition("\n")[2])
    print(f"{name}: harm (exit code {code}): {last[:300]}: {kept} is the input of {len(data):,} bytes", flush=True)
    return False


if __name__ == "__main__":
    sys.exit(main())
