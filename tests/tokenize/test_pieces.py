"""The text of tokens, against the library's decoder and by hand."""

from pathlib import Path

import pytest
from tokenizers import Tokenizer

from byheart.components.tokenize.pieces import list_pieces
from byheart.components.tokenize.tokenizer import load_tokenizer
from tests.tokenize.toy_tokenizers import KINDS, build

_NORMALIZED = ("gpt_neox", "qwen2", "lowercase")
"""Kinds whose tokens are not those of the text itself, but of another spelling."""
_CASES = Path("/work/shared/cases/tokenizers")


@pytest.fixture(scope="module", params=KINDS)
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return load_tokenizer(build(request.param, tmp_path_factory.mktemp(request.param))).backend


def test_token_of_whole_characters_is_what_the_library_decodes(backend: Tokenizer) -> None:
    pieces = list_pieces(backend)
    added = backend.get_added_tokens_decoder()
    ids = [number for number in sorted(backend.get_vocab().values()) if number not in added]
    # Behind another token, since a decoder may cut the space in front of a text.
    (before,) = backend.encode("n", add_special_tokens=False).ids[-1:]
    whole = 0
    for number in ids:
        decoded = backend.decode([before, number], skip_special_tokens=False)
        if "\ufffd" not in decoded:
            whole += 1
            assert backend.decode([before], skip_special_tokens=False).strip() + pieces[number] == decoded.strip(
                " "
            ) or decoded.endswith(pieces[number])
    assert whole > len(ids) // 2
