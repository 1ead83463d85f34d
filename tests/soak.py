"""Kills and faults, at random and many: nothing is computed twice, and nothing half-written is believed.

    python -m tests.soak --kills 100 --faults 1000 [--seed 7]

Runs of the sample are killed at random moments, at the stage and at the runner above it, over a local store and over
gs:// on a server that fails now and then; in between, parts of the local store are damaged. Then sixteen threads write
and read objects through a storm of faults. What is left must be what an undisturbed run leaves, to the byte.
"""

import argparse
import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from byheart.store import Store, open_store
from tests.conftest import BOOK, ROOT, launch_command
from tests.gcs import GcsServer

SETTINGS = ("cursor_inc=5", "slice_length=600", "dpi=20", "batch_size=16")
"""Some eight thousand windows, eight parts."""
FINISHED = re.compile(r"/part-\d+\.parquet$")
ABOUT = "about.json"
LONGEST_SECONDS = 12.0
"""The latest moment of a kill: a run that was not disturbed takes about three times as long."""
STORM = 0.25
WEATHER = 0.05
"""Shares of calls that fail while objects are written, and while runs are killed."""


class Place(NamedTuple):
    """A store that runs are killed over."""

    kind: str
    address: str
    folder: Path
    """Where its results lie."""

    @property
    def out(self) -> Path:
        return self.folder / "out"


class Soak:
    """Counts what was done, and what must not have happened."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.random = folder, random.Random(seed)
        self.kills: Counter[str] = Counter()
        self.spoilt: set[str] = set()
        self.damaged = self.computed_again = self.bytes_differing = 0
        undisturbed = Place("local", str(folder / "undisturbed-store"), folder / "undisturbed")
        self.finish(undisturbed)
        self.expected = self.left(undisturbed)

    def start(self, place: Place) -> "subprocess.Popen[bytes]":
        """A run over the place's store."""
        place.folder.mkdir(exist_ok=True)
        return subprocess.Popen(
            launch_command(place.folder, *SETTINGS, store=place.address),
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "TMPDIR": str(self.folder)},
        )

    def finish(self, place: Place) -> None:
        """A run that nobody disturbs."""
        run = self.start(place)
        _, errors = run.communicate()
        if run.returncode:
            log = "\n".join((place.out / "failed" / "log.txt").read_text(encoding="utf-8").splitlines()[-60:])
            raise SystemExit(f"{log}\na run that was not killed failed: {errors.decode()}")

    def kill_once(self, place: Place) -> None:
        """A run that is killed at a random moment, at the runner or at its stage; what was there stays untouched."""
        before = self.parts(place)
        run = self.start(place)
        deadline = time.monotonic() + self.random.uniform(1, LONGEST_SECONDS)
        while time.monotonic() < deadline and run.poll() is None:
            time.sleep(0.02)
        if run.poll() is not None:
            run.communicate()
            return
        target, how = self.random.choice(("runner", "stage")), self.random.choice((signal.SIGKILL, signal.SIGTERM))
        stages = _stages_of(run.pid)
        for process in stages if target == "stage" and stages else [run.pid]:
            end(process, how)
        run.communicate()
        if run.returncode:
            self.kills[f"{place.kind} {target} {how.name}"] += 1
        after = self.parts(place)
        changed = {name for name, written in before.items() if after.get(name) != written}
        self.computed_again += len(changed - self.spoilt)
        self.spoilt -= changed

    def damage(self, place: Place) -> None:
        """Spoil a part or a piece: cut it short, or change a byte of it; the next run must compute it again."""
        parts = sorted(Path(place.address, "scores").rglob("*.parquet"))
        if not parts:
            return
        path = self.random.choice(parts)
        data = bytearray(path.read_bytes())
        if self.random.random() < 0.5:
            data = data[: self.random.randrange(len(data))]
        else:
            data[self.random.randrange(4, len(data) - 8)] ^= 0xFF
        path.write_bytes(data)
        self.damaged += 1
        self.spoilt.add(path.relative_to(place.address).as_posix())

    def parts(self, place: Place) -> dict[str, object]:
        """The finished parts in the place's store, and when each was written."""
        return {stored.name: stored.created for stored in calm(place).list("scores/") if FINISHED.search(stored.name)}

    def left(self, place: Place) -> dict[str, str]:
        """The hashes of what a finished run leaves: parts, no piece, table and statistics."""
        store = calm(place)
        files = {stored.name: store.read(stored.name) for stored in store.list("scores/") if ABOUT not in stored.name}
        book = place.out / BOOK.stem
        files |= {name: (book / name).read_bytes() for name in ("windows.parquet", "statistics.json", "passages.csv")}
        return {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}

    def check(self, place: Place) -> None:
        """Finish the work and hold it against the undisturbed run's."""
        self.finish(place)
        self.spoilt.clear()
        left = self.left(place)
        self.bytes_differing += sum(left.get(name) != digest for name, digest in self.expected.items())
        self.bytes_differing += len(left.keys() - self.expected.keys())


