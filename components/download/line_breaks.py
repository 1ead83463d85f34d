"""What ends a line of a text, and a copy of the text in which one character does."""

import re
from bisect import bisect_left
from itertools import count

BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""A line break: CR-LF, LF, CR, NEL, LS or PS."""


class LinesOf:
    """A text with LF as every line break, for patterns whose `^`, `$` and `.` know no other.

    of a text   I \\r \\n It was a long day \\x85
    text        I \\n It was a long day \\n
    """

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n")
        self._pairs = [found.start() - number for number, found in zip(count(), re.finditer("\r\n", text))]
        for other in "\r\x85\u2028\u2029":
            self.text = self.text.replace(other, "\n")

    def locate(self, position: int) -> int:
        """The position in the original text of a position in `text`; that of a CR-LF is its CR's."""
        return position + bisect_left(self._pairs, position)
