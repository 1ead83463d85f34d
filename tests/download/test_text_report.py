import functools
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byheart.components.download.text_report import _compile_sequences, report_on

TEXTS = st.text(
    st.one_of(
        st.sampled_from(
            "ae\n\r\t \x85\u2028\u2029"
            "\u0301\u0323\u0344\u0387\u0958\u2126\u1100\u1161\u11a8\uac00\u09c7\u09be\ufeff\u200b\xad"
        ),
        st.characters(exclude_categories=["Cs"]),
    )
)


def test_lines_and_their_ends_are_counted() -> None:
    report = report_on("one\r\ntwo\rthree\n\nfive")
    assert (report.lines, report.crlf, report.lone_cr, report.mixed_line_breaks) == (5, 1, 1, True)
    assert not report_on("one\r\ntwo\r\n").mixed_line_breaks
    report = report_on("one\x85two\u2028three\u2029")
    assert (report.lines, report.unicode_breaks, report.mixed_line_breaks) == (3, 3, True)
    assert report_on("").lines == 0


def test_characters_that_nfc_would_change_are_counted_with_their_marks() -> None:
    assert report_on("cafe\u0301 cr\u00e8me").non_nfc == 2, "e and its accent"
    assert report_on("\u2126hm").non_nfc == 1, "the sign of the unit is Greek's letter"
    assert report_on("a\u0301\u0323b").non_nfc == 3, "marks in another order"
    assert report_on("\u1100\u1161\u11a8").non_nfc == 3, "a Korean syllable, letter by letter"
    assert report_on("x\u0301 is nowhere one character").non_nfc == 0


def test_characters_that_a_model_may_not_expect_are_counted() -> None:
    report = report_on("a\x00\x0c\x85\t\n b\ufeff\ufffd\xad\xad\u200b\u200d\ue000\U0010fffd")
    assert (report.control_characters, report.byte_order_marks, report.replacement_characters) == (2, 1, 1)
    assert (report.soft_hyphens, report.zero_width, report.private_use) == (2, 2, 2)


def test_tags_and_references_are_markup() -> None:
    page = '<!DOCTYPE html>\n<p class="a"><br/>Soap &amp; water&#8217;s</p><!-- a note -->'
    assert report_on(page).markup == 7
    assert report_on("a < b & c > d; AT&T; <- and <3 <foo@example.org>").markup == 0


MOJIBAKE = "“It’s the café”"


@pytest.mark.parametrize(
    ("encoding", "count"), [("cp1252", 4), ("latin-1", 4), ("mac-roman", 3), ("cp437", 3), ("cp1251", 3)]
)
def test_utf_8_that_was_read_in_another_encoding_is_mojibake(encoding: str, count: int) -> None:
    assert report_on(MOJIBAKE.encode().decode(encoding, errors="replace")).mojibake == count


@pytest.mark.parametrize("text", [MOJIBAKE, "voilà\xa0» né\xa0»", "«МИР» СССР—", "MENÜ“ „Spaß“", "Ελλάδα", "日本、あ"])
def test_text_as_it_was_written_is_no_mojibake(text: str) -> None:
    assert report_on(text).mojibake == 0


def test_marks_in_a_row_take_time_in_proportion() -> None:
    began = time.perf_counter()
    assert report_on("e" + "\u0301\u0323" * 250_000).non_nfc == 500_001
    assert time.perf_counter() - began < 10, "by normalizing them it took 10 minutes"


@given(TEXTS)
def test_counts_are_those_of_a_loop(text: str) -> None:
    report = report_on(text)
    categories = [unicodedata.category(one) for one in text if one not in "\t\n\r\x85"]
    assert report.control_characters == categories.count("Cc")
    assert report.private_use == categories.count("Co")
    assert report.zero_width == sum(one in "\u200b\u200c\u200d\u2060" for one in text)
    others = ("\x85", "\u2028", "\u2029")
    with_two_kinds = functools.reduce(lambda lines, other: lines.replace(other, "\n"), others, text)
    assert report.lines == len(with_two_kinds.encode().splitlines())  # bytes know CR and LF only
    assert report.unicode_breaks == sum(map(text.count, others))
    assert report.crlf == text.count("\r\n")
    assert report.lone_cr == text.replace("\r\n", "").count("\r")
    assert report.wrapped_breaks <= report.inner_breaks < max(report.lines, 1)


@given(TEXTS)
def test_sequences_are_all_that_nfc_changes(text: str) -> None:
    sequences = list(_compile_sequences().finditer(text))
    put_together, at = "", 0
    for found in sequences:
        put_together += text[at : found.start()] + unicodedata.normalize("NFC", found[0])
        at = found.end()
    assert put_together + text[at:] == unicodedata.normalize("NFC", text)
    assert (report_on(text).non_nfc > 0) == (unicodedata.normalize("NFC", text) != text)
