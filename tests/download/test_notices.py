from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from byheart.components.download.notices import list_notices
from byheart.components.download.text_report import report_on
from byheart.contracts.books import BOOK, CONTROL, Book, Chapter, Origin, Refused
from byheart.contracts.setting_groups import TextSettings

ORIGIN = Origin(
    file_bytes=1, file_sha256="a" * 64, encoding="utf-8", gutenberg="none", cut_front=0, cut_back=0, joined_lines=0
)
PLAIN = TextSettings(chapters="auto", encoding="utf-8", gutenberg="keep", unwrap=False, on_bad_book="fail")
WRAPPED = "The tide brought the soap in before\nit brought the news, and the whole\n" * 10


def book(text: str, name: str = "soap", role: str = BOOK, origin: Origin = ORIGIN) -> Book:
    return Book(name=name, source=f"{name}.txt", text=text, role=role, origin=origin, report=report_on(text))


def said(*books: Book, refused: Sequence[Refused] = (), **settings: Any) -> list[str]:
    """The lines; that there are no controls is left out."""
    lines = list_notices(books, refused, replace(PLAIN, **settings))
    return [line for line in lines if not line.startswith("no controls: ")]


def changed(**values: Any) -> Origin:
    return replace(ORIGIN, **values)


def refusals(count: int, role: str = BOOK) -> list[Refused]:
    return [Refused(source=f"{number}.txt", role=role, why=f"no {number}.txt") for number in range(count)]


def test_ordinary_books_are_only_counted() -> None:
    chapters = (Chapter(title="I", start=0), Chapter(title="II", start=5))
    plain = Book(name="a", source="a", text="x" * 30, chapters=chapters)
    assert said(plain, book("A line.\nAnother.\n", "b", CONTROL)) == ["1 book, 1 control, 47 characters, 2 chapters"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (WRAPPED, "hard-wrapped (100% of the line breaks inside its paragraphs): unwrap=true joins them"),
        ("a\r\nb\nc\r", "with mixed line ends (1 CR-LF and 1 lone CR in 3 lines): convert them if the model was "
         "trained on LF"),
        ("a\r\nb\r\n", "with CR-LF line ends (2): convert them if the model was trained on LF"),
        ("a\rb", "with lone CRs as line ends (1): convert them if the model was trained on LF"),
        ("a\x85b\x85", "with NEL, LS or PS as line ends (2): convert them if the model was trained on LF"),
        ("a\nb\x85", "with mixed line ends (0 CR-LF and 0 lone CR and 1 NEL, LS or PS in 2 lines): convert them if the "
         "model was trained on LF"),
        ("It\u00e2\u20ac\u2122s", "with mojibake, as â€œ for “, (1): find another copy"),
        ("<p>Soap &amp; water</p>", "with tags or references, as in HTML, (3): make plain text of it"),
        ("e\u0301", "with characters not in NFC (2): convert them if the model was trained on NFC"),
        ("a\x07", "with control characters (1): remove them"),
        ("a\ufeff", "with byte order marks inside (1): remove them"),
        ("a\ufffd", "with U+FFFD, where a conversion failed, (1): find another copy"),
        ("a\xadb\u200b", "with soft hyphens (1): remove them; with zero-width characters (1): remove them if the "
         "script needs none"),
        ("a\ue000", "with private-use characters (1): replace them"),
    ],
)  # fmt: skip
def test_unusual_text_gets_a_line_that_says_what_to_do(text: str, line: str) -> None:
    assert said(book(text))[1:] == [f"soap: {line}"]


def test_project_gutenbergs_frame_is_named_where_it_is_measured() -> None:
    kept = book("text", origin=changed(gutenberg="kept"))
    assert said(kept)[1:] == [
        "soap: with Project Gutenberg's header and footer, which are measured too: gutenberg=cut leaves them out"
    ]


@pytest.mark.parametrize(
    ("headers", "footers", "words"),
    [
        (1, 1, ""),
        (1, 0, "with Project Gutenberg's header, which was cut, and no footer: look where the text begins and ends"),
        (0, 1, "with Project Gutenberg's footer, which was cut, and no header: look where the text begins and ends"),
        (
            2,
            2,
            "with what Project Gutenberg writes around several books (2 headers, 2 footers): make a file of each book",
        ),
    ],
)
def test_half_a_frame_and_several_are_named(headers: int, footers: int, words: str) -> None:
    origin = changed(gutenberg="cut", gutenberg_headers=headers, gutenberg_footers=footers)
    assert said(book("text", origin=origin), gutenberg="cut")[2:] == ([f"soap: {words}"] if words else [])


