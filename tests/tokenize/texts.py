"""Texts of many kinds, drawn at random, on which two ways of making tokens might part."""

from hypothesis import strategies as st

from byheart.contracts.setting_groups import WindowSettings
from tests.tokenize.definition import window_settings
from tests.tokenize.toy_tokenizers import TEXT

_AWKWARD = [
    *["<|endoftext|>", "<|begin_of_text|>", "</s>", "<s>", "<unk>", "<0x0A>", "▁", "<tool_call>", "the ferryman"],
    *[
        "</end>",
        "</end> ",
        "<x>",
        " <x>",
        "<|user|>",
        "<tool▁calls▁begin>",
        "<begin▁of▁sentence>",
        "> the",
        "\u2018a\u2019",
    ],
    *[" ", "  ", "   ", "\t", "\n", "\r\n", "\r", "\n\n", "\u2028", "\u00a0", "\u3000", "\u0085", "\x1c", "\u200b"],
    *[
        "e\u0301",
        "\u0301",
        "é",
        "ß",
        "日本語",
        "🙂",
        "🚣🏽",
        "👩‍👩‍👧",
        "“",
        "—",
        "\u0338",
        "\u1100\u1161",
        "\uf900、",
        "か\u3099、",
    ],
]
_SCRIPTS = [
    *[
        "彼は川のそばで、待っていた。「来たか」と言った。",
        "你好，世界！這是「第一次」：真的嗎？",
        "ハンバーガー、ラーメン。",
    ],
    *["مرحبا بالعالم، كيف حالك؟", "שָׁלוֹם עוֹלָם", "สวัสดีชาวโลก ครับ", "नमस्ते दुनिया।", "Привет, мир! Ёлка."],
    *["re\u0301sume\u0301 nai\u0308ve", "한국어 문장입니다.", "🇫🇷 🇩🇪👍🏽 ok", "xin chào thế giới"],
]
_CODE = [
    *[
        "    if x[0] == 'a':\n\t\treturn  1\r\n",
        "// don't\n\n\n  }",
        "x = 1234567 + 0x1F;  ",
        "        ",
        "\n\n\n\n",
        "\t\t",
    ],
    *["aGVsbG8gd29ybGQ" * 4, "1234567890" * 3, "=" * 20, "I'LL they'd IT'S 'ſ 'tis", "https://a.b/c?d=e&f"],
]
_TIGHT = st.text(alphabet=" a'sTL1\n\r\t.,/<é\u0301\u00a0\u3000のか\u3099、。一\u0338", max_size=12)
_PROSE = st.lists(st.sampled_from(TEXT.split()), max_size=8).map(" ".join)
_PIECES = st.sampled_from([*_AWKWARD, *_SCRIPTS, *_CODE, *TEXT.split()]) | _TIGHT | _PROSE | st.text(max_size=4)

TEXTS = st.lists(_PIECES, max_size=12).map("".join) | st.lists(_PIECES, max_size=12).map(" ".join)
"""Prose, many scripts, code, numbers, blobs without a space, special tokens spelled out, and anything."""


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, WindowSettings]:
    """A text, and settings so small that slices stop anywhere in it."""
    chunk_size = draw(st.integers(2, 12))
    prompt_tokens = draw(st.integers(1, chunk_size - 1))
    bos = draw(st.sampled_from(["true", "false"]))
    least = prompt_tokens + (bos == "true") + 1
    max_length = draw(st.just(0) | st.integers(least, chunk_size + 2))
    slice_length, cursor_inc = draw(st.integers(5, 60)), draw(st.integers(1, 7))
    return draw(TEXTS), window_settings(
        chunk_size, slice_length, cursor_inc, prompt_tokens, bos=bos, max_length=max_length
    )
