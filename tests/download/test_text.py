import pytest

from byheart.components.download.text import MOST_CHARACTERS, decode
from byheart.contracts.encodings import find_codec
from byheart.contracts.errors import BookError, SettingsError

TEXT = "Länder\r\nsaid “now”\n日本\U0001f9fc\n"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "UTF8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030", "utf-7"]
)
def test_text_is_read_in_the_encoding_that_is_declared(encoding: str) -> None:
    assert decode(TEXT.encode(encoding), find_codec(encoding), "a.txt") == TEXT


@pytest.mark.parametrize(("encoding", "name"), [("latin-1", "iso8859-1"), ("CP1252", "cp1252"), ("l1", "iso8859-1")])
def test_encoding_has_one_name(encoding: str, name: str) -> None:
    assert find_codec(encoding) == name
    assert decode("Émile\r\n".encode(encoding), name, "a.txt") == "Émile\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "gb18030"])
def test_byte_order_mark_is_cut_once(encoding: str) -> None:
    assert decode(f"\ufeff\ufeff{TEXT}".encode(encoding), find_codec(encoding), "a.txt") == f"\ufeff{TEXT}"


@pytest.mark.parametrize("encoding", ["klingon", "hex", "rot13", "zip", "", "utf-8\0"])
def test_encoding_that_is_none_is_refused(encoding: str) -> None:
    with pytest.raises(SettingsError, match="encoding must be one that Python knows"):
        find_codec(encoding)


@pytest.mark.parametrize(
    ("data", "encoding", "said"),
    [
        (b"abc\xff", "utf-8", "be UTF-8 text, found byte 0xff at offset 3: convert it, or declare its encoding"),
        (b"\xef\xbb\xbfabc\xff", "utf-8", "be UTF-8 text, found byte 0xff at offset 6"),
        (b"abc\x81", "cp1252", "be cp1252 text, found byte 0x81 at offset 3: convert it"),
        (b"\xff\xfea\0", "utf-8", "UTF-16 (bytes 0xfffe at offset 0): convert it, or declare encoding=utf-16"),
        (b"\xfe\xff\0a", "latin-1", "be iso8859-1 text, found UTF-16 (bytes 0xfeff at offset 0)"),
        (
            b"\xef\xbb\xbfa",
            "latin-1",
            "be iso8859-1 text, found UTF-8 (bytes 0xefbbbf at offset 0): convert it, or decl",
        ),
        (b"abc", "utf-16", "be utf-16 text, found byte 0x63 at offset 2"),
        (b"a\0b", "latin-1", "found a NUL byte at offset 1"),
        ("zwölf".encode("utf-16-le"), "utf-8", "found byte 0xf6 at offset 4: convert it, or declare encoding=utf-16-l"),
        ("twelve".encode("utf-16-be"), "utf-8", "in UTF-16: convert it, or declare encoding=utf-16-be"),
        ("twelve".encode("utf-32-le"), "utf-8", "in UTF-16: convert it to UTF-8 or name another file"),
        (b"\x80\0\0\0\x80\0\0\0", "utf-8", "found byte 0x80 at offset 0: convert it, or declare its encoding, such"),
        (b"a", "undefined", "be undefined text, found: "),
        (rb"a\ud800", "unicode_escape", "half a surrogate pair at character 1"),
        (b" \n", "utf-8", "must hold text, found none"),
    ],
)
def test_text_that_cannot_be_read_is_refused(data: bytes, encoding: str, said: str) -> None:
    with pytest.raises(BookError, match=r"a\.txt must") as caught:
        decode(data, find_codec(encoding), "a.txt")
    assert said in str(caught.value)


def test_text_has_at_most_20_million_characters() -> None:
    longest = "ab \n" * 5_000_000
    assert len(decode(longest.encode(), "utf-8", "a.txt")) == MOST_CHARACTERS
    with pytest.raises(BookError, match="at most 20,000,000 characters, found 20,000,001: divide it"):
        decode(f"{longest}.".encode(), "utf-8", "a.txt")