def test_setting_that_changed_nothing_is_named() -> None:
    untouched = [book("text", name, origin=changed(chapters="Kapitel")) for name in "abcde"]
    assert said(*untouched, gutenberg="cut", unwrap=True, chapters="Kapitel")[1:] == [
        "gutenberg=cut found no line of Project Gutenberg's: a, b, c and 2 more",
        "unwrap=true found no line to join: a, b, c and 2 more",
        "chapters=Kapitel matches no line's beginning: a, b, c and 2 more",
    ]
    assert said(*untouched[:1])[1:] == ["chapters=Kapitel matches no line's beginning: a"], "as a list may say"
    for rule in ("auto", "none"):
        assert said(book("text", origin=changed(chapters=rule)))[1:] == []


def test_run_without_controls_is_told_so() -> None:
    assert list_notices([book("text")], [], PLAIN)[1:] == [
        "no controls: nothing will say how the model scores texts that it cannot have seen; name some"
    ]


def prose(seed: int, words: int) -> str:
    random = np.random.default_rng(seed)
    return " ".join(f"{word:x}" for word in random.integers(1 << 24, size=words))


def test_control_that_shares_text_with_a_book_is_named_with_the_share() -> None:
    texts = [prose(seed, 1_000) for seed in range(3)]
    half = f"{texts[0][: len(texts[0]) // 2]} {texts[2][: len(texts[2]) // 2]}".replace(" ", "\r\n")
    lines = said(book(texts[1], "a"), book(texts[0], "b"), book(half, "half", CONTROL), book(texts[2], "c", CONTROL))
    assert [line for line in lines if "control " in line] == [
        "control half: 50% of it stands word for word in b: name another control"
    ]


def test_controls_that_are_equal_are_named() -> None:
    lines = said(book("some text", "a"), *(book("other", name, CONTROL) for name in "bc"))
    assert lines[-1] == "control c is the same text as b, and counts twice: leave one out"


def test_controls_that_are_much_shorter_are_named() -> None:
    books = book(prose(0, 100), "a"), book("x" * 100, "b")
    lengths = [len(books[0].text) * share // 100 for share in (20, 49, 51)]
    controls = [book(prose(9, 100)[:length], str(length), CONTROL) for length in lengths]
    short, nearly, _ = lengths
    assert said(*books, *controls)[-1] == (
        f"controls of less than half the characters of a ({len(books[0].text):,}): {short} ({short:,}), "
        f"{nearly} ({nearly:,}): a short text has fewer windows, and so a lower best one; name longer ones"
    )


def test_what_was_cut_and_joined_is_counted() -> None:
    frame = changed(gutenberg="cut", gutenberg_headers=1, gutenberg_footers=1, cut_front=600, cut_back=700)
    assert said(book("text", "a", origin=replace(frame, joined_lines=9)), book("text", "b"))[1:] == [
        "cut as Project Gutenberg's: 1,300 characters of 1 of 2 texts",
        "joined: 9 lines of 1 of 2 texts",
    ]


def test_what_was_refused_comes_first_in_a_line_each() -> None:
    assert said(book("text"), refused=[*refusals(1), *refusals(1, CONTROL)]) == [
        "not brought: no 0.txt",
        "control not brought: no 0.txt",
        "1 book, 4 characters",
    ]


def test_the_unusual_in_hundreds_of_books_is_said_kind_by_kind() -> None:
    odd = WRAPPED + "\r\n\r\ne\u0301\x07\ufeff\ufffd\xad\u200b\ue000"
    origin = changed(gutenberg="kept", joined_lines=1)
    lines = said(*(book(odd, f"b{number}", origin=origin) for number in range(300)), refused=refusals(200))
    assert lines[10] == "and 190 more that are not brought"
    assert lines[-9] == "b0, b1, b2 and 297 more: hard-wrapped: unwrap=true joins them"
    assert len(lines) < 25
