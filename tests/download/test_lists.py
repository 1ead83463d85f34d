import pytest

from byheart.components.download.lists import Source, parse_list
from byheart.contracts.books import BOOK, Refused
from byheart.contracts.errors import BookError


def parse(text: str, address: str = "shelf/list.txt") -> list[Source | Refused]:
    return parse_list(text, address, BOOK)


def test_line_names_a_book_and_what_is_particular_to_it() -> None:
    lines = [
        "\ufeff# what we read",
        "",
        "plain.txt",
        "soap.txt   title=\"The Soap Winter\" encoding=latin-1 chapters='Part \\d+|[IVX]+$'  # the best",
        "'old one.txt' chapters=none",
    ]
    assert parse("\r\n".join(lines)) == [
        Source(source="shelf/plain.txt", role=BOOK),
        Source(
            source="shelf/soap.txt",
            role=BOOK,
            title="The Soap Winter",
            encoding="latin-1",
            chapters=r"Part \d+|[IVX]+$",
        ),
        Source(source="shelf/old one.txt", role=BOOK, chapters="none"),
    ]


@pytest.mark.parametrize(
    ("address", "name", "leads_to"),
    [
        ("list.txt", "a.txt", "a.txt"),
        ("x/list.txt", "a.txt", "x/a.txt"),
        ("x/list.txt", "../y/*.txt", "x/../y/*.txt"),
        ("/x/list.txt", "/y/a.txt", "/y/a.txt"),
        ("x/list.txt", "gs://b/a.txt", "gs://b/a.txt"),
        ("gs://b/x/list.txt", "a.txt", "gs://b/x/a.txt"),
        ("gs://b/x/list.txt", "../y/**/*.txt", "gs://b/y/**/*.txt"),
        ("gs://b/list.txt", "a.txt", "gs://b/a.txt"),
        ("gs://b/list.txt", "https://a.org/b.txt", "https://a.org/b.txt"),
        ("https://a.org/x/list.txt", "a book?.txt", "https://a.org/x/a%20book%3F.txt"),
        ("https://a.org/x/list.txt?v=2", "../y/a.txt", "https://a.org/y/a.txt"),
    ],
)
def test_relative_name_is_relative_to_the_lists_own_folder(address: str, name: str, leads_to: str) -> None:
    assert parse(f"'{name}'", address) == [Source(source=leads_to, role=BOOK)]


def test_line_of_sha256sum_names_a_book_and_its_digest() -> None:
    digest = "0aF5" * 16
    lines = [f"{digest}  a.txt", f"{digest} *b.txt", f"{digest}  'c d.txt' chapters=none", digest]
    assert parse("\n".join(lines)) == [
        Source(source="shelf/a.txt", role=BOOK, sha256=digest.lower()),
        Source(source="shelf/b.txt", role=BOOK, sha256=digest.lower()),
        Source(source="shelf/c d.txt", role=BOOK, sha256=digest.lower(), chapters="none"),
        Source(source=f"shelf/{digest}", role=BOOK),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('"a.txt', "a line must be shell words, found: No closing quotation: mend the quotes"),
        ("a.txt titel=x", "must be one of title, encoding, chapters with = and a value, found 'titel=x'"),
        ("a.txt The Soap", "found 'The': write it so, and quote what holds spaces"),
        ("a.txt title=", "title must not be empty, found ''"),
        ("a.txt title=x title=y", "title must be given once, found it twice"),
        ("a.txt encoding=klingon", "encoding must be one that Python knows, found 'klingon'"),
        ("a.txt chapters='(['", "chapters must be auto, none or a regular expression, found '(['"),
        ("@other.txt", "a list must name books, found the list @other.txt"),
        ("''", "a book must have a name, found ''"),
        (f"{'0' * 64} ''", "a book must have a name, found ''"),
        (f"{'0' * 63}  a.txt", "with = and a value, found 'a.txt'"),
    ],
)
def test_line_that_cannot_be_read_is_refused_with_its_number_and_the_others_are_not(line: str, said: str) -> None:
    one, refused, other = parse(f"a.txt\n# then\n{line}\nb.txt")
    assert [one, other] == [Source(source=f"shelf/{name}.txt", role=BOOK) for name in "ab"]
    assert isinstance(refused, Refused)
    assert (refused.source, refused.role) == ("shelf/list.txt, line 3", BOOK)
    assert refused.why.startswith("shelf/list.txt, line 3: ")
    assert said in refused.why
    assert "\n" not in refused.why


@pytest.mark.parametrize(
    ("address", "name", "said"),
    [
        ("gs://b/list.txt", "/etc/a.txt", "a list at gs:// must name no file here, found /etc/a.txt"),
        ("https://a.org/list.txt", "/etc/a.txt", "a list at https:// must name no file here"),
        ("gs://b/list.txt", "../c/a.txt", "must stay in its bucket, found ../c/a.txt"),
    ],
)
def test_list_elsewhere_names_no_file_here(address: str, name: str, said: str) -> None:
    [refused] = parse(name, address)
    assert isinstance(refused, Refused)
    assert said in refused.why


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n"])
def test_list_of_nothing_is_refused(text: str) -> None:
    with pytest.raises(BookError, match=r"shelf/list\.txt must list at least one book, found none"):
        parse(text)


def test_list_has_at_most_as_many_lines_and_books_as_a_run() -> None:
    with pytest.raises(BookError, match=r"list\.txt must have at most 100,000 lines, found 5,000,000: divide it"):
        parse("\n" * 5_000_000)
    with pytest.raises(BookError, match=r"list\.txt must have at most 10,000 books, found more: divide them"):
        parse("a.txt x\n" * 10_001)


def test_line_without_end_is_refused_and_the_others_are_not() -> None:
    refused, other = parse(f"{'a ' * 10_000_000}\nb.txt")
    assert isinstance(refused, Refused)
    assert refused.why.endswith("a line must have at most 8,192 characters, found 20,000,000: mend it")
    assert other == Source(source="shelf/b.txt", role=BOOK)
