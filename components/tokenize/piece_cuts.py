"""Cuts for BPE without words, such as SentencePiece's in Llama 2, the first Mistral models and Gemma.

For these tokenizers a text is one word, whose spaces are spelled "▁", often with a dummy "▁" in front; a merge may join
any two tokens. b is a space. a is neither white space nor "▁" nor the last character of a token that some merge joins
with a token that begins with "▁". cuts.py has the equation to prove, and the conditions on added tokens.

*Spelling.* Each space becomes one "▁", and nothing else changes. The dummy is put before the first character of every
stretch between added tokens, and no stretch begins at the cut, since a ends no added token. `Split` finds no space,
since by then all are spelled "▁".

*Merges.* BPE starts from characters, or from the bytes of unknown characters, and joins two neighbours at a time: the
pair whose merge comes first in the list, from left to right. Joining across a cut needs a merge of two tokens of which
the first ends with a, or in a byte or the unknown token, and the second begins with "▁". There is no such merge: a is
chosen so, and a tokenizer that joins a byte or the unknown token with "▁" is not accepted. So each side is merged as it
would be alone, in the same order: the left side gives tokens(L), and the right side a rest(R) that depends only on R,
spelled without a dummy. Unknown tokens are fused with one another, but never with "▁", which is known. `ignore_merges`
and affixes of words depend on where the text begins and stops, so they are not accepted.
"""

import re
from typing import Any

SPELL = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
DUMMY = {"type": "Prepend", "prepend": "▁"}
_BYTE = re.compile("<0x[0-9A-F]{2}>$")
_NO_SPLIT = {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}


def find_piece_cuts(
    normalizers: list[dict[str, Any]], pre_tokenizers: list[dict[str, Any]], model: dict[str, Any]
) -> re.Pattern[str] | None:
    """The pattern of cuts of a tokenizer that has these steps; None where nothing is proved of them.

    Args:
        model: the BPE model, as tokenizer.json describes it.
    """
    if normalizers == [DUMMY, SPELL]:
        is_spelled = not pre_tokenizers
    elif normalizers == [SPELL]:
        is_spelled = pre_tokenizers in ([], [_NO_SPLIT])
    else:
        is_spelled = not normalizers and len(pre_tokenizers) == 1 and _spells(pre_tokenizers[0])
    affixes = model["continuing_subword_prefix"] or model["end_of_word_suffix"]
    if not is_spelled or model["ignore_merges"] or affixes or "▁" not in model["vocab"]:
        return None
    pairs = (pair if isinstance(pair, list) else pair.split(" ") for pair in model["merges"])
    before = [left for left, right in pairs if right.startswith("▁")]
    unknown = model["unk_token"]
    if any(_BYTE.search(left) or (unknown and left.endswith(unknown)) for left in before):
        return None
    joined = {left[-1] for left in before}
    return re.compile(rf"(?<=[^\s▁{re.escape(''.join(sorted(joined)))}]) ")


def _spells(step: dict[str, Any]) -> bool:
    return step["type"] == "Metaspace" and step["replacement"] == "▁" and not step["split"]
