"""The store at hand, as a person sees it: what is printed of it, and asked before something goes."""

import io
import json
import shutil
from pathlib import Path

import pytest

from byheart.contracts.errors import ByheartError, SettingsError, StoreError
from byheart.launch.store import copy_store, list_store, remove_from_store, show_scores
from tests.conftest import BOOK
from tests.holdings.shelf import MODEL, A, B, everything, fill
from tests.store.conftest import address, server

__all__ = ["address", "server"]


@pytest.fixture
def held(sample_run: Path, tmp_path: Path) -> Path:
    """A copy of the sample run's store."""
    return Path(shutil.copytree(sample_run.parent / "store", tmp_path / "store"))


def addresses(held: Path) -> list[str]:
    return sorted(path.name for path in (held / "scores").iterdir())


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_list_names_what_each_address_holds(held: Path, capsys: pytest.CaptureFixture[str]) -> None:
    list_store(str(held))
    lines = printed(capsys)
    assert sorted(line.split()[0] for line in lines[:-1]) == addresses(held)
    [windows] = [line for line in lines if "windows of the-soap-winter under" in line]
    assert "4 of 4 parts" in windows
    assert any("control sample of the-soap-winter" in line for line in lines)
    assert lines[-1].startswith(f"{len(addresses(held))} addresses, ")
    assert lines[-1].endswith(f" in {held}")


