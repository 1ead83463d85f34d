"""`launch submit --dry-run`: what would be sent, and what it would cost; and the pipeline that nobody has compiled."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from byheart.launch.compile import compile_pipeline
from byheart.launch.images import find_image_reference
from byheart.store import open_store
from tests.gcs import GcsServer
from tests.kfp_api import KfpServer
from tests.kfp_api.conftest import WORDS, Command
from tests.models.known_shapes import CONFIGS

STORED = ["gs://my-bucket/novels/*.txt", "--model", "gs://my-bucket/llama", "--store", "gs://my-bucket/byheart"]


@pytest.fixture
def stored(bucket: GcsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two books of 300,000 and 200,000 characters, a control of 100,000, and a model on paper."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", bucket.address)
    store = open_store("gs://my-bucket")
    for name, characters in (("novels/a.txt", 300_000), ("novels/b.txt", 200_000), ("unseen.txt", 100_000)):
        store.create(name, b"x" * characters)
    store.create("llama/config.json", json.dumps(CONFIGS["llama-3.1-70b"]).encode())


def numbers(stdout: str) -> dict[str, str]:
    """The last lines of the page by their names."""
    return dict(line.split(maxsplit=1) for line in stdout.splitlines()[-4:] if line)


@pytest.mark.usefixtures("stored")
def test_dry_run_says_what_would_be_sent_and_asks_no_cluster(
    server: KfpServer, launch: Command, pipeline: Path
) -> None:
    words = [*STORED, "--control", "gs://my-bucket/unseen.txt", "top_k=20", "dpi=300", "accelerator=v6e-2x4"]
    done = launch("submit", *words, "--dry-run", "--pipeline", pipeline, "--host", server.address)
    assert done.returncode == 0, done.stderr
    assert not server.calls
    assert "in the experiment byheart: nothing is submitted" in done.stdout
    assert "image     registry.example/byheart-plot:" in done.stdout
    assert "top_k           20\n" in done.stdout
    assert "\ndpi " not in done.stdout  # which is the default
    assert "counted: 3 books of 600,000 characters\n" in done.stdout
    assert "gs://my-bucket/llama on v6e-2x4\n" in done.stdout
    assert "60,000 windows, one every 10" in done.stdout
    assert "money" not in done.stdout


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("shards", [1, 4])
def test_money_is_the_price_of_the_chip_hours_of_all_shards(launch: Command, pipeline: Path, shards: int) -> None:
    words = [*STORED, "accelerator=v6e-2x4", f"shards={shards}", "--price", "1.20"]
    done = launch("submit", *words, "--dry-run", "--pipeline", pipeline)
    assert done.returncode == 0, done.stderr
    row = next(line for line in done.stdout.splitlines() if line.startswith("> v6e-2x4")).split()
    rate, load = float(row[-4].replace(",", "").strip("~")), 141  # and meanwhile it compiles
    hours = 8 * (shards * load + 50_000 / rate) / 3600  # of a chip
    said = numbers(done.stdout)
    assert float(said["chip-hours"]) == pytest.approx(hours, rel=0.02)
    before, after = said["money"].split(": ")
    assert before == "at 1.20 a chip-hour"
    assert float(after) == pytest.approx(1.2 * hours, rel=0.02)


@pytest.mark.usefixtures("stored")
def test_auto_is_the_smallest_slice_that_holds_the_model(launch: Command, pipeline: Path) -> None:
    done = launch("submit", *STORED, "--dry-run", "--pipeline", pipeline)
    assert done.returncode == 0, done.stderr
    assert "accelerator=auto is v6e-2x4 for this model\n" in done.stdout


def test_model_that_cannot_be_reached_is_said_and_the_rest_goes_on(
    launch: Command, pipeline: Path, tmp_path: Path
) -> None:
    path = tmp_path / "novels.yaml"
    run = {"name": "novels", "model": "gs://my-bucket/none", "books": ["https://example.org/book.txt"]}
    path.write_text(yaml.safe_dump(run | {"store": "gs://my-bucket/byheart"}))
    done = launch("submit", path, "--dry-run", "--pipeline", pipeline)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("novels-")
    assert (
        "not counted: a plan counts local books and those at gs://, found https://example.org/book.txt" in done.stdout
    )
    assert "no plan: model must be a folder with config.json, found nothing at gs://my-bucket/none" in done.stdout


def test_word_that_is_wrong_is_refused_in_a_dry_run_too(launch: Command) -> None:
    done = launch("submit", *WORDS, "top_k=many", "--dry-run")
    assert done.returncode == 1
    assert "top_k must be a whole number, found 'many'" in done.stderr


@pytest.mark.parametrize(("accelerator", "jax"), [("v6e-2x4", "tpu"), ("cpu", "tpu"), ("gpu-1", "cuda12")])
def test_pipeline_that_nobody_named_is_that_of_this_release(
    server: KfpServer, launch: Command, tmp_path: Path, accelerator: str, jax: str
) -> None:
    done = launch("submit", *WORDS, f"accelerator={accelerator}", "--host", server.address)
    assert done.returncode == 0, done.stderr
    compile_pipeline(tmp_path / "pipeline.yaml", jax=jax)
    graph, platform = yaml.safe_load_all((tmp_path / "pipeline.yaml").read_text())
    (run,) = server.runs.all
    assert run.asked["pipeline_spec"] == {"pipeline_spec": graph, "platform_spec": platform}
    executors: dict[str, Any] = graph["deploymentSpec"]["executors"]
    assert executors["exec-extract"]["container"]["image"] == find_image_reference("extract", jax)
