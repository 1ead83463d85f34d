"""What a cluster cannot take is refused before anything is sent."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from byheart.contracts.errors import SettingsError
from byheart.launch.compiled import Compiled
from byheart.launch.parameters import CLUSTER, check_text
from byheart.launch.request import Request
from byheart.launch.sendable import MOST_BYTES, check_sendable
from byheart.launch.submission import Submission

VALUES: dict[str, Any] = {
    "books": ["gs://my-bucket/a.txt", "https://example.org/b.txt"],
    "model": ["llama-3.1-8b"],
    "store": "gs://my-bucket/byheart",
}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("store", "build/store", "store must be gs://bucket/prefix.*found 'build/store'"),
        ("store", "", "store must be gs://bucket/prefix.*found none"),
        ("books", ["gs://a/b.txt", "b.txt"], r"books\[1\] must be at gs:// or https://.*found 'b.txt'"),
        ("books", ["http://b.org/b.txt"], r"books\[0\] must be at gs://"),
        ("books", [], "books must be a list of one book or more"),
        ("model", ["./model"], "model must be a repository"),
        ("model", ["llama-3.1-8b@"], "model must be a repository"),
        ("model", ["llama-3.1-8b", "./model"], r"model\[1\] must be a repository"),
        ("model", [], "model must be a list of one model or more"),
    ],
)
def test_what_no_pod_reaches_is_refused(compiled: Compiled, name: str, value: Any, said: str) -> None:
    with pytest.raises(SettingsError, match=f"^my.yaml: {said}") as caught:
        check_sendable(VALUES | {name: value}, compiled, "my.yaml")
    assert caught.value.parameter == name


IN_A_LIST = "name it by a glob, or in a list, as @gs://my-bucket/list.txt"


@pytest.mark.parametrize(
    ("name", "value", "mark", "owner", "hint"),
    [
        ("plot_title", "$(HF_TOKEN)", "$(", "Kubernetes", "write it otherwise, or leave it out"),
        ("plot_title", "costs $$5", "$$", "Kubernetes", "write it otherwise, or leave it out"),
        ("plot_title", "{{workflow.name}}", "{{", "Argo", "write it otherwise, or leave it out"),
        ("chapters", "^Part$(?!x)", "$(", "Kubernetes", "write it otherwise, or behind the books in a list"),
        ("books", ["gs://b/a.txt", "gs://b/$(A).txt"], "$(", "Kubernetes", IN_A_LIST),
        ("books", ["@gs://b/$$.txt"], "$$", "Kubernetes", "rename it"),
        ("controls", ["https://b.org/{{x}}.txt"], "{{", "Argo", IN_A_LIST),
        ("model", ["gs://b/$$/model"], "$$", "Kubernetes", "rename it"),
        ("store", "gs://b/{{x}}", "{{", "Argo", "rename it"),
    ],
)
def test_text_that_would_be_changed_on_its_way_is_refused(
    compiled: Compiled, name: str, value: Any, mark: str, owner: str, hint: str
) -> None:
    text = value[-1] if isinstance(value, list) else value
    with pytest.raises(SettingsError) as caught:
        check_sendable(VALUES | {name: value}, compiled)
    needed = f"{name} must not hold {mark!r}, which {owner} takes for its own"
    assert str(caught.value) == f"{needed}, found {text!r}: {hint}"
    assert caught.value.parameter == name


def expand(text: str) -> str:
    """A word of a container's command line, as Argo and then Kubernetes hand it on, with every name known.

    https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables
    """
    text = re.sub(r"\{\{.*?\}\}", "changed", text, flags=re.DOTALL)
    return re.sub(r"\$\$|\$\([^)]*\)", lambda found: "$" if found[0] == "$$" else "changed", text)


@pytest.mark.parametrize("text", ["$", "5 $ (", "a$b", "}}$)", "{a{b}", "^Part [IVX]+$", "(a|b)$", "{", "ünï 読"])
def test_text_that_is_not_refused_arrives_as_it_was_written(text: str) -> None:
    check_text("plot_title", text, CLUSTER)
    sent = json.dumps({"options": {"plot_title": text, "other": [text, text]}}, ensure_ascii=False)
    assert json.loads(expand(sent)) == json.loads(sent)


def test_texts_of_this_machine_s_runs_are_free(compiled: Compiled) -> None:
    values, _ = Request(books=["$(A)/{{b}}$$.txt"], settings=["plot_title=$(HF_TOKEN) {{x}} $$"]).read(compiled)
    assert values == {"books": ["$(A)/{{b}}$$.txt"], "plot_title": "$(HF_TOKEN) {{x}} $$"}


def make_values(compiled: Compiled, size_bytes: int) -> dict[str, Any]:
    """Values of a run whose arguments are so many bytes of JSON; a book's name holds characters of two bytes."""
    values = VALUES | {"books": ["gs://my-bucket/é.txt"], "controls": []}
    text = json.dumps(compiled.build_arguments(values), ensure_ascii=False)
    missing = size_bytes - len(text) - text.count("é")
    values["books"] = [f"gs://my-bucket/é{'é' * (missing // 2)}{'e' * (missing % 2)}.txt"]
    return values


def test_parameters_are_taken_up_to_the_bytes_that_kubeflow_can_pass_on(compiled: Compiled) -> None:
    assert MOST_BYTES == 100_000
    check_sendable(make_values(compiled, 100_000), compiled)
    with pytest.raises(SettingsError) as caught:
        check_sendable(make_values(compiled, 100_001), compiled)
    assert str(caught.value) == (
        "all parameters together must be at most 100,000 bytes of JSON, found 100,001: put the addresses into a list "
        "at gs://, one on a line, and give books=@gs://my-bucket/list.txt"
    )


def test_controls_that_are_too_many_are_named(compiled: Compiled) -> None:
    with pytest.raises(SettingsError, match="give controls=@gs://"):
        check_sendable(VALUES | {"controls": ["gs://my-bucket/control.txt"] * 4_000}, compiled)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"settings": ["plot_title=$(HF_TOKEN)"]}, r"^plot_title must not hold '\$\('"),
        ({"books": ["gs://my-bucket/book.txt"] * 4_000}, "^all parameters together must be at most"),
        ({"store": "build/store"}, "^store must be gs://"),
    ],
)
def test_submission_is_refused(compiled: Compiled, request_: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Submission.of(Request(**VALUES | request_), compiled)


def test_name_of_a_submission_is_passed_on_too(compiled: Compiled) -> None:
    with pytest.raises(SettingsError, match=r"^name must not hold '\$\(', .*: choose another"):
        Submission.of(Request(**VALUES), compiled, name="$(POD)")


def test_run_file_is_named(compiled: Compiled, tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(yaml.safe_dump({"name": "x", **VALUES, "settings": {"plot_title": "$$"}}), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"run\.yaml: plot_title must not hold"):
        Submission.of(Request(run_file=str(path)), compiled)
