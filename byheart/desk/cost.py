"""Prints what a run on a cluster would cost, before it is submitted."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from byheart.contracts.errors import ByheartError
from byheart.contracts.model import parse_fields
from byheart.contracts.progress import format_duration
from byheart.contracts.setting_groups import AUTO
from byheart.contracts.settings import Settings
from byheart.desk.books import count_characters
from byheart.desk.page import format_line, format_page
from byheart.desk.plan import read_subject
from byheart.machines.accelerators import COMPARED
from byheart.machines.automatic import choose_accelerator
from byheart.machines.planned import Planned, Subject, plan_on
from byheart.models.address import HubAddress


def print_cost(
    *, model: str, books: Sequence[str], parameters: dict[str, Any], defaults: dict[str, Any], price: float | None
) -> None:
    """Print the plan of a run on the accelerator that it would be given, its chip-hours, and what cannot be known.

    Args:
        model: as the pipeline takes it.
        books: of the run, controls included.
        parameters, defaults: the pipeline's parameters by name, without nesting.
        price: of a chip-hour, in any currency; None if it is unknown.

    Raises:
        SettingsError: a parameter cannot be used.
    """
    settings = Settings.from_parameters(parameters, defaults)
    lengths = _count_characters(books, settings)
    try:
        ignored = parse_fields(parameters.get("ignore_fields", ""))
        subject, _ = read_subject(model, lengths, settings, ignored, parameters.get("base", ""))
    except ByheartError as error:
        print(f"no plan: {error.message}")
        return
    chosen = choose_accelerator(dataclasses.replace(subject, name=_find_known_name(model)))
    if settings.placement.accelerator == AUTO:
        print(f"accelerator=auto is {chosen.name} for this model\n")
    asked = plan_on(chosen, subject, settings.layout)
    print(format_page(subject, asked, [plan_on(slice_, subject) for slice_ in COMPARED]))
    shards = settings.layout.shards
    planned = plan_on(chosen, _divide_windows(subject, shards), settings.layout)
    if isinstance(planned, Planned):
        time = planned.duration
        chip_hours = shards * time.chip_hours(chosen)
        print(f"\n{format_line('time', format_duration(time.total) + f', on each of {shards:,} nodes' * (shards > 1))}")
        print(format_line("chip-hours", f"{chip_hours:,.2f}"))
        if price is not None:
            print(format_line("money", f"at {price:,.2f} a chip-hour: {price * chip_hours:,.2f}"))
        print(format_line("beside", "scores in the store are not paid for again; waiting for nodes and retries are"))


def _count_characters(books: Sequence[str], settings: Settings) -> list[int]:
    """The lengths of the books that can be counted on this machine; prints why the others cannot."""
    try:
        lengths, refused = count_characters(books, settings.text)
    except ByheartError as error:
        print(f"not counted: {error.message}")
        return []
    for book in refused:
        print(f"not counted: {book.why}")
    print(f"counted: {len(lengths):,} book{'s' * (len(lengths) > 1)} of {sum(lengths):,} characters")
    return lengths


def _divide_windows(subject: Subject, shards: int) -> Subject:
    """The subject of a single task, which scores its share of the windows."""
    windows = -(-subject.books.windows // shards)
    return dataclasses.replace(subject, books=dataclasses.replace(subject.books, windows=windows))


def _find_known_name(model: str) -> str:
    """The name by which models.yaml may list the model, without a revision."""
    hub = HubAddress.parse(model)
    return hub.name if hub else model
