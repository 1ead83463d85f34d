"""Books from everywhere at once, and what becomes of those that cannot be brought."""

import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from byheart.components.download.books import read_books_from
from byheart.components.download.libraries import Libraries
from byheart.components.download.local import LocalFiles
from byheart.components.download.size import MOST_BOOKS
from byheart.contracts.books import BOOK, CONTROL, Book, BookList, Refused
from byheart.contracts.errors import BookError
from tests.download.conftest import Shelf
from tests.download.test_books import PLAIN, written
from tests.gcs import GcsServer
from tests.gcs.objects import Content

MARKED = (
    "Title: Emma\n\n*** START OF THE PROJECT GUTENBERG EBOOK EMMA ***\n\nEmma Woodhouse, handsome,\nclever, and rich.\n"
    "\n*** END OF THE PROJECT GUTENBERG EBOOK EMMA ***\nlicence\n"
)


def bring(*sources: str, controls: tuple[str, ...] = (), **settings: Any) -> tuple[list[Book], list[Refused]]:
    return read_books_from(sources, controls, replace(PLAIN, **settings))


def one(source: str, **settings: Any) -> Book:
    [book], refused = bring(source, **settings)
    assert not refused
    assert book.origin
    assert book.report
    return book


def test_books_come_from_everywhere_in_the_order_they_were_named(tmp_path: Path, server: GcsServer, web: Shelf) -> None:
    server.storage.put("shelf", "x/b.txt", Content.of(b"Some text."), {})
    server.storage.put("shelf", "x/c.txt", Content.of(b"Some text."), {})
    server.storage.put("shelf", "x/list.txt", Content.of(b"c.txt title='The C'\nb*.txt\n"), {})
    sources = [
        web.put("/a%20b.c.txt?v=1", b"Some text."),
        "@gs://shelf/x/list.txt",
        written(tmp_path / "d.txt"),
        "gs://shelf/x/?.txt",
    ]
    web.put("/y/e.txt", b"Unseen text.")
    books, refused = bring(*sources, controls=(f"@{web.put('/y/list', b'e.txt')}",))
    assert not refused
    assert [(book.name, book.title) for book in books] == [
        ("a-b-c", "a b.c"), ("c", "The C"), ("b", "b"), ("d", "d"), ("b-2", "b"), ("c-2", "c"), ("e", "e"),
    ]  # fmt: skip
    assert [book.source for book in books[:2]] == [sources[0].removesuffix("?v=1"), "gs://shelf/x/c.txt"]
    assert [book.role for book in books] == [BOOK] * 6 + [CONTROL]


def test_what_a_list_says_of_a_book_goes_before_the_settings(tmp_path: Path) -> None:
    written(tmp_path / "a.txt", "I\nÉmile\nII\n".encode("latin-1"))
    written(tmp_path / "b.txt", "I\nÉmile\nII\n".encode())
    written(tmp_path / "list", b"a.txt encoding=latin-1 chapters='[IVX]+$' title='De l\xc3\xa9ducation'\nb.txt")
    (a, b), _ = bring(f"@{tmp_path}/list")
    assert a.text == b.text
    assert (a.title, b.title) == ("De léducation", "b")
    assert [[chapter.title for chapter in book.chapters] for book in (a, b)] == [["I", "II"], []]
    assert a.origin
    assert (a.origin.encoding, a.origin.chapters) == ("iso8859-1", "[IVX]+$")
    assert b.origin
    assert b.origin.chapters == "auto"


def test_list_from_sha256sum_is_held_against_the_files_wherever_they_are(
    tmp_path: Path, server: GcsServer, web: Shelf
) -> None:
    """Each place has a file that is as it was listed, and one whose last letter has changed since."""
    listed, changed = b"Some text.", b"Some text,"
    for name, data in (("same.txt", listed), ("other.txt", changed)):
        written(tmp_path / name, data)
        server.storage.put("shelf", f"x/{name}", Content.of(data), {})
        web.put(f"/y/{name}", data)
    names = [tmp_path / "same.txt", tmp_path / "other.txt"]
    asked = subprocess.run(["sha256sum", names[0]], capture_output=True, check=True, text=True).stdout
    digest = asked.split()[0]
    text = "".join(f"{digest}  {name.name}\n" for name in names).encode()
    written(tmp_path / "list", text)
    server.storage.put("shelf", "x/list", Content.of(text), {})
    lists = [f"{tmp_path}/list", "gs://shelf/x/list", web.put("/y/list", text)]
    books, refused = bring(written(tmp_path / "book.txt", b"Seen."), controls=tuple(f"@{address}" for address in lists))
    assert [book.name for book in books] == ["book", "same", "same-2", "same-3"]
    origins = [book.origin for book in books if book.origin]
    of_list = hashlib.sha256(text).hexdigest()
    assert [origin.listed_in for origin in origins] == [
        None, *(BookList(source=address, sha256=of_list) for address in lists)
    ]  # fmt: skip
    assert {origin.file_sha256 for origin in origins[1:]} == {digest}
    assert [(one.role, Path(one.source).name) for one in refused] == [(CONTROL, "other.txt")] * 3
    found = hashlib.sha256(changed).hexdigest()
    assert all(f"must have the SHA-256 {digest}, as its list says, found {found}: bring" in one.why for one in refused)