def calm(place: Place) -> Store:
    """The place's store; the soak itself looks at it through the same faults."""
    return open_store(place.address)


def end(process: int, how: signal.Signals) -> None:
    """Signal a process that may be gone."""
    try:
        os.kill(process, how)
    except ProcessLookupError:
        return


def _stages_of(runner: int) -> list[int]:
    """The stages that a runner started: the children of its child."""
    listed = subprocess.run(["ps", "-ewwo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(pid): int(parent) for pid, parent in (line.split() for line in listed.splitlines())}
    graphs = {pid for pid, parent in parents.items() if parent == runner}
    return [pid for pid, parent in parents.items() if parent in graphs]


def storm(server: GcsServer, faults: int, seed: int) -> tuple[int, int]:
    """Write and read objects from sixteen threads until so many faults have struck; faults, and wrong answers.

    Every name is created by two threads at once: one of them must win, and what is read must be the winner's.
    """
    rules = server.faults.storm(STORM)
    address, wrong, number = "gs://storm/prefix", 0, 0

    def pair(number: int) -> int:
        contents = [f"{seed} {number} {side} ".encode() * 2_000 for side in range(2)]
        with ThreadPoolExecutor(2) as two:
            won = list(two.map(lambda data: open_store(address).create(f"o/{number}", data), contents))
        store = open_store(address)
        right = won.count(True) == 1 and store.read(f"o/{number}") == contents[won.index(True)]
        right &= store.read_range(f"o/{number}", 3, 9) == contents[won.index(True)][3:9] if True in won else False
        right &= store.exists(f"o/{number}") and f"o/{number}" in {stored.name for stored in store.list(f"o/{number}")}
        return not right

    with ThreadPoolExecutor(8) as pool:
        while sum(rule.injected for rule in rules) < faults:
            wrong += sum(pool.map(pair, range(number, number + 16)))
            number += 16
    struck = sum(rule.injected for rule in rules)
    server.faults.clear()
    return struck, wrong


def main() -> int:
    """Run the soak and print what it found; 1 if anything was computed again, differs or was answered wrongly."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--faults", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    chosen = parser.parse_args()
    os.environ["BYHEART_COMMIT"] = "0" * 40
    started = time.monotonic()
    print(f"seed {chosen.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="byheart-soak-") as folder, GcsServer(seed=chosen.seed) as server:
        os.environ |= {
            "STORAGE_EMULATOR_HOST": server.address,
            "DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA": "true",
        }
        server.storage.create_bucket("shelf")
        server.storage.create_bucket("storm")
        soak = Soak(Path(folder), chosen.seed)
        weather = server.faults.storm(WEATHER)
        rounds = 0
        while soak.kills.total() < chosen.kills:
            kind = ("local", "gs")[rounds % 2]
            address = f"gs://shelf/{rounds}" if kind == "gs" else str(Path(folder) / f"store-{rounds}")
            place = Place(kind, address, Path(folder) / f"round-{rounds}")
            while soak.kills.total() < chosen.kills and len(soak.parts(place)) < len(soak.expected) - 3:
                soak.kill_once(place)
                if kind == "local" and soak.random.random() < 0.5:
                    soak.damage(place)
            soak.check(place)
            rounds += 1
            print(
                f"{soak.kills.total()} kills, {soak.damaged} parts damaged, {rounds} measurements finished", flush=True
            )
        struck = sum(rule.injected for rule in weather)
        server.faults.clear()
        more, wrong = storm(server, max(chosen.faults - struck, 0), chosen.seed)
    print(f"\nkills survived                    {soak.kills.total():>6,}  {json.dumps(soak.kills)}")
    print(f"network faults survived           {struck + more:>6,}")
    print(f"damaged parts found and replaced  {soak.damaged:>6,}")
    print(f"finished parts computed again     {soak.computed_again:>6,}")
    print(f"files that differ                 {soak.bytes_differing:>6,}")
    print(f"wrong answers of the store        {wrong:>6,}")
    print(f"{time.monotonic() - started:,.0f} s")
    return int(bool(soak.computed_again or soak.bytes_differing or wrong))


if __name__ == "__main__":
    sys.exit(main())
