"""The lines that the stage prints about the books: how many, which were refused, and what is unusual in their texts."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from byheart.components.download.controls import list_control_notices
from byheart.contracts.books import BOOK, CONTROL, Book, Origin, Refused
from byheart.contracts.progress import format_count
from byheart.contracts.setting_groups import TextSettings
from byheart.contracts.text_report import TextReport

_LINES = 8
"""The most unusual books that get a line each; for more books there is a line for each kind."""
_REFUSED_LINES = 10
_NAMED = 3
"""Books that the line of a kind names."""
_FEWEST_BREAKS = 10
"""A text with fewer line breaks at a fixed width is not called hard-wrapped."""


class Unusual(NamedTuple):
    """A kind of text that readers may want to know of before they trust a number."""

    many: str
    """A description of several such books."""
    describe: Callable[[TextReport, Origin], str]
    """Describes a book with its numbers; empty if the book is not of this kind."""
    remedy: str


def _describe_frame(_: TextReport, origin: Origin) -> str:
    return _FRAME if origin.gutenberg == "kept" else ""


def _describe_half_frame(_: TextReport, origin: Origin) -> str:
    if origin.gutenberg != "cut" or (origin.gutenberg_headers and origin.gutenberg_footers):
        return ""
    cut, lacking = ("header", "footer") if origin.gutenberg_headers else ("footer", "header")
    return f"with Project Gutenberg's {cut}, which was cut, and no {lacking}"


def _describe_several_frames(_: TextReport, origin: Origin) -> str:
    headers, footers = origin.gutenberg_headers, origin.gutenberg_footers
    if max(headers, footers) < 2:
        return ""
    return f"{_SEVERAL_FRAMES} ({headers:,} headers, {footers:,} footers)"


def _describe_hard_wrapped(report: TextReport, _: Origin) -> str:
    if report.wrapped_breaks < _FEWEST_BREAKS or report.hard_wrapped < 0.5:
        return ""
    return f"hard-wrapped ({report.hard_wrapped:.0%} of the line breaks inside its paragraphs)"


def _describe_line_ends(report: TextReport, _: Origin) -> str:
    if report.mixed_line_breaks:
        other = f" and {report.unicode_breaks:,} NEL, LS or PS" if report.unicode_breaks else ""
        counts = f"{report.crlf:,} CR-LF and {report.lone_cr:,} lone CR{other}"
        return f"with mixed line ends ({counts} in {report.lines:,} lines)"
    if report.unicode_breaks:
        return f"with NEL, LS or PS as line ends ({report.unicode_breaks:,})"
    if report.lone_cr:
        return f"with lone CRs as line ends ({report.lone_cr:,})"
    return f"with CR-LF line ends ({report.crlf:,})" if report.crlf else ""


def _describe_count(unit: str, count: Callable[[TextReport], int]) -> Callable[[TextReport, Origin], str]:
    return lambda report, _: f"with {unit} ({count(report):,})" if count(report) else ""


_FRAME = "with Project Gutenberg's header and footer, which are measured too"
_HALF_FRAME = "with one of Project Gutenberg's header and footer, which was cut, and not the other"
_SEVERAL_FRAMES = "with what Project Gutenberg writes around several books"
_LINE_ENDS = "with line ends other than LF"
UNUSUAL = (
    Unusual(_FRAME, _describe_frame, "gutenberg=cut leaves them out"),
    Unusual(_HALF_FRAME, _describe_half_frame, "look where the text begins and ends"),
    Unusual(_SEVERAL_FRAMES, _describe_several_frames, "make a file of each book"),
    Unusual("hard-wrapped", _describe_hard_wrapped, "unwrap=true joins them"),
    Unusual(_LINE_ENDS, _describe_line_ends, "convert them if the model was trained on LF"),
    *(
        Unusual(f"with {unit}", _describe_count(unit, count), remedy)
        for unit, count, remedy in (
            ("characters not in NFC", lambda report: report.non_nfc, "convert them if the model was trained on NFC"),
            ("control characters", lambda report: report.control_characters, "remove them"),
            ("byte order marks inside", lambda report: report.byte_order_marks, "remove them"),
            ("U+FFFD, where a conversion failed,", lambda report: report.replacement_characters, "find another copy"),
            ("mojibake, as â€œ for “,", lambda report: report.mojibake, "find another copy"),
            ("tags or references, as in HTML,", lambda report: report.markup, "make plain text of it"),
            ("soft hyphens", lambda report: report.soft_hyphens, "remove them"),
            ("zero-width characters", lambda report: report.zero_width, "remove them if the script needs none"),
            ("private-use characters", lambda report: report.private_use, "replace them"),
        )
    ),
)
"""The kinds, in the order in which they are printed."""


def list_notices(books: Sequence[Book], refused: Sequence[Refused], settings: TextSettings) -> list[str]:
    """At most 35 lines: on each refused source, on all books, on each unusual book or each kind, and on controls.

    Args:
        settings: by which the books were read.
    """
    return [
        *_describe_refused(refused),
        _count_books(books),
        *_describe_changes(books),
        *_describe_idle_settings(books, settings),
        *_describe_unusual(books),
        *list_control_notices(books),
    ]


def _describe_refused(refused: Sequence[Refused]) -> list[str]:
    lines = [
        f"{'control ' if source.role == CONTROL else ''}not brought: {source.why}"
        for source in refused[:_REFUSED_LINES]
    ]
    if len(refused) > _REFUSED_LINES:
        lines.append(f"and {len(refused) - _REFUSED_LINES:,} more that are not brought")
    return [" ".join(line.split()) for line in lines]


def _count_books(books: Sequence[Book]) -> str:
    counts = {
        "book": sum(book.role == BOOK for book in books),
        "control": sum(book.role == CONTROL for book in books),
        "character": sum(len(book.text) for book in books),
        "chapter": sum(len(book.chapters) for book in books),
    }
    return ", ".join(format_count(count, unit) for unit, count in counts.items() if count)


def _describe_changes(books: Sequence[Book]) -> list[str]:
    origins = [book.origin for book in books if book.origin]
    cut = [origin.cut_front + origin.cut_back for origin in origins if origin.gutenberg == "cut"]
    joined = [origin.joined_lines for origin in origins if origin.joined_lines]
    lines = []
    if cut:
        lines.append(f"cut as Project Gutenberg's: {sum(cut):,} characters of {len(cut):,} of {len(books):,} texts")
    if joined:
        lines.append(f"joined: {sum(joined):,} lines of {len(joined):,} of {len(books):,} texts")
    return lines


def _describe_idle_settings(books: Sequence[Book], settings: TextSettings) -> list[str]:
    """A line for each setting that was asked for and changed nothing in some texts."""
    read = [(book, book.origin) for book in books if book.origin]
    idle = {
        "gutenberg=cut found no line of Project Gutenberg's": [
            book for book, origin in read if settings.gutenberg == "cut" and origin.gutenberg == "none"
        ],
        "unwrap=true found no line to join": [
            book for book, origin in read if settings.unwrap and not origin.joined_lines
        ],
    }
    for book, origin in read:
        if origin.chapters not in ("", "auto", "none") and not book.chapters:
            idle.setdefault(f"chapters={origin.chapters} matches no line's beginning", []).append(book)
    return [f"{what}: {_name_some([book.name for book in found])}" for what, found in idle.items() if found][:_LINES]


def _name_some(names: Sequence[str]) -> str:
    rest = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + rest


def _describe_unusual(books: Sequence[Book]) -> list[str]:
    unusual = {book.name: _find_unusual(book) for book in books}
    unusual = {name: kinds for name, kinds in unusual.items() if kinds}
    if len(unusual) <= _LINES:
        return [
            f"{name}: {'; '.join(f'{words}: {kind.remedy}' for kind, words in kinds)}"
            for name, kinds in unusual.items()
        ]
    lines = []
    for kind in UNUSUAL:
        names = [name for name, kinds in unusual.items() if kind in [other for other, _ in kinds]]
        if names:
            lines.append(f"{_name_some(names)}: {kind.many}: {kind.remedy}")
    return lines


def _find_unusual(book: Book) -> list[tuple[Unusual, str]]:
    if not book.report or not book.origin:
        return []
    descriptions = ((kind, kind.describe(book.report, book.origin)) for kind in UNUSUAL)
    return [(kind, words) for kind, words in descriptions if words]
