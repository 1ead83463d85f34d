"""KFP's own command line, and that ours asks for the same."""

import json
from pathlib import Path

import pytest

from tests.kfp_api import KfpServer, failing
from tests.kfp_api.conftest import ASSIGNMENTS, PARAMETERS, SENT, WORDS, Command


@pytest.mark.parametrize("verb", ["create", "submit"])
def test_kfp_run_submits_the_compiled_pipeline(server: KfpServer, kfp: Command, pipeline: Path, verb: str) -> None:
    done = kfp(
        *("--endpoint", server.address, "run", verb, "-e", "novels", "-r", "first", "-f", pipeline),
        *(*ASSIGNMENTS, "cursor_inc=50", "spot=true", 'options={"temperature": 0.5, "bos": "true", "dpi": 100}'),
    )
    assert done.returncode == 0, done.stderr
    (run,) = server.runs.all
    assert run.display_name == "first"
    options = {"temperature": 0.5, "bos": "true", "dpi": 100}
    assert run.parameters == {**PARAMETERS, "cursor_inc": 50, "spot": True, "options": options}
    assert list(server.runs.experiments) == ["novels"]
    assert f"{server.address}/#/runs/details/{run.run_id}" in done.stdout


def test_kfp_run_create_watches_and_ends_well_though_the_run_has_failed(
    server: KfpServer, kfp: Command, pipeline: Path
) -> None:
    server.runs.outcomes.append(failing("download"))
    done = kfp(
        *("--endpoint", server.address, "run", "create", "-e", "e", "-r", "r", "-w", "-f", pipeline), *ASSIGNMENTS
    )
    assert "Run is finished with state FAILED" in done.stdout
    assert done.returncode == 0


def test_kfp_in_a_namespace_of_several_users(kfp: Command, pipeline: Path) -> None:
    with KfpServer(several_users=True) as server:
        done = kfp(
            *("--endpoint", server.address, "--namespace", "anna", "run", "create", "-e", "e", "-f", pipeline),
            *ASSIGNMENTS,
        )
        assert done.returncode == 0, done.stderr
        assert server.runs.experiments["e"]["namespace"] == "anna"
        assert not server.violations


def test_both_command_lines_ask_for_the_same(server: KfpServer, kfp: Command, launch: Command, pipeline: Path) -> None:
    values = ("cursor_inc=50", "spot=true")
    options = 'options={"unwrap": true, "temperature": 0.5}'
    kfp(
        "--endpoint",
        server.address,
        "run",
        "create",
        "-e",
        "e",
        "-r",
        "r",
        "-f",
        pipeline,
        *ASSIGNMENTS,
        *values,
        options,
    )
    launch(
        *(
            "submit",
            *WORDS,
            *values,
            "unwrap=true",
            "temperature=0.5",
            "--pipeline",
            pipeline,
            "--host",
            server.address,
        ),
        *("--experiment", "e", "--name", "r"),
    )
    one, other = server.runs.all
    parameters = other.asked["runtime_config"]["parameters"]  # with the defaults, which a run of kfp does not show
    other.asked["runtime_config"]["parameters"] = {
        name: value for name, value in parameters.items() if name in PARAMETERS or value != SENT[name]
    }
    assert other.asked.pop("description").startswith("byheart ")
    assert json.dumps(one.asked, sort_keys=True) == json.dumps(other.asked, sort_keys=True)


def test_the_service_takes_one_spelling_and_byheart_knows_the_others(
    server: KfpServer, kfp: Command, launch: Command, pipeline: Path
) -> None:
    place = ("--endpoint", server.address)
    done = kfp(*place, "run", "create", "-e", "e", "-f", pipeline, *ASSIGNMENTS, "precision=bf16")
    assert done.returncode != 0
    said = r"input parameter \"precision\" value \"bf16\" does not match any of the allowed literal values"
    assert said in done.stderr
    words = (*WORDS, "precision=bf16", "accelerator=v6e-8", "spot=yes")
    done = launch("submit", *words, "--pipeline", pipeline, "--host", server.address)
    assert done.returncode == 0, done.stderr
    (run,) = server.runs.all
    assert run.parameters | {"precision": "bfloat16", "accelerator": "v6e-2x4", "spot": True} == run.parameters


def test_the_service_refuses_what_the_pipeline_does_not_declare(
    server: KfpServer, kfp: Command, pipeline: Path
) -> None:
    done = kfp("--endpoint", server.address, "run", "create", "-e", "e", "-f", pipeline, *ASSIGNMENTS, "chunksize=5")
    assert done.returncode != 0
    assert "parameter(s) provided are not required by pipeline: chunksize" in done.stderr
    assert not server.runs.all
