"""The counts that describe a book's text: its lines, and characters that a model may not expect."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextReport:
    """Counts over the text that is measured. `download/text_report.py` makes them, docs/books.md explains them.

    A line break is CR-LF, a lone LF or CR, NEL, LS or PS.
    """

    lines: int
    """Line breaks, and a last line that ends in none."""
    crlf: int
    """Line breaks that are CR-LF."""
    lone_cr: int
    """Line breaks that are a CR without LF."""
    mixed_line_breaks: bool
    """There is more than one kind of line break."""
    inner_breaks: int
    """Line breaks inside a paragraph: with text in the line before and in the line after."""
    wrapped_breaks: int
    """Inner breaks that `unwrap=true` would turn into spaces."""
    non_nfc: int
    """Characters of the sequences that Unicode's form NFC would change; a sequence is a character and its marks."""
    control_characters: int
    """Unicode's category Cc, except tab and what breaks lines."""
    byte_order_marks: int
    """U+FEFF inside the text."""
    replacement_characters: int
    """U+FFFD, which stands where an earlier conversion failed."""
    soft_hyphens: int
    """U+00AD."""
    zero_width: int
    """U+200B, U+200C, U+200D, U+2060."""
    private_use: int
    """Unicode's category Co."""
    hard_wrapped: float
    """`wrapped_breaks` over `inner_breaks`, to four digits; 0 where there are none."""
    unicode_breaks: int = 0
    """Line breaks that are NEL (U+0085), LS (U+2028) or PS (U+2029)."""
    markup: int = 0
    """Tags and character references, as in HTML and XML."""
    mojibake: int = 0
    """Pairs of characters into which the bytes of one turn, if UTF-8 is read as Windows-1252 or another encoding."""
