"""A request, as a command line or a notebook makes it, and the pipeline's parameters that follow from it."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from byheart.contracts.errors import SettingsError
from byheart.launch.compiled import Compiled
from byheart.launch.parameters import parse_location, parse_values
from byheart.launch.run_file import RunFile, read_run_file


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """The words and options of a command line, or the arguments in a notebook; empty fields were not given."""

    books: Sequence[str] = ()
    model: Sequence[str] = ()
    controls: Sequence[str] = ()
    store: str = ""
    settings: Sequence[str] = ()
    """Written `name=value`."""
    run_file: str = ""
    """The path of a run file; the other fields override its values."""

    @property
    def is_empty(self) -> bool:
        """Whether neither a book, a model nor a run file was given."""
        return not (self.books or self.model or self.run_file)

    def read(self, compiled: Compiled) -> tuple[dict[str, Any], RunFile | None]:
        """The parameters by name, converted to their types, and the run file.

        Raises:
            SettingsError: the run file, a setting, a path or an address cannot be used.
        """
        file = read_run_file(self.run_file, compiled) if self.run_file else None
        values: dict[str, Any] = (dict(file.values) if file else {}) | parse_values(list(self.settings), compiled)
        for name, addresses in (("books", self.books), ("model", self.model), ("controls", self.controls)):
            if addresses:
                values[name] = [parse_location(name, address) for address in addresses]
        if self.store:
            values["store"] = parse_location("store", self.store)
        return values, file


def check_measurable(values: dict[str, Any]) -> None:
    """Check that the parameters name books and a model.

    Raises:
        SettingsError: one of the two is missing.
    """
    if not values.get("books"):
        raise SettingsError("a run must have a book, found none: name a text file", parameter="books")
    check_has_model(values)


def check_has_model(values: dict[str, Any]) -> None:
    """Check that the parameters name a model, or several that can be told apart.

    Raises:
        SettingsError: they do not.
    """
    if not values.get("model"):
        raise SettingsError(
            "a run must have a model, found none: give --model and a folder, a name in models.yaml or a repository",
            parameter="model",
        )
    models = values["model"]
    if repeated := next((model for number, model in enumerate(models) if model in models[:number]), ""):
        raise SettingsError(
            f"model must be another one each time, found {repeated} twice: leave it out once", parameter="model"
        )
    if len(models) > 1 and values.get("label"):
        raise SettingsError(
            f"label must be empty where a run has several models, found {values['label']!r}: leave it out",
            parameter="label",
        )
