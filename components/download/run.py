"""Download: check every setting, bring the books, and find the model whole, before anything costs time."""

from typing import Any

from byheart.components.download.books import read_books_from
from byheart.components.download.model import bring_model
from byheart.components.download.notices import notices
from byheart.contracts.books import write_books
from byheart.contracts.model import write_model
from byheart.contracts.parameters import flatten
from byheart.contracts.progress import say
from byheart.contracts.settings import AUTO, Settings
from byheart.machines.accelerators import find_accelerator
from byheart.store import open_store


def run(
    *, parameters: dict[str, Any], defaults: dict[str, Any], books_out: str, model_out: str, settings_out: str
) -> None:
    """Write the books' texts, the model's description and the checked settings.

    Args:
        parameters: the pipeline's, `options` among them; which explains each.
        defaults: of all that have one.
        books_out, model_out, settings_out: the artifacts to write.

    Raises:
        ByheartError: a setting or the model cannot be used, or no book can.
    """
    given = flatten(parameters, defaults)
    settings = Settings.from_parameters(given, defaults)
    if settings.placement.accelerator != AUTO:
        find_accelerator(settings.placement.accelerator)
    place = open_store(given["store"])
    texts, refused = read_books_from(given["books"], given["controls"], settings.text, settings.part.only)
    place.check_writable()
    for line in notices(texts, refused):
        say(line)
    described = bring_model(given["model"], given["store"])
    commit = f" at {described.commit[:12]}" if described.commit else ""
    say(f"model {described.source}{commit}: {described.model_type}, {described.parameters:,} parameters")
    settings.write(settings_out)
    write_model(model_out, described)
    write_books(books_out, texts, refused)
