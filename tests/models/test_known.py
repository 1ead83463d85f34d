"""The models that have a short name are at revisions that mean one thing, and where there is an accelerator."""

import re

import pytest

from byheart.machines.accelerators import ONE_HOST
from byheart.models.known import KNOWN, KnownModel

PUBLISHED = {"meta-llama/Llama-3.1-8B": "d04e592", "meta-llama/Llama-3.1-70B": "d4cd2f9"}
"""The commits under which the method's authors have published numbers."""


@pytest.mark.parametrize("model", KNOWN.values(), ids=KNOWN)
def test_row_can_be_used(model: KnownModel) -> None:
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", model.repository)
    assert model.revision == PUBLISHED.get(model.repository, "main")
    assert model.accelerator in ("", *ONE_HOST)


def test_every_repository_has_one_name() -> None:
    assert len({model.repository for model in KNOWN.values()}) == len(KNOWN)
    assert PUBLISHED.keys() <= {model.repository for model in KNOWN.values()}


@pytest.mark.parametrize("name", KNOWN)
def test_short_name_is_no_path(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9.-]+", name)
