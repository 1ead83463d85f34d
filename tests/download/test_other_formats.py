"""Files of another format, as people name them .txt."""

import bz2
import gzip
import io
import lzma
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from byheart.components.download.other_formats import check_is_text
from byheart.contracts.errors import BookError


def zipped(**files: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/"), text)
    return data.getvalue()


FILES = {
    "an EPUB": zipped(mimetype="application/epub+zip", text="x"),
    "an ODT document": zipped(mimetype="application/vnd.oasis.opendocument.text"),
    "a Word document": zipped(word__document="x"),
    "a ZIP archive, such as an EPUB or a Word document": zipped(book="x"),
    "a PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "an RTF document": b"{\\rtf1\\ansi It was a long day.}",
    "a web page (HTML)": b"<!-- saved --><!-- twice -->\n<!DOCTYPE html>\n<html><p>It was a long day.",
    "a gzip archive": gzip.compress(b"It was a long day."),
    "a bzip2 archive": bz2.compress(b"It was a long day."),
    "an xz archive": lzma.compress(b"It was a long day."),
    "a pointer of Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
    "a picture": b"\x89PNG\r\n\x1a\n",
    "a Kindle book": b"A book".ljust(60, b"\0") + b"BOOKMOBI",
}


@pytest.mark.parametrize("name", FILES)
def test_file_of_another_format_is_called_by_its_name(name: str) -> None:
    for mark in (b"", b"\xef\xbb\xbf"):
        with pytest.raises(BookError) as caught:
            check_is_text(mark + FILES[name], "soap.txt")
        assert str(caught.value).startswith(f"soap.txt must be plain text, found {name}: ")


@pytest.mark.parametrize(
    "text",
    [
        "It was a long day.",
        "A PDF begins with %PDF-1.7",
        "PK",
        "<p>A tag",
        "<<html>>",
        "{\\rtfm}",
        "",
        "<!--" + "-->" * 900,
    ],
)
def test_text_is_text(text: str) -> None:
    check_is_text(text.encode(), "soap.txt")


@pytest.mark.parametrize(
    ("name", "pack"), [("gunzip", gzip.compress), ("bunzip2", bz2.compress), ("unxz", lzma.compress)]
)
def test_step_that_the_message_names_makes_a_book(name: str, pack: object, tmp_path: Path) -> None:
    if not shutil.which(name):
        pytest.skip(f"{name} is not here")
    data = b"It was a long day.\n"
    (tmp_path / "soap.txt").write_bytes(pack(data))  # type: ignore[operator]
    with pytest.raises(BookError) as caught:
        check_is_text((tmp_path / "soap.txt").read_bytes(), "soap.txt")
    _, step = str(caught.value).split(" unpack it: ")
    assert step.startswith(name)
    subprocess.run(step.replace("FILE", "soap.txt"), shell=True, check=True, cwd=tmp_path)
    assert (tmp_path / "book.txt").read_bytes() == data
