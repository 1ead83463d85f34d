from collections.abc import Sequence

import pytest

from byheart.components.download.notices import list_notices
from byheart.components.download.text_report import report_on
from byheart.contracts.books import BOOK, CONTROL, Book, Chapter, Origin, Refused

ORIGIN = Origin(
    file_bytes=1, file_sha256="a" * 64, encoding="utf-8", gutenberg="none", cut_front=0, cut_back=0, joined_lines=0
)
WRAPPED = "The tide brought the soap in before\nit brought the news, and the whole\n" * 10


def book(text: str, name: str = "soap", role: str = BOOK, origin: Origin = ORIGIN) -> Book:
    return Book(name=name, source=f"{name}.txt", text=text, role=role, origin=origin, report=report_on(text))


def said(*books: Book, refused: Sequence[Refused] = ()) -> list[str]:
    return list_notices(books, refused)


def refusals(count: int, role: str = BOOK) -> list[Refused]:
    return [Refused(source=f"{number}.txt", role=role, why=f"no {number}.txt") for number in range(count)]


def test_ordinary_books_are_only_counted() -> None:
    chapters = (Chapter(title="I", start=0), Chapter(title="II", start=5))
    plain = Book(name="a", source="a", text="x" * 1_000, chapters=chapters)
    assert said(plain, book("A line.\nAnother.\n", "b", CONTROL)) == ["1 book, 1 control, 1,017 characters, 2 chapters"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (WRAPPED, "hard-wrapped (100% of the line breaks inside its paragraphs): unwrap=true joins them"),
        ("a\r\nb\nc\r", "with mixed line ends (1 CR-LF and 1 lone CR in 3 lines): convert them if the model was "
         "trained on LF"),
        ("a\r\nb\r\n", "with CR-LF line ends (2): convert them if the model was trained on LF"),
        ("a\rb", "with lone CRs as line ends (1): convert them if the model was trained on LF"),
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
    kept = book("text", origin=Origin(**{**vars(ORIGIN), "gutenberg": "kept"}))
    assert said(kept)[1:] == [
        "soap: with Project Gutenberg's header and footer, which are measured too: gutenberg=cut leaves them out"
    ]


def test_what_was_cut_and_joined_is_counted() -> None:
    changed = Origin(**{**vars(ORIGIN), "gutenberg": "cut", "cut_front": 600, "cut_back": 700, "joined_lines": 9})
    assert said(book("text", "a", origin=changed), book("text", "b"))[1:] == [
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
    origin = Origin(**{**vars(ORIGIN), "gutenberg": "kept", "joined_lines": 1})
    lines = said(*(book(odd, f"b{number}", origin=origin) for number in range(300)), refused=refusals(200))
    assert lines[10] == "and 190 more that are not brought"
    assert lines[-9] == "b0, b1, b2 and 297 more: hard-wrapped: unwrap=true joins them"
    assert len(lines) < 25
