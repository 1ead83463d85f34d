"""What strangers wrote is quoted without secrets, without what a terminal obeys, and not without end."""

import pytest

from byheart.contracts.errors import ModelError
from byheart.contracts.foreign import MOST_OF_A_MESSAGE, clean, has_credentials, quote, shorten, strip_address


@pytest.mark.parametrize(
    ("address", "shown", "is_secret"),
    [
        ("https://h/a.txt", "https://h/a.txt", False),
        ("https://h:8443/a@b.txt", "https://h:8443/a@b.txt", False),
        ("https://[::1]:8/a@b.txt", "https://[::1]:8/a@b.txt", False),
        ("https://h/a.txt?v=2#top", "https://h/a.txt", False),
        ("https://h/x.txt?X-Goog-Signature=a@b", "https://h/x.txt", True),
        ("http://u:PW@h/x", "http://h/x", True),
        ("ftp://u:PW@h", "ftp://h", True),
        ("s3://KEY:PW@b/x", "s3://b/x", True),
        ("https://TOKEN@h/x", "https://h/x", True),
        ("https://u:PW/x@h/y", "https://h/y", True),
        ("https://u:PW?x@h", "https://h", True),
        ("https://u:1#2@h", "https://h", True),
        ("gs://b/models/org--name@c0ffee/a?.txt", "gs://b/models/org--name@c0ffee/a?.txt", False),
        ("gs://u:PW@b/x", "gs://b/x", True),
        ("a@b/c?.txt", "a@b/c?.txt", False),
    ],
)
def test_address_is_shown_without_user_password_and_query(address: str, shown: str, is_secret: bool) -> None:
    assert strip_address(address) == shown
    assert has_credentials(address) == is_secret
    assert clean(f"cannot read {address}: found '{address}' ({address}), again") == (
        f"cannot read {shown}: found '{shown}' ({shown}), again"
    )


def test_control_characters_are_spelled_out_in_every_error() -> None:
    error = ModelError("found \x1b]0;title\x07, \u202e, \x00, \x9b, \ufffe, half \ud800 and \U000e0041: mend it")
    assert str(error) == (
        r"found \x1b]0;title\x07, \u202e, \x00, \x9b, \ufffe, half \ud800 and \U000e0041: mend it"
    )  # fmt: skip


def test_text_of_any_language_is_shown_as_it_is() -> None:
    text = "«Война и мир», 吾輩は猫である\u3000一, می\u200cروم, naïve\xa0café"
    assert clean(text) == text


@pytest.mark.parametrize(
    "value", ["x" * 1_000_000, "x " * 500_000, "\x1b" * 500_000, "a://" * 250_000, "://@?" * 200_000]
)
def test_error_has_an_end_whatever_it_quotes_and_still_says_what_to_do(value: str) -> None:
    error = ModelError(f"config.json must have a model_type, found {value}: choose another")
    assert len(str(error)) <= MOST_OF_A_MESSAGE
    assert str(error).startswith("config.json must have a model_type, found ")
    assert str(error).endswith(": choose another")


def test_values_are_quoted_up_to_300_characters() -> None:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    assert len(quote("x" * 10_000)) == len(quote([1] * 10_000)) == 300
    assert quote(10**5000) == "a number of 16,610 bits"
    assert quote(nested) == "a list that cannot be written"
    assert quote("short") == "'short'"
    assert shorten("ab" * 200).endswith("abab")