def test_list_has_models_leftovers_and_a_total_of_everything(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    total = sum(map(len, everything(fill(address)).values()))
    list_store(address)
    lines = printed(capsys)
    assert [line.split("  ")[0] for line in lines[:-2]] == [
        *sorted([A, B], key=[line[:32] for line in lines].index),
        f"org/other@{'2' * 40}",
        f"org/small@{'1' * 40}",
    ]
    assert "  brought in part  " in lines[2]
    assert "  whole  " in lines[3]
    assert lines[-2] == "files of writes that were ended, or are going on, or of older releases: 1, 0.0 MB"
    assert lines[-1] == (
        "2 addresses, 2 models, 1 record of a submitted run, 1 record of what was measured, "
        f"1 hash of a file, {total / 1e6:.1f} MB in {address}"
    )


def test_list_of_an_empty_store_says_so(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    list_store(address)
    assert printed(capsys) == [f"nothing yet in {address}"]


def test_show_says_how_the_scores_were_made(held: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show_scores(str(held), addresses(held)[0][:6])
    shown = capsys.readouterr().out
    for phrase in ('"prompt_tokens": 50', '"weights_sha256"', '"top_k": 40', "parts, ", str(held)):
        assert phrase in shown


def test_copy_says_what_was_copied_and_what_was_there(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(address)
    to = str(tmp_path / "copy")
    copy_store(address, to, ["aa"], models=True)
    assert printed(capsys) == [f"1 address, 1 model: 7 objects copied, 0.5 MB, to {to}; 0 objects there already"]
    copy_store(address, to, models=True)
    assert printed(capsys) == [
        f"brought in part only, and not copied: org/other@{'2' * 40}",
        f"2 addresses, 1 model: 1 object copied, 0.0 MB, to {to}; 7 objects there already",
    ]
    list_store(to)
    assert printed(capsys)[-1].startswith("2 addresses, 1 model, ")


def test_copy_of_scores_of_a_model_in_its_folder_says_that_it_stays(
    held: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy_store(str(held), str(tmp_path / "copy"), addresses(held)[:1], models=True)
    assert printed(capsys)[0] == "not in this store, and not copied: a model that is used in its folder"
    assert addresses(tmp_path / "copy") == addresses(held)[:1]


def test_copy_names_what_stays_otherwise_at_the_target(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "copy"
    theirs = fill(str(to))
    fill(address)
    [part] = (to / "scores" / B).rglob("*.parquet")
    part.write_bytes(b"theirs")
    theirs.replace(f"scores/{A}/about.json", json.dumps({"book": {"name": "another"}}).encode())
    copy_store(address, str(to))
    lines = printed(capsys)
    assert lines[0] == f"2 addresses: 0 objects copied, 0.0 MB, to {to}; 3 objects there already"
    assert lines[1:] == [
        f"described otherwise at the target, and left so: {to}/scores/{A}/about.json",
        f"of other bytes at the target, and left so: {part}",
    ]


def test_copy_of_nothing_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy_store(str(tmp_path / "none"), str(tmp_path / "copy"))
    assert printed(capsys) == [f"nothing to copy: nothing yet in {tmp_path / 'none'}"]
    assert not (tmp_path / "copy").exists()


def say(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))


def test_remove_asks_first_and_takes_what_is_named_alone(
    held: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, *others = addresses(held)
    say(monkeypatch, "n\n")
    remove_from_store(str(held), [first[:8]])
    assert printed(capsys)[-1].endswith("nothing was removed")
    assert addresses(held) == [first, second, *others]
    say(monkeypatch, "y\n")
    remove_from_store(str(held), [first[:8], second[:8]])
    lines = printed(capsys)
    assert [line.split()[0] for line in lines[:2]] == [first, second]
    assert "which frees " in lines[-1]
    assert addresses(held) == others


def test_remove_says_that_a_run_may_be_writing(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(address)
    say(monkeypatch, "n\n")
    remove_from_store(address, ["b"])
    assert "s ago: a run may be writing to it now" in printed(capsys)[1]
    remove_from_store(address, ["b"], sure=True)
    assert "a run may be writing to it now" in printed(capsys)[1]


def test_remove_takes_models_by_name_and_counts_what_is_freed(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    store = fill(address)
    freed = sum(len(data) for name, data in everything(store).items() if MODEL in name)
    remove_from_store(address, models=["org/small"], sure=True)
    lines = printed(capsys)
    assert lines[0] == f"org/small@{'1' * 40}  3 files, {freed / 1e6:.1f} MB: a model"
    assert lines[-1] == f"removed 3 objects, which frees {freed / 1e6:.1f} MB"
    assert not any(MODEL in name for name in everything(store))


def test_remove_by_age_of_nothing_so_old_says_so(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = everything(fill(address))
    remove_from_store(address, older_than="2w", sure=True)
    assert printed(capsys)[0].startswith("nothing is older than 2w: 2 addresses, ")
    assert everything(fill(address)) == before


def test_remove_by_age_takes_all_that_is_as_old(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    store = fill(address)
    remove_from_store(address, older_than="0h", sure=True)
    assert [
        line
        for line in printed(capsys)
        if line.startswith("files of writes that were ended, or of older releases: 1, ")
    ]
    assert {name.split("/")[0] for name in everything(store)} == {"models", "runs", "registered", "hashes"}


def test_remove_without_anybody_to_ask_removes_nothing(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = everything(fill(address))
    say(monkeypatch, "")
    with pytest.raises(SettingsError, match="store remove asks before it removes, found nobody to ask: give --yes"):
        remove_from_store(address, ["a"])
    assert everything(fill(address)) == before


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "needs addresses and models, or an age, found neither"),
        ({"beginnings": ["a"], "older_than": "3d"}, "needs addresses and models, or an age, found both"),
        ({"models": ["a"], "older_than": "3d"}, "found both"),
        ({"older_than": "3"}, "an age must be a number of hours, days or weeks"),
        ({"beginnings": ["zz"]}, "an address must begin with 'zz', found none of the 2"),
        ({"models": ["org/none"]}, "a model must be in the store, found no 'org/none'"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_removed(
    tmp_path: Path, asked: dict[str, object], said: str
) -> None:
    before = everything(fill(str(tmp_path)))
    with pytest.raises(ByheartError, match=said) as caught:
        remove_from_store(str(tmp_path), sure=True, **asked)  # type: ignore[arg-type]
    assert len(str(caught.value).splitlines()) == 1
    assert everything(fill(str(tmp_path))) == before


def test_place_that_is_no_store_is_refused() -> None:
    with pytest.raises(
        SettingsError, match=r"store must be a folder or gs://bucket/prefix, found a file, .*winter.txt"
    ):
        list_store(str(BOOK))
    with pytest.raises(StoreError, match="store must be one that byheart has written to"):
        list_store(str(BOOK.parent))
    with pytest.raises(StoreError, match="must be a local folder or gs://bucket/prefix, found 's3://bucket'"):
        list_store("s3://bucket")