def test_digest_is_of_one_file(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"Some text.").hexdigest()
    (tmp_path / "two").mkdir()
    for name in ("a.txt", "two/b.txt", "two/c.txt"):
        written(tmp_path / name)
    written(tmp_path / "list", f"{digest} a.txt\n{digest} two\n".encode())
    books, refused = bring(f"@{tmp_path}/list")
    assert [book.name for book in books] == ["a"]
    assert [one.why for one in refused] == [
        f"{tmp_path}/two must be one file, since its list gives one SHA-256, found 2: write a line for each"
    ]


def test_encoding_is_that_of_the_setting(tmp_path: Path) -> None:
    assert one(written(tmp_path / "a.txt", "Émile".encode("utf-16")), encoding="utf-16").text == "Émile"


def test_origin_says_which_file_it_was(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbfSome text.\r\n"
    book = one(written(tmp_path / "Émile: ou.txt", data))
    assert book.origin
    assert (book.title, book.name) == ("Émile: ou", "Émile-ou")
    assert (book.origin.file_bytes, book.origin.file_sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert (book.origin.encoding, book.origin.gutenberg, book.origin.joined_lines) == ("utf-8", "none", 0)
    assert book.report
    assert book.report.crlf == 1
    assert (book.identity.origin, book.identity.report) == (book.origin, book.report)


def test_header_and_footer_are_kept_unless_they_are_to_be_cut(tmp_path: Path) -> None:
    source = written(tmp_path / "pg158.txt", MARKED.encode())
    kept, cut = one(source), one(source, gutenberg="cut")
    assert kept.origin
    assert cut.origin
    assert (kept.text, kept.origin.gutenberg, kept.origin.cut_front) == (MARKED, "kept", 0)
    assert (kept.origin.gutenberg_headers, kept.origin.gutenberg_footers) == (1, 1)
    assert cut.text == "Emma Woodhouse, handsome,\nclever, and rich."
    assert cut.origin.gutenberg == "cut"
    assert MARKED[cut.origin.cut_front : -cut.origin.cut_back] == cut.text
    assert kept.title == cut.title == "Emma"


def test_text_without_markers_is_left_as_it_is(tmp_path: Path) -> None:
    book = one(written(tmp_path / "a.txt"), gutenberg="cut")
    assert book.origin
    assert (book.text, book.origin.gutenberg, book.origin.cut_back) == ("Some text.", "none", 0)


def test_chapters_and_report_are_of_the_text_that_is_left(tmp_path: Path) -> None:
    source = written(tmp_path / "a.txt", MARKED.replace("Emma Wood", "I\n\nEmma Wood").encode())
    book = one(source, gutenberg="cut", unwrap=True, chapters="[IVX]+$")
    assert book.text == "I\n\nEmma Woodhouse, handsome, clever, and rich."
    assert [book.text[chapter.start :][:1] for chapter in book.chapters] == ["I"]
    assert book.origin
    assert book.report
    assert (book.origin.joined_lines, book.report.lines, book.report.inner_breaks) == (1, 3, 0)


@pytest.mark.usefixtures("server")
def test_bad_books_do_not_take_the_others_down(tmp_path: Path, web: Shelf) -> None:
    good, unseen = written(tmp_path / "good.txt"), written(tmp_path / "unseen.txt", b"Unseen.")
    written(tmp_path / "list", b"good.txt\ngood.txt titel=x\ngone.txt\n")
    empty = tmp_path / "empty"
    empty.mkdir()
    bad = {
        written(tmp_path / "latin.txt", b"\xe9"): "byte 0xe9 at offset 0",
        str(tmp_path / "no.txt"): "must name files that exist",
        str(empty): "at least one .txt file",
        f"{tmp_path}/*.pdf": "at least one file",
        written(tmp_path / "blank.txt", b"\n"): "must hold text",
        "gs://shelf/gone.txt": "must be an object",
        f"{web.address}/gone.txt": "no such file there (404)",
        "http://a.org/a.txt": "write https://",
        "@": "a list must be named",
        f"@{tmp_path}/no-list": "must name files that exist",
        "https://me:secret@a.org/a.txt": "without a user",
    }
    books, refused = bring(*bad, good, f"@{tmp_path}/list", controls=(str(tmp_path / "no.txt"), unseen))
    assert [(book.name, book.role) for book in books] == [("good", BOOK), ("good-2", BOOK), ("unseen", CONTROL)]
    for (source, said), one in zip(bad.items(), refused, strict=False):
        assert (one.source, one.role) == (source.replace("me:secret@", ""), BOOK)
        assert said in one.why
        assert "secret" not in one.why
    assert [one.source for one in refused[len(bad) :]] == [
        f"{tmp_path}/list, line 2", f"{tmp_path}/gone.txt", f"{tmp_path}/no.txt",
    ]  # fmt: skip
    assert refused[-1].role == CONTROL


def test_book_that_gutenberg_leaves_empty_is_refused(tmp_path: Path) -> None:
    text = MARKED.replace("Emma Woodhouse, handsome,\nclever, and rich.\n", "")
    with pytest.raises(BookError, match=r"a\.txt must hold text, found none"):
        bring(written(tmp_path / "a.txt", text.encode()), gutenberg="cut")


def test_run_without_a_book_ends_with_the_one_reason(tmp_path: Path) -> None:
    with pytest.raises(BookError, match=r"^books must name files that exist, found no /no\.txt: check the path$"):
        bring("/no.txt", controls=(written(tmp_path / "a.txt"), "/gone.txt"))


def test_run_whose_books_broke_off_on_the_way_may_pass_later(web: Shelf) -> None:
    with pytest.raises(BookError, match="broke off") as caught:
        bring(web.put("/a.txt", b"Some", Content_Length="9"))
    assert (caught.value.parameter, caught.value.may_pass) == ("books", True)


def test_run_without_a_book_ends_with_the_first_of_many_reasons() -> None:
    with pytest.raises(BookError, match=r"one to measure, found 5 that .* no /0\.txt.* no /2\.txt.*; and 2 more$"):
        bring(*(f"/{number}.txt" for number in range(5)))


def test_run_has_at_most_10_000_books(tmp_path: Path) -> None:
    written(tmp_path / "list", b"a.txt\n" * (MOST_BOOKS + 1))
    with pytest.raises(BookError, match="at most 10,000 books, found more: divide them"):
        bring(f"@{tmp_path}/list")


def test_name_that_is_no_text_is_spelled_out(tmp_path: Path) -> None:
    written(tmp_path / "a.txt")
    with (tmp_path / "caf\udce9.txt").open("wb") as file:
        file.write(b"Some text.")
    [book], [refused] = bring(str(tmp_path))
    assert book.name == "a"
    assert refused.source == f"{tmp_path}/caf\\udce9.txt"
    assert "must have a name in UTF-8, found other bytes: rename it" in refused.why


def test_same_text_may_stand_under_two_names(tmp_path: Path) -> None:
    books, refused = bring(written(tmp_path / "a.txt"), written(tmp_path / "b.txt"))
    assert not refused
    assert books[0].sha256 == books[1].sha256


def test_glob_follows_no_links_that_lead_back(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.txt").touch()
    (tmp_path / "a" / ".hidden.txt").touch()
    for name in "bcdefgh":
        (tmp_path / "a" / name).symlink_to(tmp_path / "a")
    for pattern in ("**/*.txt", "**", "*/x.t?t", "a/**.txt"):
        assert LocalFiles().find(f"{tmp_path}/{pattern}") == [f"{tmp_path}/a/x.txt"]


def test_pod_s_own_files_are_no_books(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    for path in ("/proc/self/environ", "/var/run/secrets/kubernetes.io/serviceaccount/token", "a.txt"):
        with pytest.raises(BookError, match=f"must be at|on a cluster must be at gs:// or https://, found {path}"):
            Libraries().choose(path)


@pytest.mark.parametrize(
    "address", ["http://u:PW@h/x", "ftp://u:PW@h", "s3://KEY:PW@b", "https://u:PW/x@h", "http://u:P'W@h"]
)
def test_password_of_an_address_stands_in_no_refusal(address: str) -> None:
    with pytest.raises(BookError) as caught:
        Libraries().choose(address).read(address)
    assert "W" not in str(caught.value)
