"""A plan at a desk: whether a model fits an accelerator, in which layout, how fast, and what a run costs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from byheart.contracts.errors import SettingsError
from byheart.contracts.settings import Settings
from byheart.desk.books import count_characters
from byheart.desk.model import find_config
from byheart.desk.order import Order
from byheart.desk.page import page_of
from byheart.machines.accelerators import ONE_HOST, find_accelerator
from byheart.machines.planned import Books, Planned, Refusal, Subject, plan_on
from byheart.models.families import find_family

A_BOOK = 500_000
"""Characters of a book, where none is named: a novel."""


def run(
    *,
    model: str,
    accelerator: str,
    books: Sequence[str],
    parameters: dict[str, Any],
    defaults: dict[str, Any],
    order: Path | None = None,
) -> bool:
    """Print the plan; whether the model fits, which it does where no accelerator is named.

    Args:
        model: a folder with config.json, a name in models.yaml, or a repository on the Hub.
        accelerator: such as `v6e-2x4`; empty compares those of one host, and no more.
        books: files, folders, globs, local or at gs://; none stands for one of `A_BOOK` characters.
        parameters, defaults: the pipeline's, flat.
        order: a file to be written where the model fits, for a compilation ahead of time.

    Raises:
        ByheartError: a setting, the accelerator, the model's configuration or a book cannot be used.
    """
    settings = Settings.from_parameters(parameters, defaults)
    chosen = find_accelerator(accelerator) if accelerator else None
    if order and not (chosen and chosen.is_tpu):
        raise SettingsError(
            f"a compilation ahead of time needs a slice of TPUs, found {accelerator or 'none'}: name one, as "
            f"v6e-2x4, or leave it out"
        )
    lengths, refused = count_characters(books, settings.text)
    for book in refused:
        print(f"not counted: {book.why}")
    windows = sum(-(-length // settings.window.cursor_inc) for length in lengths or [A_BOOK])
    name, config = find_config(model)
    family = find_family(config)
    subject = Subject(
        name=name,
        model_type=str(config["model_type"]),
        family=family,
        decoder=family.parse_config(config),
        settings=settings,
        books=Books(number=len(lengths), characters=sum(lengths) or A_BOOK, windows=windows),
    )
    asked = plan_on(chosen, subject, settings.layout) if chosen else None
    print(page_of(subject, asked, [plan_on(one, subject) for one in ONE_HOST.values()]))
    if order and isinstance(asked, Planned):
        _order(asked, config, settings).write(order)
    return not isinstance(asked, Refusal)


def _order(planned: Planned, config: dict[str, Any], settings: Settings) -> Order:
    return Order(
        accelerator=planned.accelerator.name,
        config=config,
        precision=planned.workload.precision,
        positions=planned.workload.positions,
        scored_tokens=planned.workload.scored_tokens,
        temperature=settings.score.temperature,
        top_k=settings.score.top_k,
        layout=planned.layout,
        memory_bytes=planned.memory.total,
    )
