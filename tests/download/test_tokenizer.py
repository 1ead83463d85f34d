"""The tokenizer that `tokenizer` names comes into the store, and is used in place of the model's own."""

import json
import shutil
from pathlib import Path

import pytest

from byheart.components.download.tokenizer import FILES, bring_tokenizer, read_tokenizer_files
from byheart.components.tokenize.run import run as tokenize
from byheart.contracts.errors import ModelError
from byheart.contracts.inputs import Inputs
from byheart.contracts.model import read_model
from byheart.contracts.window_files import read_tokenization, read_windows
from byheart.models.folder import hash_files
from byheart.store import open_store
from tests.conftest import BOOK, MODEL
from tests.download.gguf.written import read_model as read_weights
from tests.download.gguf.written import write_gguf
from tests.download.test_component import run as download
from tests.download.toy import asked_for, sha256
from tests.gcs import GcsServer
from tests.hub import HubServer

CONTENT = {name: (MODEL / name).read_bytes() for name in FILES if (MODEL / name).exists()}
SHA256 = hash_files({name: sha256(data) for name, data in CONTENT.items()})


def refusal(tokenizer: str, store: Path) -> str:
    with pytest.raises(ModelError) as caught:
        bring_tokenizer(tokenizer, str(store))
    assert caught.value.parameter == "tokenizer"
    assert not (store / "models").exists()
    return str(caught.value)


def tokenize_book(folder: Path, **given: object) -> Path:
    """The windows of the sample's book, as the first two stages make them."""
    download(folder, **{"cursor_inc": 500, **given})
    files = Inputs.at(folder / "inputs")
    tokenize(books=files.books, model=files.model, settings=files.settings, windows=str(folder / "windows"))
    return folder / "windows"


def test_tokenizer_of_the_hub_is_fetched_alone_and_kept_at_its_commit(hub: HubServer, store: str) -> None:
    repository = hub.add_repo("org/toy", {path.name: path.read_bytes() for path in MODEL.iterdir()})
    commit = repository.branches["main"]
    found = bring_tokenizer("org/toy", store)
    assert (found.source, found.commit, found.sha256) == ("org/toy", commit, SHA256)
    assert found.address == f"{store}/models/tokenizer--org--toy@{commit}"
    assert read_tokenizer_files(found.address) == CONTENT
    assert set(asked_for(hub)) == {"model", *CONTENT}  # the description of the repository, and the files
    hub.calls.clear()
    assert bring_tokenizer(f"org/toy@{commit}", store) == found
    assert hub.calls == []


def test_tokenizer_of_a_folder_is_copied_and_named_by_its_content(server: GcsServer, tmp_path: Path) -> None:
    assert server
    for name, data in CONTENT.items():
        open_store("gs://shelf/words").create(name, data)
    store = str(tmp_path / "store")
    for folder in ("gs://shelf/words", str(shutil.copytree(MODEL, tmp_path / "words"))):
        found = bring_tokenizer(folder, store)
        assert (found.source, found.commit, found.sha256) == (folder, None, SHA256)
        assert found.address == f"{store}/models/tokenizer--words@{SHA256}"
        assert read_tokenizer_files(found.address) == CONTENT
    (tmp_path / "words/tokenizer_config.json").write_text("{}")
    assert bring_tokenizer(str(tmp_path / "words"), store).address != found.address


def test_place_without_a_tokenizer_is_refused(hub: HubServer, tmp_path: Path) -> None:
    commit = hub.add_repo("org/bare", {"config.json": b"{}"}).branches["main"]
    needed = "tokenizer must be a folder or a repository on the Hub with tokenizer.json, found"
    store = tmp_path / "store"
    assert refusal("org/bare", store).startswith(f"{needed} none in org/bare at {commit[:12]}: name one, or leave it")
    assert refusal(str(tmp_path), store).startswith(f"{needed} none in {tmp_path}: ")
    assert refusal("./nowhere", store).startswith(f"{needed} no folder './nowhere': ")
    assert refusal("org/bare/x.gguf", store).startswith(f"{needed} the GGUF file org/bare/x.gguf: ")
    assert refusal("org/none", store).startswith("tokenizer must be a folder, or a repository on the Hub that may be")
    assert "tokenizer must have a branch, a tag or a commit of org/bare" in refusal("org/bare@v9", store)


