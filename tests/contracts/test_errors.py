import ast
import errno
import os
import re
from pathlib import Path
from typing import TypeGuard

import pytest

from byheart.contracts.errors import os_error_may_pass
from byheart.contracts.parameters import OPTIONS
from byheart.contracts.settings import ASSIGNED

ROOT = Path(__file__).parents[2]
PARAMETERS = {*ASSIGNED, OPTIONS, "books", "controls", "model", "store"}


def test_error_whose_message_begins_with_a_parameter_has_it_as_a_field() -> None:
    sources = [path for folder in ("byheart", "components") for path in (ROOT / folder).rglob("*.py")]
    named, unnamed = set(), []
    for call in (node for path in sources for node in ast.walk(ast.parse(path.read_text())) if is_error(node)):
        found = re.match(r"f?['\"]+(\w+)( \{[^}]*\})? must ", ast.unparse(call.args[0]))
        if found and found[1] in PARAMETERS:
            named.add(found[1])
            if "parameter" not in {keyword.arg for keyword in call.keywords}:
                unnamed.append(ast.unparse(call))
    assert not unnamed
    assert {"books", "mesh_shape", "accelerator"} <= named


def is_error(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("Error")


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ECONNRESET, errno.ETIMEDOUT, errno.ENETUNREACH])
def test_disk_or_network_that_is_away_may_come_back(number: int) -> None:
    assert os_error_may_pass(OSError(number, os.strerror(number)))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.ENOENT, errno.EISDIR])
def test_what_a_person_must_mend_is_refused_for_good(number: int) -> None:
    assert not os_error_may_pass(OSError(number, os.strerror(number)))
