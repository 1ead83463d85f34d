"""A model's config.json, from a folder, a GGUF file or the Hub: a plan needs nothing else of a model."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import logging

from byheart.components.download.adapter import name_base
from byheart.components.download.gguf.config import describe_config
from byheart.components.download.gguf.find import choose_gguf, find_gguf
from byheart.components.download.gguf.header import read_gguf
from byheart.components.download.hub import HubRepository
from byheart.components.download.hub_errors import may_pass
from byheart.contracts.errors import ModelError
from byheart.models.adapter import is_adapter, is_adapter_at
from byheart.models.adapter_config import read_adapter_config
from byheart.models.address import HubAddress
from byheart.models.families.fields import mark_ignored
from byheart.models.folder import CONFIG, read_config
from byheart.store import Place, open_store


def fetch_config(model: str, ignored: Iterable[str] = (), base: str | None = "") -> tuple[str, dict[str, Any]]:
    """The model's name for people, and the content of its config.json; of an adapter, its base's.

    Args:
        model: a folder, local or at `gs://`, which needs no other file; a GGUF file; or NAME[@REVISION], a name in
            models.yaml or a repository.
        ignored: fields of unknown meaning that change no score, as the user says: their values are marked.
        base: of an adapter; empty is the one that it names, and None refuses adapters.

    Raises:
        ModelError: config.json cannot be read.
        SettingsError: the revision is of a folder, or empty.
    """
    if hub := HubAddress.parse(model):
        title = hub.name if hub.name.startswith(hub.repository) else f"{hub.name} ({hub.repository})"
        return title, _fetch_from_hub(hub.repository, hub.revision, hub.file, ignored, base)
    if found := find_gguf(model):
        return model, describe_config(read_gguf(*found, ignored))
    if model.startswith("gs://") or Path(model).is_dir():
        place = open_store(model, "model")
        of_base = base is not None and is_adapter_at(place)
        return model, _read_base(place, ignored, base or "") if of_base else read_config(place, ignored)
    return model, _fetch_from_hub(model, "main", "", ignored, base)  # raises an error that names the model


def _read_base(adapter: Place, ignored: Iterable[str], base: str) -> dict[str, Any]:
    """The content of the config.json of an adapter's base."""
    config = read_adapter_config(adapter, ignored)
    return fetch_config(base or name_base(adapter, config), ignored, None)[1]


def _fetch_from_hub(
    repository: str, revision: str, file: str, ignored: Iterable[str], base: str | None
) -> dict[str, Any]:
    """The content of a repository's config.json, from the Hub or from its client's cache; or that of a GGUF file."""
    if file:
        return describe_config(read_gguf(HubRepository(repository, revision), file, ignored))
    logging.set_verbosity_error()
    passes_later = False
    try:
        content = json.loads(Path(hf_hub_download(repository, CONFIG, revision=revision)).read_bytes())
    except GatedRepoError:
        found = "that its licence must be accepted: set HF_TOKEN to a token of an account that has"
    except RevisionNotFoundError:
        found = f"no revision {revision!r}: check what stands behind the @"
    except (RepositoryNotFoundError, HFValidationError):
        found = "no such folder and no such repository: check it, and HF_TOKEN if the repository is private"
    except LocalEntryNotFoundError:
        found, passes_later = "no way to the Hub: check the network", True
    except EntryNotFoundError:
        source = HubRepository(repository, revision)
        if only := choose_gguf(source.files, repository):
            return describe_config(read_gguf(source, only, ignored))
        if base is not None and is_adapter(source.files):
            return _read_base(source, ignored, base)
        return read_config(source, ignored)  # raises an error that says what is there
    except (HfHubHTTPError, httpx2.HTTPError, OSError, ValueError, RecursionError) as error:
        found, passes_later = f"{type(error).__name__}: try again", may_pass(error)
    else:
        if isinstance(content, dict):
            return dict(mark_ignored(content, frozenset(ignored)))
        found = "one that is no JSON object: choose another repository"
    raise ModelError(
        f"model must be a folder, a name in models.yaml or a repository, with a {CONFIG} that can be read, found of "
        f"{repository} {found}; a folder with {CONFIG} alone will do for a plan",
        parameter="model",
        may_pass=passes_later,
    )
