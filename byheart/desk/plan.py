"""Planning a run before it starts: whether a model fits an accelerator, in which layout, how fast, at what cost."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from byheart.contracts.errors import SettingsError
from byheart.contracts.logits import check_limit
from byheart.contracts.model import parse_fields
from byheart.contracts.settings import Settings
from byheart.desk.books import count_characters
from byheart.desk.model import fetch_config
from byheart.desk.order import Order
from byheart.desk.page import format_page
from byheart.machines.accelerators import COMPARED, find_accelerator
from byheart.machines.planned import Books, Planned, Refusal, Subject, plan_on
from byheart.models.families import find_family
from byheart.models.families.fields import drop_ignored

NOVEL_CHARACTERS = 500_000
"""Characters of a novel: the book that is planned for where none is named."""


def run(
    *,
    model: str,
    accelerator: str,
    books: Sequence[str],
    parameters: dict[str, Any],
    defaults: dict[str, Any],
    order: Path | None = None,
) -> bool:
    """Print the plan, and return whether the model fits; True where no accelerator is named.

    Args:
        model: a folder with config.json, a name in models.yaml, or a repository on the Hub.
        accelerator: such as `v6e-2x4`; empty prints only the comparison of all accelerators of one host.
        books: files, folders or globs, local or at gs://; empty plans for one book of `NOVEL_CHARACTERS` characters.
        parameters, defaults: the pipeline's parameters by name, without nesting.
        order: a file to write where the model fits, for a compilation ahead of time.

    Raises:
        ByheartError: a setting, the accelerator, the model's configuration or a book cannot be used, or the logits take
            more than `logits_limit`.
    """
    settings = Settings.from_parameters(parameters, defaults)
    target = find_accelerator(accelerator) if accelerator else None
    if order and not (target and target.is_tpu):
        raise SettingsError(
            f"a compilation ahead of time needs a slice of TPUs, found {accelerator or 'none'}: name one, as "
            f"v6e-2x4, or leave it out"
        )
    lengths, refused = count_characters(books, settings.text)
    for book in refused:
        print(f"not counted: {book.why}")
    if settings.selection.only:
        print(f"not counted: what only={settings.selection.only} saves; whole books are planned for")
    ignored = parse_fields(parameters.get("ignore_fields", ""))
    subject, config = read_subject(model, lengths, settings, ignored, parameters.get("base", ""))
    chosen = plan_on(target, subject, settings.layout) if target else None
    print(format_page(subject, chosen, [plan_on(accelerator, subject) for accelerator in COMPARED]))
    if kept := subject.describe_logits():
        check_limit(kept, subject.books.windows, settings.logits)
    if order and isinstance(chosen, Planned):
        _make_order(chosen, config, settings).write(order)
    return not isinstance(chosen, Refusal)


def read_subject(
    model: str, lengths: Sequence[int], settings: Settings, ignored: Sequence[str] = (), base: str = ""
) -> tuple[Subject, dict[str, Any]]:
    """The subject of a plan, and the content of the model's config.json without ignored fields.

    Args:
        model: as `run` takes it.
        lengths: the books' characters; empty plans for one book of `NOVEL_CHARACTERS`.
        ignored: the names in `ignore_fields`.
        base: of an adapter; empty is the one that it names.

    Raises:
        ByheartError: the model's configuration cannot be read.
    """
    counts = [-(-length // settings.window.cursor_inc) for length in lengths or [NOVEL_CHARACTERS]]
    windows = sum(min(count, settings.selection.windows or count) for count in counts)
    name, config = fetch_config(model, ignored, base)
    family = find_family(config)
    subject = Subject(
        name=name,
        model_type=str(config["model_type"]),
        family=family,
        decoder=family.parse_config(config),
        settings=settings,
        books=Books(number=len(lengths), characters=sum(lengths) or NOVEL_CHARACTERS, windows=windows),
    )
    return subject, drop_ignored(config)


def _make_order(planned: Planned, config: dict[str, Any], settings: Settings) -> Order:
    return Order(
        accelerator=planned.accelerator.name,
        config=config,
        precision=planned.workload.precision,
        positions=planned.workload.positions,
        scored_tokens=planned.workload.scored_tokens,
        is_padded=planned.workload.is_padded,
        kept=planned.workload.kept,
        temperature=settings.score.temperature,
        top_k=settings.score.top_k,
        layout=planned.layout,
        memory_bytes=planned.memory.total,
    )
