"""Download: check every setting, bring the books, and find the model whole, before anything costs time."""

from typing import Any

from components.contracts.books import write_books
from components.contracts.model import Model, write_model
from components.contracts.progress import say
from components.contracts.settings import Settings
from components.download.books import read_books_from
from components.download.notices import notices
from components.models.folder import open_model, read_config, sha256_of_files
from components.models.parameters import parameter_count
from components.store import open_store


def run(
    *,
    books: list[str],
    controls: list[str],
    model: str,
    store: str,
    parameters: dict[str, Any],
    books_out: str,
    model_out: str,
    settings_out: str,
) -> None:
    """Write the books' texts, the model's description and the checked settings.

    Args:
        books, controls: files, folders, globs and lists; a control is a book that the model cannot have seen.
        model: a local folder.
        store: where `extract` will keep the scores; checked here.
        parameters: every setting, flat.
        books_out, model_out, settings_out: the artifacts to write.

    Raises:
        ByheartError: a setting or the model cannot be used, or no book can.
    """
    settings = Settings.from_parameters(parameters)
    place = open_store(store)
    texts, refused = read_books_from(books, controls, settings.text)
    folder = open_model(model)
    folder.check_tensors()
    place.check_writable()

    described = Model(
        source=model,
        path=str(folder.path.resolve()),
        model_type=read_config(folder.path)["model_type"],
        parameters=parameter_count(*folder.parameters(), folder.decoder.layers),
        weights_sha256=sha256_of_files(folder.path, ["config.json", *folder.weight_files()]),
    )
    for line in notices(texts, refused):
        say(line)
    say(f"model {model}: {described.model_type}, {described.parameters:,} parameters")
    settings.write(settings_out)
    write_model(model_out, described)
    write_books(books_out, texts, refused)
