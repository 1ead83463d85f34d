"""What the stage says of the books: how many, which could not be brought, and what is unusual about their texts."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from byheart.contracts.books import BOOK, CONTROL, Book, Origin, Refused
from byheart.contracts.text_report import TextReport

_LINES = 8
"""Books that get a line of their own; the unusual in more of them is said kind by kind."""
_REFUSED_LINES = 10
_NAMED = 3
"""Books that a line about many names."""
_FEWEST_BREAKS = 10
"""A text with fewer line breaks at a fixed width is not called hard-wrapped."""


class Unusual(NamedTuple):
    """A kind of text that a reader may wish to know of before he trusts a number."""

    many: str
    """What several such books are."""
    says: Callable[[TextReport, Origin], str]
    """What one book is, with its numbers; empty if it is not of this kind."""
    remedy: str


def _gutenberg(_: TextReport, origin: Origin) -> str:
    return _GUTENBERG if origin.gutenberg == "kept" else ""


def _hard_wrapped(report: TextReport, _: Origin) -> str:
    if report.wrapped_breaks < _FEWEST_BREAKS or report.hard_wrapped < 0.5:
        return ""
    return f"hard-wrapped ({report.hard_wrapped:.0%} of the line breaks inside its paragraphs)"


def _line_ends(report: TextReport, _: Origin) -> str:
    if report.mixed_line_breaks:
        return f"with mixed line ends ({report.crlf:,} CR-LF and {report.lone_cr:,} lone CR in {report.lines:,} lines)"
    if report.lone_cr:
        return f"with lone CRs as line ends ({report.lone_cr:,})"
    return f"with CR-LF line ends ({report.crlf:,})" if report.crlf else ""


def _counted(unit: str, count: Callable[[TextReport], int]) -> Callable[[TextReport, Origin], str]:
    return lambda report, _: f"with {unit} ({count(report):,})" if count(report) else ""


_GUTENBERG = "with Project Gutenberg's header and footer, which are measured too"
_LINE_ENDS = "with line ends other than LF"
UNUSUAL = (
    Unusual(_GUTENBERG, _gutenberg, "gutenberg=cut leaves them out"),
    Unusual("hard-wrapped", _hard_wrapped, "unwrap=true joins them"),
    Unusual(_LINE_ENDS, _line_ends, "convert them if the model was trained on LF"),
    *(
        Unusual(f"with {unit}", _counted(unit, count), remedy)
        for unit, count, remedy in (
            ("characters not in NFC", lambda report: report.non_nfc, "convert them if the model was trained on NFC"),
            ("control characters", lambda report: report.control_characters, "remove them"),
            ("byte order marks inside", lambda report: report.byte_order_marks, "remove them"),
            ("U+FFFD, where a conversion failed,", lambda report: report.replacement_characters, "find another copy"),
            ("soft hyphens", lambda report: report.soft_hyphens, "remove them"),
            ("zero-width characters", lambda report: report.zero_width, "remove them if the script needs none"),
            ("private-use characters", lambda report: report.private_use, "replace them"),
        )
    ),
)
"""What is said of a text, in this order."""


def notices(books: Sequence[Book], refused: Sequence[Refused]) -> list[str]:
    """At most 24 lines: one for each refused source, one in sum, and one for each unusual book, or kind of unusual."""
    return [*_of_refused(refused), _in_sum(books), *_of_changes(books), *_of_unusual(books)]


def _of_refused(refused: Sequence[Refused]) -> list[str]:
    lines = [f"{'control ' if one.role == CONTROL else ''}not brought: {one.why}" for one in refused[:_REFUSED_LINES]]
    if len(refused) > _REFUSED_LINES:
        lines.append(f"and {len(refused) - _REFUSED_LINES:,} more that are not brought")
    return [" ".join(line.split()) for line in lines]


def _in_sum(books: Sequence[Book]) -> str:
    counts = {
        "book": sum(book.role == BOOK for book in books),
        "control": sum(book.role == CONTROL for book in books),
        "character": sum(len(book.text) for book in books),
        "chapter": sum(len(book.chapters) for book in books),
    }
    return ", ".join(f"{count:,} {unit}{'s' * (count > 1)}" for unit, count in counts.items() if count)


def _of_changes(books: Sequence[Book]) -> list[str]:
    origins = [book.origin for book in books if book.origin]
    cut = [origin.cut_front + origin.cut_back for origin in origins if origin.gutenberg == "cut"]
    joined = [origin.joined_lines for origin in origins if origin.joined_lines]
    lines = []
    if cut:
        lines.append(f"cut as Project Gutenberg's: {sum(cut):,} characters of {len(cut):,} of {len(books):,} texts")
    if joined:
        lines.append(f"joined: {sum(joined):,} lines of {len(joined):,} of {len(books):,} texts")
    return lines


def _of_unusual(books: Sequence[Book]) -> list[str]:
    said = {book.name: _unusual(book) for book in books}
    said = {name: kinds for name, kinds in said.items() if kinds}
    if len(said) <= _LINES:
        return [
            f"{name}: {'; '.join(f'{words}: {kind.remedy}' for kind, words in kinds)}" for name, kinds in said.items()
        ]
    lines = []
    for kind in UNUSUAL:
        names = [name for name, kinds in said.items() if kind in [one for one, _ in kinds]]
        rest = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        if names:
            lines.append(f"{', '.join(names[:_NAMED])}{rest}: {kind.many}: {kind.remedy}")
    return lines


def _unusual(book: Book) -> list[tuple[Unusual, str]]:
    if not book.report or not book.origin:
        return []
    said = ((kind, kind.says(book.report, book.origin)) for kind in UNUSUAL)
    return [(kind, words) for kind, words in said if words]
