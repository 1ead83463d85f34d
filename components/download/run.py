"""The download stage: check every setting, fetch the books, and fetch or verify the model."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from byheart.components.download.books import read_books_from
from byheart.components.download.model import Reading, bring_model
from byheart.components.download.notices import list_notices
from byheart.components.download.tokenizer import bring_tokenizer, read_tokenizer_files
from byheart.contracts.books import write_books
from byheart.contracts.inputs import Inputs
from byheart.contracts.model import AdapterIdentity, Model, parse_fields, write_model
from byheart.contracts.parameters import convert_value, flatten, refuse
from byheart.contracts.progress import say
from byheart.contracts.setting_groups import AUTO
from byheart.contracts.settings import Settings
from byheart.machines.accelerators import find_accelerator
from byheart.store import open_store


def run(*, parameters: dict[str, Any], defaults: dict[str, Any], inputs: str) -> None:
    """Write the books' texts, the model's description and the checked settings.

    Args:
        parameters: the pipeline's parameters, `options` among them; pipeline.py explains each.
        defaults: the defaults of the parameters that have one.
        inputs: the folder to write.

    Raises:
        ByheartError: a setting or the model cannot be used, or no book can.
    """
    arguments = flatten(parameters, defaults)
    settings = Settings.from_parameters(arguments, defaults)
    if settings.placement.accelerator != AUTO:
        find_accelerator(settings.placement.accelerator)
    store = open_store(arguments["store"])
    books, controls = (_check_list(name, arguments[name]) for name in ("books", "controls"))
    texts, refused = read_books_from(books, controls, settings.text, settings.selection.only)
    store.check_writable()
    for line in list_notices(texts, refused, settings.text):
        say(line)
    model = _bring_model(arguments)
    commit = f" at {model.commit[:12]}" if model.commit else ""
    quantised = f"{model.quantisation}, " if model.quantisation else ""
    of_base = f"{_name_base(model.adapter)}, " if model.adapter else ""
    say(f"model {model.source}{commit}: {of_base}{model.model_type}, {quantised}{model.parameters:,} parameters")
    if arguments["base"] and not model.adapter:
        say(f"base={arguments['base']} is not used: {model.source} is no adapter")
    for field in parse_fields(arguments["ignore_fields"]):
        found = "left out, as ignore_fields says" if field in model.ignored_fields else "not there to be ignored"
        say(f"field {field} of the model's configuration: {found}")
    if model.tokenizer:
        commit = f" at {model.tokenizer.commit[:12]}" if model.tokenizer.commit else ""
        say(f"tokenizer {model.tokenizer.source}{commit}, in place of the model's own")
    files = Inputs.at(inputs)
    write_books(files.books, texts, refused)
    write_model(files.model, model)
    settings.write(files.settings)


def _bring_model(arguments: Mapping[str, Any]) -> Model:
    """The model, with the tokenizer that is used in place of its own, if one is named."""
    named, store = convert_value("tokenizer", arguments["tokenizer"], str), arguments["store"]
    ignored, base = parse_fields(arguments["ignore_fields"]), convert_value("base", arguments["base"], str)
    if not named:
        return bring_model(arguments["model"], store, Reading(ignored=ignored, base=base))
    tokenizer = bring_tokenizer(named, store)
    reading = Reading(tokenizer=read_tokenizer_files(tokenizer.address), ignored=ignored, base=base)
    model = bring_model(arguments["model"], store, reading)
    return dataclasses.replace(model, tokenizer=tokenizer)


def _name_base(adapter: AdapterIdentity) -> str:
    commit = f" at {adapter.base_commit[:12]}" if adapter.base_commit else ""
    return f"a {adapter.title} of {adapter.base}{commit}"


def _check_list(name: str, value: Any) -> list[str]:
    """A parameter that is a list of texts: Kubeflow checks that it is a list, and not of what."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        example = [value] if isinstance(value, str) else ["gs://my-bucket/a.txt"]
        found = json.dumps(value, ensure_ascii=False)
        refuse(name, "be a JSON list of addresses", found, f"write {json.dumps(example, ensure_ascii=False)}")
    return value
