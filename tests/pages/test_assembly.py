"""Scripts and styles of a page, joined."""

from pathlib import Path

import pytest

from byheart.pages.assembly import join_modules, join_styles


def test_modules_are_joined_without_imports_and_exports(tmp_path: Path) -> None:
    first, second = tmp_path / "a.mjs", tmp_path / "b.mjs"
    first.write_text("/** Adds. */\nexport function add(a, b) {\n  return a + b; // export nothing\n}\n")
    second.write_text('import { add } from "./a.mjs";\n\nexport const two = add(1, 1);\nexport class Book {}\n')
    assert join_modules([first, second]) == (
        "/** Adds. */\nfunction add(a, b) {\n  return a + b; // export nothing\n}\n\n"
        "const two = add(1, 1);\nclass Book {}\n"
    )


@pytest.mark.parametrize("join", [join_modules, join_styles])
def test_file_that_would_end_its_element_is_refused(join: object, tmp_path: Path) -> None:
    file = tmp_path / "a.mjs"
    file.write_text('const end = "</script></style>";\n')
    with pytest.raises(ValueError, match=r"a\.mjs must not hold '</script'"):
        join([file])  # type: ignore[operator]


def test_styles_are_joined_in_order(tmp_path: Path) -> None:
    first, second = tmp_path / "a.css", tmp_path / "b.css"
    first.write_text("a { }\n")
    second.write_text("b { }\n")
    assert join_styles([first, second]) == "a { }\n\nb { }\n"
