"""What Kubeflow's UI shows of a run: the headline as metrics, and the summary as HTML and as Markdown."""

import json
import subprocess
import sys
from pathlib import Path

import yaml

from tests.conftest import BOOK, CONTROL, MODEL, ROOT, compiled


def test_artifacts_are_what_the_results_hold(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    arguments = {
        "books": [str(BOOK)], "controls": [str(CONTROL)], "model": [str(MODEL)], "store": str(tmp_path / "store"),
        "accelerator": "cpu", "cursor_inc": 100, "options": {"dpi": 20},
    }  # fmt: skip
    command = [sys.executable, "-m", "byheart.launch.graph", str(work)]
    with subprocess.Popen(
        [*command, json.dumps(arguments)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as run:  # fmt: skip
        assert run.stdout
        assert run.stdin
        run.stdin.write("{}\n")
        run.stdin.flush()
        printed = run.stdout.read()
    assert run.returncode == 0, printed[-3_000:]
    (out,) = work.rglob("plot/results")
    for artifact, name in (("report", "report.html"), ("summary_markdown", "summary.md")):
        (made,) = work.rglob(f"plot/{artifact}")
        assert made.read_bytes() == (out / name).read_bytes()
    spec = next(yaml.safe_load_all(compiled()))
    declared = spec["components"]["comp-plot"]["outputDefinitions"]["artifacts"]
    assert {name: artifact["artifactType"]["schemaTitle"] for name, artifact in declared.items()} == {
        "results": "system.Artifact",
        "headline": "system.Metrics",
        "report": "system.HTML",
        "summary_markdown": "system.Markdown",
    }
    (told,) = work.rglob("plot/executor_output.json")
    artifacts = json.loads(told.read_text(encoding="utf-8"))["artifacts"]
    metrics = artifacts["headline"]["artifacts"][0]["metadata"]
    for book, shown in ((BOOK.stem, BOOK.stem), (CONTROL.stem, f"control {CONTROL.stem}")):
        expected = json.loads((out / book / "statistics.json").read_text(encoding="utf-8"))["headline"]
        found = [value for name, value in metrics.items() if name.endswith(f" {shown}")]
        assert found == list(expected.values())
