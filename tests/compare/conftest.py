"""Two made-up models on a book and a control that only one of them finds easy, compared once for all tests."""

from pathlib import Path

import pytest

from byheart.components.compare.run import run
from byheart.measures.comparison.comparison import ModelComparison
from tests.measures import toy
from tests.measures.comparison.runs import draw_p_z, write_run

HOSTILE = "large </script><img src=x onerror=alert(1)> $x$"


def write_models(folder: Path) -> list[str]:
    """Where the results of two models on a book of 60 windows and on a control lie, the larger one's last."""
    text = toy.random_text(60_000)
    unseen = toy.make_book([0.002, 1e-9, 1e-9, 1e-5], name="unseen", role="control")
    addresses = []
    for name, seed in (("small", 1), ("large", 0)):
        book = toy.make_book(draw_p_z(seed) ** (1 if name == "large" else 1.5), stride=1_000, text=text, name="toy")
        addresses.append(write_run(folder / name, [book, unseen]))
    return addresses


@pytest.fixture(scope="session")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Where the results of the two models lie."""
    return write_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, addresses: list[str]) -> Path:
    """The folder of their comparison, with the first as reference."""
    path = tmp_path_factory.mktemp("comparison")
    run(results=addresses, out=str(path), reference=addresses[0])
    return path


@pytest.fixture(scope="session")
def comparison(addresses: list[str], tmp_path_factory: pytest.TempPathFactory) -> ModelComparison:
    """Their comparison."""
    return run(results=addresses, out=str(tmp_path_factory.mktemp("again")), reference=addresses[0])
