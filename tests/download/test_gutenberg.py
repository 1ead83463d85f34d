import pytest
from hypothesis import given
from hypothesis import strategies as st

from byheart.components.download.gutenberg import find_gutenberg

BREAKS = ["\n", "\r\n", "\r", "\x85", "\u2028", "\u2029"]
BODY = "  CHAPTER I\r\n\r\nEmma Woodhouse, *** handsome,\nclever\n\n\nFINIS"
MARKERS = [
    "*** {} OF THE PROJECT GUTENBERG EBOOK EMMA ***",
    "*** {} OF THIS PROJECT GUTENBERG EBOOK EMMA ***",
    "***{} OF THE PROJECT GUTENBERG EBOOK EMMA***",
    "*** {} OF THE PROJECT GUTENBERG EBOOK, EMMA ***",
    "*** {} OF THIS PROJECT GUTENBERG ETEXT EMMA ***",
    "*** {} OF THE COPYRIGHTED PROJECT GUTENBERG EBOOK EMMA ***",
    "*** {} OF THE PROJECT GUTENBERG EBOOK EMMA, OR\nA VERY LONG TITLE ***",
    "*** {} OF THE PROJECT GUTENBERG EBOOK EMMA, OR\r\nA VERY LONG TITLE ***  ",
    "*** {} OF THE PROJECT GUTENBERG EBOOK EMMA",
    "*** {} of the Project Gutenberg eBook Emma ***",
]


def cut(text: str) -> str:
    found = find_gutenberg(text)
    assert found
    return text[found.front : len(text) - found.back]


@pytest.mark.parametrize("marker", MARKERS)
@pytest.mark.parametrize("line_break", BREAKS)
def test_what_stands_between_the_markers_is_the_book(marker: str, line_break: str) -> None:
    header = ["The Project Gutenberg eBook of Emma", "", marker.format("START"), "", "", ""]
    footer = ["", "", marker.format("END"), "", "Section 1.", "*** START: FULL LICENSE ***", ""]
    assert cut(line_break.join([*header, BODY, *footer])) == BODY


@pytest.mark.parametrize(
    "text",
    [
        BODY,
        "",
        "He said: *** START OF THE PROJECT GUTENBERG EBOOK EMMA ***",
        "*** START OF THE GAME ***\n",
        "We came to the end of Project Gutenberg's Emma.\n",
        "***START**THE SMALL PRINT!**FOR PUBLIC DOMAIN ETEXTS**START***\n",
    ],
)
def test_text_without_markers_has_none(text: str) -> None:
    assert find_gutenberg(text) is None


def test_one_marker_cuts_one_side() -> None:
    start, stop = MARKERS[0].format("START"), MARKERS[0].format("END")
    assert cut(f"x\n{start}\n\n{BODY}\n") == f"{BODY}\n"
    assert cut(f"\n{BODY}\n\n{stop}\nx") == f"\n{BODY}"


@pytest.mark.parametrize("line_break", BREAKS)
@pytest.mark.parametrize(
    "start",
    [
        "*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*",
        "*END THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*",
        "*END*THE SMALL PRINT! FOR PUBLIC DOMAIN\nETEXTS*Ver.04.29.93*END*",
    ],
)
@pytest.mark.parametrize(
    "stop",
    [
        "End of Project Gutenberg's Emma, by Jane Austen",
        "End of The Project Gutenberg Etext of Emma",
        "End of this Project Gutenberg Etext of Emma",
        "***End of the Project Gutenberg EBook of Emma***",
    ],
)
def test_marks_of_the_1990s_are_known(start: str, stop: str, line_break: str) -> None:
    lines = ["The Project Gutenberg Etext of Emma", "legal words", "", *start.split("\n"), "", BODY, "", "", stop, ""]
    assert cut(line_break.join(lines)) == BODY


def test_older_mark_is_text_beside_a_newer_one() -> None:
    start, stop = MARKERS[0].format("START"), MARKERS[0].format("END")
    old = "End of Project Gutenberg's Emma"
    assert cut(f"{start}\n{BODY}\n{old}\n\n{stop}\n") == f"{BODY}\n{old}"


@pytest.mark.parametrize(
    ("text", "found"),
    [("START", (1, 0)), ("END", (0, 1)), ("START END START END", (2, 2)), ("START END", (1, 1))],
)
def test_marks_are_counted(text: str, found: tuple[int, int]) -> None:
    gutenberg = find_gutenberg("".join(f"{MARKERS[0].format(word)}\nx\n" for word in text.split()))
    assert gutenberg
    assert (gutenberg.headers, gutenberg.footers) == found


def test_everything_up_to_the_last_footer_is_kept() -> None:
    start, stop = MARKERS[0].format("START"), MARKERS[0].format("END")
    assert cut(f"{start}\none\n{stop}\n{start}\ntwo\n{stop}\n") == f"one\n{stop}\n{start}\ntwo"


def test_book_of_nothing_is_nothing() -> None:
    assert cut(f"{MARKERS[0].format('START')}\n \n{MARKERS[0].format('END')}\n") == ""


@pytest.mark.parametrize(
    ("header", "title"),
    [
        ("Title: Emma\nAuthor: Jane Austen", "Emma"),
        ("Title: Emma,\r\n       a novel\r\nAuthor: Jane Austen", "Emma, a novel"),
        ("Author: Jane Austen", ""),
        ("Title:\nAuthor: Jane Austen", ""),
        ("SUBTITLE: Emma\nThe Title: Emma", ""),
    ],
)
def test_title_is_the_headers(header: str, title: str) -> None:
    found = find_gutenberg(f"{header}\n\n{MARKERS[0].format('START')}\nTitle: Inside\n")
    assert found
    assert found.title == title


@given(
    st.lists(
        st.sampled_from([*(m.format(w) for m in MARKERS for w in ("START", "END")), "a\n", "\n", "\r\n", " ", "b"])
    )
)
def test_cut_text_is_a_part_of_the_text(pieces: list[str]) -> None:
    text = "".join(pieces)
    if found := find_gutenberg(text):
        assert 0 <= found.front <= len(text) - found.back <= len(text)
        assert not cut(text).startswith(("\n", "\r")) or not found.front
