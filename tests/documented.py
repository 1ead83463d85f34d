"""Runs every command of README.md and docs/, or of the pages that are named, in a clean clone of what is committed.

    python -m tests.documented [PAGE...]

Shell and Python blocks run one after the other, as a reader would, with the test servers as Hugging Face Hub, as Google
Cloud Storage and as Kubeflow Pipelines. A block that is fenced with a remark, such as "sh needs a cluster", is named
and left out; lines that `.ci/run` runs by itself, such as `make test`, are not run again.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from byheart.store import open_store
from tests.conftest import ROOT
from tests.gcs import GcsServer
from tests.hub import HubServer
from tests.kfp_api import KfpServer

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "samples" / "README.md")
"""In this order: `make run`, which stands first in the README, makes the environment of all others."""
BLOCK = re.compile(r"^```(sh|python)\b *(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LEFT_OUT = ("needs a cluster", "needs a registry", "needs a GPU", "needs a TPU", "needs libtpu", "needs PyTorch")
"""Why a block is not run here."""
ELSEWHERE = ("make test", "make check", "make soak")
"""What `.ci/run` calls itself."""


def main(*pages: str) -> int:
    """The number of blocks that failed; `pages` are paths in the repository, the README first."""
    failed = 0
    samples = ROOT / "samples"
    with (
        tempfile.TemporaryDirectory(prefix="byheart-documented-") as folder,
        HubServer() as hub,
        GcsServer() as gcs,
        KfpServer() as kubeflow,
    ):
        hub.add_folder("HuggingFaceTB/SmolLM2-135M", samples / "model")  # which is of the same kind, and small
        os.environ |= {"HF_ENDPOINT": hub.endpoint, "STORAGE_EMULATOR_HOST": gcs.address}
        os.environ["KF_PIPELINES_ENDPOINT"] = kubeflow.address
        os.environ["HF_HOME"] = str(Path(folder) / "hub")
        gcs.storage.create_bucket("my-bucket")
        bucket = open_store("gs://my-bucket")
        bucket.create("novels/short/my-book.txt", (samples / "the-soap-winter.txt").read_bytes()[:9_000])
        bucket.create("unseen/control.txt", (samples / "the-lamp-ledger.txt").read_bytes())
        clone = Path(folder) / "byheart"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        # "Your own book and model"
        (clone / "my-book.txt").write_bytes((ROOT / "samples" / "the-soap-winter.txt").read_bytes()[:9_000])
        (clone / "my-model").symlink_to(clone / "samples" / "model")
        for page in [ROOT / page for page in pages] or PAGES:
            for language, remark, code in BLOCK.findall(page.read_text(encoding="utf-8")):
                shown = f"{page.relative_to(ROOT)}: {code.strip().splitlines()[0]}"
                if remark:
                    assert remark in LEFT_OUT, f"{shown}: {remark!r} is no reason to leave a command out"
                    print(f"left out, {remark}: {shown}", flush=True)
                    continue
                done = subprocess.run(
                    _command(language, code), cwd=clone, env=_environment(clone), text=True, check=False
                )
                print(f"{'failed' if done.returncode else 'ran'}: {shown}", flush=True)
                failed += bool(done.returncode)
        for violation in kubeflow.violations:
            print(f"failed, against the API of Kubeflow Pipelines: {violation}", flush=True)
            failed += 1
    return failed


def _command(language: str, code: str) -> list[str]:
    if language == "python":
        return ["python", "-c", code]
    lines = [line for line in code.splitlines() if not line.startswith(ELSEWHERE)]
    return ["bash", "-euo", "pipefail", "-c", "\n".join(lines)]


def _environment(clone: Path) -> dict[str, str]:
    """A reader's, who has activated what `make run` installs; nothing of a calling make."""
    kept = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS")}
    paths = os.pathsep.join((str(clone / ".venv" / "bin"), os.environ["PATH"]))
    return kept | {"PATH": paths, "BYHEART_STORE": str(clone / "build" / "store")}


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
