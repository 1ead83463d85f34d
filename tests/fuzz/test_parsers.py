"""Every parser, with the inputs that it reads, those that once did harm, and a few that are drawn alike each time."""

from random import Random

import pytest

from tests.fuzz.guard import check
from tests.fuzz.parsers import PARSERS, list_corpus

_INPUTS = 5
"""Changed inputs of each parser: `make fuzz` feeds thousands."""
_SLOW = ("run-file", "tokenizer_config.json")
"""Parsers of whose inputs one is enough here."""


@pytest.mark.parametrize("name", PARSERS)
def test_parser_returns_a_value_or_refuses_in_words(name: str) -> None:
    parser, random = PARSERS[name], Random(name)
    valid = parser.valid()
    changed = [parser.change(random.choice(valid), random) for _ in range(1 if name in _SLOW else _INPUTS)]
    for data in [*valid[:1], *list_corpus(name), *changed]:
        check(parser, data)
