"""Names and labels of strangers, made safe to show in a page: as js/characters.mjs does it for the text of a book."""

import re

_PICTURES = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "␡", 0x2028: "␤", 0x2029: "␤"}
_BOX = "□"
# Controls but tab and line feed; what turns the direction of text; what has no width, but joiners where letters or
# pictures join; separators of lines; tags.
_HIDDEN = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
    "|[\U000e0000-\U000e0fff]|(?<![\u0590-\u1fff\u2e80-\U0001ffff])[\u200c\u200d]"
)


def neutralise(text: str) -> str:
    """The text with a visible sign for each hidden character: pictures of controls, boxes for the rest."""
    return _HIDDEN.sub(lambda hidden: _PICTURES.get(ord(hidden[0]), _BOX), text)


def show_hidden(value: object) -> object:
    """What a template writes for a value: text of strangers hides nothing; markup of ours is as it is."""
    return neutralise(value) if type(value) is str else value
