"""The download stage: check every setting, fetch the books, and fetch or verify the model."""

from typing import Any

from byheart.components.download.books import read_books_from
from byheart.components.download.model import bring_model
from byheart.components.download.notices import list_notices
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
        parameters: the pipeline's parameters, `options` among them; pipeline.py explains each.
        defaults: the defaults of the parameters that have one.
        books_out, model_out, settings_out: the paths of the artifacts to write.

    Raises:
        ByheartError: a setting or the model cannot be used, or no book can.
    """
    arguments = flatten(parameters, defaults)
    settings = Settings.from_parameters(arguments, defaults)
    if settings.placement.accelerator != AUTO:
        find_accelerator(settings.placement.accelerator)
    store = open_store(arguments["store"])
    texts, refused = read_books_from(arguments["books"], arguments["controls"], settings.text, settings.selection.only)
    store.check_writable()
    for line in list_notices(texts, refused):
        say(line)
    model = bring_model(arguments["model"], arguments["store"])
    commit = f" at {model.commit[:12]}" if model.commit else ""
    quantised = f"{model.quantisation}, " if model.quantisation else ""
    say(f"model {model.source}{commit}: {model.model_type}, {quantised}{model.parameters:,} parameters")
    settings.write(settings_out)
    write_model(model_out, model)
    write_books(books_out, texts, refused)
