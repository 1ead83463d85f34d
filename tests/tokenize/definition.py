"""The windows of a text, straight from the definition; and what the tests of windows share."""

import json
from pathlib import Path

from tokenizers import Tokenizer

from byheart.contracts.setting_groups import WindowSettings
from byheart.contracts.windows import Windows


def by_definition(text: str, tokenizer: Tokenizer, window: WindowSettings) -> tuple[list[list[object]], list[int]]:
    """The windows' rows, in the order of the columns, and the cursors dropped at the tail and inside.

    Straight from "The measurement, exactly" in the design, a slice at a time.
    """
    rows: list[list[object]] = []
    dropped = [0, 0]
    for cursor in range(0, len(text), window.cursor_inc):
        characters = text[cursor : cursor + window.slice_length]
        tokens = tokenizer.encode(characters, add_special_tokens=False)
        if len(tokens.ids) < window.chunk_size:
            dropped[len(characters) == window.slice_length] += 1
            continue
        stops: list[int] = []
        for index in range(window.chunk_size):
            # what lies between two tokens belongs to the earlier
            following = tokens.offsets[index + 1 :] or [(len(characters), len(characters))]
            stops.append(max(cursor + tokens.offsets[index][1], cursor + following[0][0], *stops))
        fed = [None] * (window.bos == "true") + stops
        scored = fed[: window.max_length or None]
        start = cursor + tokens.offsets[0][0]
        counts = [window.prompt_tokens, len(scored) - (window.bos == "true") - window.prompt_tokens]
        spans = [cursor, start, stops[window.prompt_tokens - 1], scored[-1]]
        rows.append([*spans, *counts, False, 0, tokens.ids[: window.chunk_size], stops])
    return rows, dropped


def window_settings(
    chunk_size: int, slice_length: int, cursor_inc: int, prompt_tokens: int, *, bos: str = "false", max_length: int = 0
) -> WindowSettings:
    return WindowSettings(
        chunk_size=chunk_size,
        slice_length=slice_length,
        cursor_inc=cursor_inc,
        max_length=max_length,
        prompt_tokens=prompt_tokens,
        bos=bos,
    )


def lists(windows: Windows) -> dict[str, list[int] | list[list[int]]]:
    """The columns by name."""
    return {name: column.tolist() for name, column in windows.columns().items()}


def library_tokenizer(folder: Path) -> Tokenizer:
    """The folder's tokenizer in the library's own terms, without what the measurement leaves out."""
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    content |= {"post_processor": None, "truncation": None, "padding": None}
    if content["model"]["type"] == "Unigram":  # in SentencePiece itself, control pieces match no text
        for piece in content["model"]["vocab"][:3]:
            piece[0] = f"\ufdd0{piece[0]}"
        content["added_tokens"] = []
    tokenizer = Tokenizer.from_str(json.dumps(content))
    tokenizer.encode_special_tokens = True
    return tokenizer
