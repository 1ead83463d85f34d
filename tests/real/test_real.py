"""The numbers of docs/real.md come out again: the only test whose weights are not the project's own."""

import json

import pytest

from benchmarks.real.__main__ import GOLDENS, list_numbers
from benchmarks.real.measure import fetch_model, measure_texts
from byheart.measures.results import Results


@pytest.fixture(scope="module")
def results() -> Results:
    try:
        fetch_model()
    except OSError as error:
        pytest.skip(f"the model cannot be fetched: {error}")
    return measure_texts()


def test_numbers_are_those_of_the_page(results: Results) -> None:
    found = list_numbers(results)
    goldens = json.loads(GOLDENS.read_text(encoding="utf-8"))
    assert found.keys() == goldens.keys()
    for name, numbers in goldens.items():
        assert found[name] == pytest.approx(numbers, abs=1e-3, rel=1e-3), name


def test_quantisation_and_the_file_are_named(results: Results) -> None:
    model = results.provenance.model
    assert (model.model_type, model.quantisation, model.parameters) == ("llama", "Q4_1", 134_515_008)
    assert model.gguf_sha256 == "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def test_every_control_lies_above_every_known_text_in_bits(results: Results) -> None:
    numbers = list_numbers(results)
    bits = {role: [] for role in ("book", "control")}  # type: dict[str, list[float]]
    for book in results.books:
        bits[book.book.role].append(numbers[book.book.name]["bits_per_character"])
    assert max(bits["book"]) < min(bits["control"])
