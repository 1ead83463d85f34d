"""Cuts for BPE without words, as SentencePiece's in Llama 2, Mistral's first and Gemma.

Here a text is one word, its spaces spelled "▁", often with a dummy "▁" in front, and merges may join whatever they
list. A cut lies before a space, b; a is neither white space nor "▁" nor the last character of a token that some merge
joins with a token that begins with "▁". (See cuts.py for what is to be shown, and what added tokens must be like.)

*Spelling.* Each space becomes one "▁", and nothing else changes. The dummy is put before the first character of a text
that lies between added tokens: where there are none but special ones, which stay text, only before L's. `Metaspace`
puts none before a text that begins with a space, so that there added tokens do no harm. `Split` finds no space, all
being spelled otherwise by then.

*Merges.* BPE starts from characters, or the bytes of those it does not know, and joins two neighbours at a time, those
whose merge comes first in its list, from left to right. To join what is left of a cut with what is right of it takes a
merge of two tokens of which the first ends with a, or in a byte or the unknown token, and the second begins with "▁".
There is none. So on either side the merges are those that this side alone would see, in the same order: tokens(L), and
a rest(R) that is R's, spelled without a dummy. The unknown token swallows its like, but not the "▁", which is known.
`ignore_merges` and the affixes of words would see where the text begins and stops: not accepted.
"""

import re
from typing import Any

_SPELL = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
_DUMMY = {"type": "Prepend", "prepend": "▁"}
_NO_SPLIT = {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}


def piece_cuts(
    normalizers: list[dict[str, Any]],
    pre_tokenizers: list[dict[str, Any]],
    model: dict[str, Any],
    *,
    has_added_tokens: bool,
) -> re.Pattern[str] | None:
    """Where the one word that these steps make can be cut, if all the steps are known.

    Args:
        model: the BPE model, as its file says it.
        has_added_tokens: whether any of them is not special.
    """
    if normalizers == [_DUMMY, _SPELL]:
        is_spelled = not has_added_tokens and not pre_tokenizers
    elif normalizers == [_SPELL]:
        is_spelled = pre_tokenizers in ([], [_NO_SPLIT])
    else:
        is_spelled = not normalizers and len(pre_tokenizers) == 1 and _spells(pre_tokenizers[0])
    affixes = model["continuing_subword_prefix"] or model["end_of_word_suffix"]
    if not is_spelled or model["ignore_merges"] or affixes or "▁" not in model["vocab"]:
        return None
    pairs = (pair if isinstance(pair, list) else pair.split(" ") for pair in model["merges"])
    joined = {left[-1] for left, right in pairs if right.startswith("▁")}
    # A byte, as <0x0A>, and the unknown token end so.
    return None if ">" in joined else re.compile(rf"(?<=[^\s▁{re.escape(''.join(sorted(joined)))}]) ")


def _spells(step: dict[str, Any]) -> bool:
    return step["type"] == "Metaspace" and step["replacement"] == "▁" and not step["split"]