def test_model_s_own_tokenizer_named_gives_the_same_windows(tmp_path: Path) -> None:
    own = tokenize_book(tmp_path / "own")
    named = tokenize_book(tmp_path / "named", options={"tokenizer": str(MODEL)})
    assert {path.name: path.read_bytes() for path in own.glob("**/*.parquet")} == {
        path.name: path.read_bytes() for path in named.glob("**/*.parquet")
    }
    assert read_windows(own, BOOK.stem).token_ids.size
    recorded = read_tokenization(named).tokenizer
    assert recorded is not None
    assert (recorded.source, recorded.commit, recorded.sha256) == (str(MODEL), None, SHA256)
    assert read_tokenization(own).tokenizer is None
    assert read_tokenization(own).tokenizer_sha256 == read_tokenization(named).tokenizer_sha256


def test_model_of_the_hub_without_a_tokenizer_is_measured_with_another(hub: HubServer, tmp_path: Path) -> None:
    hub.add_repo("org/bare", {path.name: path.read_bytes() for path in MODEL.iterdir() if path.name not in FILES})
    with pytest.raises(SystemExit):
        tokenize_book(tmp_path / "bare", model="org/bare")
    bare = tokenize_book(tmp_path / "bare", model="org/bare", options={"tokenizer": str(MODEL)})
    own = tokenize_book(tmp_path / "own")
    assert (bare / f"{BOOK.stem}.parquet").read_bytes() == (own / f"{BOOK.stem}.parquet").read_bytes()


def write_unknown(folder: Path, **fields: object) -> Path:
    """The sample's model as a GGUF file with the tokens of its tokenizer, but with no pre-tokenizer that is known."""
    content = json.loads(CONTENT["tokenizer.json"])
    tokens = dict.fromkeys(range(json.loads((MODEL / "config.json").read_text())["vocab_size"]), "")
    tokens |= {index: token for token, index in content["model"]["vocab"].items()}
    tokens |= {added["id"]: added["content"] for added in content["added_tokens"]}
    named = {index: token or f"[unused {index}]" for index, token in tokens.items()}
    own = {
        "tokenizer.ggml.pre": "unheard-of",
        "tokenizer.ggml.tokens": [named[index] for index in sorted(named)],
        "tokenizer.ggml.token_type": [1] * len(named),
        "tokenizer.ggml.merges": [],
    }
    return write_gguf(folder / "toy.gguf", *read_weights(MODEL), fields=own | fields)


def test_gguf_file_of_an_unknown_pre_tokenizer_names_the_remedy_and_takes_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_unknown(tmp_path / "models")
    with pytest.raises(SystemExit):
        tokenize_book(tmp_path, model=str(file))
    said = json.loads(capsys.readouterr().out.splitlines()[-1])["message"]
    assert "found gpt2 with 'unheard-of': say by tokenizer= where the model's own tokenizer.json is" in said
    found = tokenize_book(tmp_path, model=str(file), options={"tokenizer": str(MODEL)})
    own = tokenize_book(tmp_path / "own")
    assert (found / f"{BOOK.stem}.parquet").read_bytes() == (own / f"{BOOK.stem}.parquet").read_bytes()
    model = read_model(Inputs.at(tmp_path / "inputs").model)
    assert model.gguf_sha256 == sha256(file.read_bytes())
    assert model.tokenizer
    assert model.tokenizer.sha256 == SHA256


def test_gguf_file_refuses_the_tokenizer_of_another_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_unknown(tmp_path / "models", **{"tokenizer.ggml.pre": "gpt-2"})
    other = shutil.copytree(MODEL, tmp_path / "other")
    content = json.loads(CONTENT["tokenizer.json"])
    token = next(iter(content["model"]["vocab"]))
    content["model"]["vocab"]["otherwise"] = content["model"]["vocab"].pop(token)
    (other / "tokenizer.json").write_text(json.dumps(content))
    with pytest.raises(SystemExit):
        tokenize_book(tmp_path, model=str(file), options={"tokenizer": str(other)})
    said = json.loads(capsys.readouterr().out.splitlines()[-1])["message"]
    assert said.startswith(f"tokenizer must have the tokens of {file}, found 'otherwise': name the tokenizer of")


def test_gguf_file_whose_tokenizer_is_known_is_converted_once_with_any_other(tmp_path: Path) -> None:
    file = write_unknown(tmp_path / "models", **{"tokenizer.ggml.pre": "gpt-2"})
    addresses = []
    for options in ({}, {"tokenizer": str(MODEL)}):
        download(tmp_path, model=str(file), options=options)
        addresses.append(read_model(Inputs.at(tmp_path / "inputs").model).address)
    assert addresses[0] == addresses[1]
