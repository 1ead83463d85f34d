"""A token of the Hugging Face Hub, and the signed addresses that it opens, stand nowhere that a run leaves or says."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import BOOK, MODEL, launch
from tests.hub import Fault, HubServer

NAME = "org/gated"


@pytest.fixture
def hub() -> Iterator[HubServer]:
    """A Hub with the sample model, which is gated."""
    with HubServer() as hub:
        hub.add_folder(NAME, MODEL, gated=True)
        yield hub


FAILURES: dict[str, tuple[str, list[Fault], str]] = {
    "none, in the end": (
        NAME,
        [Fault(status=403, url="^/cdn/"), Fault(kind="cut", url="^/cdn/", nth=2), Fault(kind="corrupt", nth=5)],
        "",
    ),
    "revision": (f"{NAME}@none", [], "model must have a branch"),
    "cdn": (NAME, [Fault(status=400, url="^/cdn/", times=0)], "found status 400"),
    "hub": (NAME, [Fault(status=503, url="/api/models", times=0, seconds=99)], "found status 503, to wait 99 s: check"),
    "corrupt": (NAME, [Fault(kind="corrupt", url="^/cdn/", times=0)], "found other bytes, 2 times"),
}


@pytest.mark.parametrize(
    ("is_in_file", "model", "faults", "said"),
    [(bool(number % 2), *case) for number, case in enumerate(FAILURES.values(), 1)],
    ids=FAILURES,
)
def test_token_stands_nowhere(
    is_in_file: bool, model: str, faults: list[Fault], said: str, hub: HubServer, tmp_path: Path
) -> None:
    token = f"hf_{secrets.token_hex(16)}"
    hub.add_token(token, access=[NAME])
    for fault in faults:
        hub.faults.add(fault)
    book = tmp_path / "book.txt"
    book.write_text(BOOK.read_text(encoding="utf-8")[:2_500], encoding="utf-8")
    work = tmp_path / "temporary"
    work.mkdir()
    file = tmp_path / "token"
    if is_in_file:  # as in a pod
        file.write_text(f"{token}\n", encoding="utf-8")
    environment = {
        "HF_ENDPOINT": hub.endpoint,
        **({"HF_TOKEN_PATH": str(file)} if is_in_file else {"HF_TOKEN": token}),
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": "0",
        "TMPDIR": str(work),
    }
    done = launch(tmp_path, "cursor_inc=100", "dpi=20", environment=environment, books=str(book), model=model)
    assert (done.returncode == 0) == (not said), done.stdout + done.stderr
    assert said in done.stderr
    texts = {"stdout": done.stdout.encode(), "stderr": done.stderr.encode()}
    texts |= {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path != file}
    assert str(tmp_path / "out" / ("failed/log.txt" if said else "log.txt")) in texts
    for secret in (token, token[3:], "X-Amz-Signature", "/cdn/"):
        assert not [name for name, text in texts.items() if secret.encode() in text], secret
    assert any(call.authorized for call in hub.calls)
    assert not any(call.authorized for call in hub.calls if call.origin == "cdn")
