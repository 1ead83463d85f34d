"""What a person asks for, and the pipeline's parameters that it comes to."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from byheart.contracts.errors import SettingsError
from byheart.launch.compiled import Compiled
from byheart.launch.parameters import parse_place, parse_values
from byheart.launch.run_file import RunFile, read_run_file


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """What a command line says, or a notebook. What is empty was not said."""

    books: Sequence[str] = ()
    model: str = ""
    controls: Sequence[str] = ()
    store: str = ""
    settings: Sequence[str] = ()
    """As `name=value`."""
    run_file: str = ""
    """Its path. What stands beside it takes the place of what it says."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing says what to measure."""
        return not (self.books or self.model or self.run_file)

    def read(self, compiled: Compiled) -> tuple[dict[str, Any], RunFile | None]:
        """The parameters by name, each in its type, and the run file.

        Raises:
            SettingsError: the run file, a setting or an address cannot be used.
        """
        file = read_run_file(self.run_file, compiled) if self.run_file else None
        values: dict[str, Any] = (dict(file.values) if file else {}) | parse_values(list(self.settings), compiled)
        for name, addresses in (("books", self.books), ("controls", self.controls)):
            if addresses:
                values[name] = [parse_place(name, address) for address in addresses]
        for name, address in (("model", self.model), ("store", self.store)):
            if address:
                values[name] = parse_place(name, address)
        return values, file


def require_measurable(values: dict[str, Any]) -> None:
    """Refuse a request without books or without a model.

    Raises:
        SettingsError: it is one.
    """
    if not values.get("books"):
        raise SettingsError("a run must have a book, found none: name a text file", parameter="books")
    require_model(values)


def require_model(values: dict[str, Any]) -> None:
    """Refuse a request without a model.

    Raises:
        SettingsError: it is one.
    """
    if not values.get("model"):
        raise SettingsError(
            "a run must have a model, found none: give --model and a folder, a name in models.yaml or a repository",
            parameter="model",
        )
