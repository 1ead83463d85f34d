"""The server of these tests refuses, and remembers, what is not published."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from byheart.kubeflow.client import Cluster
from byheart.kubeflow.errors import ClusterError
from tests.kfp_api import KfpServer
from tests.kfp_api.conftest import PARAMETERS
from tests.kfp_api.published import published

EXPERIMENTS = "/apis/v2beta1/experiments"


@pytest.fixture
def lenient() -> Iterator[KfpServer]:
    """A server whose violations are what is looked for."""
    with KfpServer() as server:
        yield server


def ask(server: KfpServer, method: str, path: str, body: Any = None) -> int:
    """The status of the answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.address + path, data=data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_what_is_published_is_no_violation(lenient: KfpServer) -> None:
    assert ask(lenient, "POST", EXPERIMENTS, {"display_name": "novels", "description": "of spring"}) == 200
    assert ask(lenient, "GET", f"{EXPERIMENTS}?page_size=10&sort_by=created_at") == 200
    predicate = {"operation": 1, "key": "display_name", "stringValue": "novels"}
    spelled = {"operation": "EQUALS", "key": "display_name", "string_value": "novels"}
    for one in (predicate, spelled):
        assert ask(lenient, "GET", f"{EXPERIMENTS}?filter={json.dumps({'predicates': [one]}).replace(' ', '')}") == 200
    assert not lenient.violations


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        ("GET", "/apis/v2beta1/runs/1/logs", None, "is not published"),
        ("PUT", EXPERIMENTS, None, "is not published"),
        ("GET", f"{EXPERIMENTS}?name=novels", None, "takes no parameter 'name'"),
        ("GET", f"{EXPERIMENTS}?page_size=ten", None, "takes a whole number as 'page_size'"),
        ("GET", f'{EXPERIMENTS}?filter={{"predicate":[]}}', None, "v2beta1Filter"),
        ("GET", EXPERIMENTS, {"a": 1}, "takes no body"),
        ("POST", EXPERIMENTS, {"name": "novels"}, "v2beta1Experiment: Additional properties"),
        ("POST", EXPERIMENTS, {"display_name": 1}, "v2beta1Experiment.display_name: 1 is not of type 'string'"),
        ("POST", "/apis/v2beta1/runs", {"state": "LOST"}, "v2beta1Run.state: 'LOST' is not one of"),
    ],
)
def test_what_is_not_published_is_a_violation(lenient: KfpServer, method: str, path: str, body: Any, said: str) -> None:
    assert ask(lenient, method, path, body) == 501
    assert any(said in violation for violation in lenient.violations), lenient.violations


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"colour": "red"}, "parameter(s) provided are not required by pipeline: colour"),
        ({"top_k": "many"}, "input parameter top_k requires type NUMBER_INTEGER, but the parameter value is 'many'"),
        ({"model": None}, "parameter model is not optional, yet has neither default value nor user provided value"),
        (
            {"on_bad_book": "explode"},
            'input parameter "on_bad_book" value "explode" does not match any of the allowed literal values',
        ),
    ],
)
def test_parameters_are_refused_by_name(pipeline: Path, tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    documents = list(yaml.safe_load_all(pipeline.read_text(encoding="utf-8")))
    documents[0]["root"]["inputDefinitions"]["parameters"]["on_bad_book"] = {
        "parameterType": "STRING",
        "defaultValue": "fail",
        "literals": ["fail", "skip"],
    }
    path = tmp_path / "pipeline.yaml"
    path.write_text(yaml.safe_dump_all(documents))
    parameters = {name: value for name, value in (PARAMETERS | changed).items() if value is not None}
    with KfpServer() as server:
        cluster = Cluster(server.address)
        with pytest.raises(ClusterError) as refusal:
            cluster.submit(path, parameters, cluster.open_experiment("spring"), "novels")
        assert said in refusal.value.message
        assert not server.runs.all
        assert not server.violations


def test_answers_are_held_to_the_same() -> None:
    found = published().operation("GET", "/apis/v2beta1/healthz")
    assert found is not None
    operation, _ = found
    assert not operation.wrong_answer({"multi_user": False})
    assert operation.wrong_answer({"multi_user": "no"})
    assert operation.wrong_answer({"users": 1})
