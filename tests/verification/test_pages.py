"""Pages made again: data that other libraries pack otherwise is the same, other data is not."""

import base64
import gzip
from pathlib import Path

from byheart.verification.compare import compare_files


def write_page(folder: Path, data: bytes, *, level: int, picture: str = "", words: str = "51.4%") -> None:
    folder.mkdir(exist_ok=True)
    packed = base64.b64encode(gzip.compress(data, level, mtime=0)).decode()
    uri = f"data:image/png;base64,{picture}"
    page = (
        f'<p>{words}</p><img src="{uri}"><script type="application/x-byheart" id="t0-map">{packed}</script>\n'
    )
    (folder / "report.html").write_text(page)
    (folder / "summary.md").write_text(f"{words}\n\n![map]({uri})\n")


def compare(tmp_path: Path, *, with_pictures: bool) -> list[str]:
    names = ("report.html", "summary.md")
    return [
        difference
        for name in names
        for difference in compare_files(name, tmp_path / "old", tmp_path / "new", with_pictures=with_pictures)
    ]


def test_other_libraries_pack_and_draw_otherwise(tmp_path: Path) -> None:
    data = bytes(range(256)) * 20
    write_page(tmp_path / "old", data, level=9, picture="AAAA")
    write_page(tmp_path / "new", data, level=0, picture="BBBB")
    assert compare(tmp_path, with_pictures=False) == []
    assert compare(tmp_path, with_pictures=True) == ["report.html, line 1", "summary.md, line 3"]


def test_changed_data_and_changed_words_are_found(tmp_path: Path) -> None:
    write_page(tmp_path / "old", b"map", level=9)
    write_page(tmp_path / "new", b"Map", level=9)
    assert compare(tmp_path, with_pictures=False) == ["report.html: its text is another"]
    write_page(tmp_path / "new", b"map", level=9, words="51.5%")
    assert compare(tmp_path, with_pictures=False) == [
        "report.html: its text is another",
        "summary.md: its text is another",
    ]
