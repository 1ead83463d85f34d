"""Stores of both kinds, and each pair of them to copy between."""

from pathlib import Path

import pytest

from byheart.holdings import transfer
from tests.holdings.shelf import PIECE_BYTES
from tests.store.conftest import address, server

__all__ = ["address", "server"]


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is large is copied in pieces: here a megabyte will do."""
    monkeypatch.setattr(transfer, "PIECE_BYTES", PIECE_BYTES)


@pytest.fixture(params=["folder to folder", "folder to gs", "gs to folder"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """Where a store is, and where its copy is to be."""
    names: list[str] = request.param.split(" to ")
    if "gs" in names:
        request.getfixturevalue("server")
    source, target = ("gs://shelf/some/prefix" if name == "gs" else str(tmp_path / name) for name in names)
    return source, target if target != source else f"{target}-copy"
