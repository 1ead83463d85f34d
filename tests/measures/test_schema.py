"""The fields of the results: all have a sentence, all numbers have a unit, and schema and tables show both."""

import dataclasses
import functools
import json
import operator
from typing import Any

import jsonschema
import msgspec
import pytest

from byheart.contracts.json_files import to_json
from byheart.measures.fields import Field, list_classes, list_fields
from byheart.measures.passages import ListedPassage
from byheart.measures.provenance import Provenance
from byheart.measures.schema import list_table_rows, make_statistics_schema
from byheart.measures.statistics import BookStatistics, Headline
from byheart.measures.summary import Summary
from byheart.measures.units import ByThreshold, Share
from tests.measures import toy

KINDS = [BookStatistics, Summary, Provenance, ListedPassage]
OURS = sorted(
    {kind for top in KINDS for kind in list_classes(top) if kind.__module__.startswith("byheart.measures")},
    key=lambda kind: kind.__name__,
)
PLAIN = {"contract_version", "results_version", "devices", "batch_size", "chapters", "parameters"}
"""Counts of what their name says."""


@pytest.mark.parametrize("kind", OURS)
def test_every_field_has_a_sentence_and_every_number_a_unit(kind: type) -> None:
    definition = msgspec.json.schema(kind)["$defs"][kind.__name__]
    for field in list_fields(kind):
        assert field.sentence, field.name
        described = json.dumps(definition["properties"][field.name])
        if '"number"' in described or '"integer"' in described:
            assert field.unit or field.name in PLAIN, field.name


@dataclasses.dataclass(frozen=True, kw_only=True)
class Base:
    first: int
    """Said of the first,
    in two lines."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Toy(Base):
    by_threshold: ByThreshold[list[Base]]
    """A table of lists."""
    share: Share | None
    """A share."""
    unsaid: str


def test_field_is_read_from_the_source_with_those_of_its_bases() -> None:
    plain = Field(name="", attribute="", unit="", by=(), sentence="", holds=None)
    expected: list[tuple[str, dict[str, Any]]] = [
        ("first", {"sentence": "Said of the first, in two lines."}),
        ("by_threshold", {"sentence": "A table of lists.", "by": ("threshold", ""), "holds": Base}),
        ("share", {"sentence": "A share.", "unit": "share"}),
        ("unsaid", {}),
    ]
    assert list_fields(Toy) == tuple(
        dataclasses.replace(plain, name=name, attribute=name, **values) for name, values in expected
    )
    assert [row.path for row in list_table_rows(Toy)] == [
        "first", "by_threshold[threshold][]", "by_threshold[threshold][].first", "share", "unsaid",
    ]  # fmt: skip
    assert next(field.name for field in list_fields(Headline)) == "share_of_measurable_characters_at_0.5"


GONE = object()
SCHEMA = make_statistics_schema()
STATISTICS = json.loads(
    to_json(toy.compute_numbers(toy.make_book([0.9, 0.1], sample=2), toy.make_control(toy.make_book([1e-9]))))
)


def test_statistics_are_those_of_the_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(STATISTICS, SCHEMA)
    headline = SCHEMA["$defs"]["Headline"]["properties"]["share_of_windows_at_0.001"]
    assert headline["description"] == "… of windows have p_z ≥ 0.001"
    assert SCHEMA["$defs"]["BookDescription"]["properties"]["sha256"]["description"].startswith(
        "The SHA-256 of the measured text"
    )


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        (("plain", "windows_at", "0.5", "share"), 1.5, "maximum"),
        (("plain", "windows_at", "0.5", "count"), 0.5, "integer"),
        (("plain", "windows_at", "0.25"), {}, "0.25"),
        (("provenance", "book", "colour"), "blue", "colour"),
        (("headline", "share_of_windows_at_0.001"), GONE, "is a required property"),
        (("plain", "windows_at", "0.5"), GONE, "is a required property"),
    ],
)
def test_what_no_run_writes_is_refused(path: tuple[str, ...], value: object, why: str) -> None:
    numbers = json.loads(json.dumps(STATISTICS))
    inner = functools.reduce(operator.getitem, path[:-1], numbers)
    inner[path[-1]] = value
    if value is GONE:
        del inner[path[-1]]
    with pytest.raises(jsonschema.ValidationError, match=why):
        jsonschema.validate(numbers, SCHEMA)
