"""A model's config.json, wherever it is: all that a plan needs of a model."""

import json
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

from byheart.components.download.hub_errors import may_pass
from byheart.contracts.errors import ModelError
from byheart.models.address import HubAddress
from byheart.models.folder import CONFIG, read_config
from byheart.store import open_store


def find_config(model: str) -> tuple[str, dict[str, Any]]:
    """What the model is called, and the content of its config.json.

    Args:
        model: a folder, local or at `gs://`, which need hold nothing else; a name in models.yaml, or a repository,
            each with @REVISION behind it or without.

    Raises:
        ModelError: it cannot be read.
        SettingsError: a revision of a folder is asked for.
    """
    if hub := HubAddress.parse(model):
        called = hub.name if hub.name == hub.repository else f"{hub.name} ({hub.repository})"
        return called, _from_hub(hub.repository, hub.revision)
    if model.startswith("gs://") or Path(model).is_dir():
        return model, read_config(open_store(model, "model"))
    return model, _from_hub(model, "main")  # which says that there is none


def _from_hub(repository: str, revision: str) -> dict[str, Any]:
    """From the Hub, or from the files that its client has kept of it."""
    logging.set_verbosity_error()
    passing = False
    try:
        content = json.loads(Path(hf_hub_download(repository, CONFIG, revision=revision)).read_bytes())
    except GatedRepoError:
        found = "that its licence must be accepted: set HF_TOKEN to a token of an account that has"
    except RevisionNotFoundError:
        found = f"no revision {revision!r}: check what stands behind the @"
    except (RepositoryNotFoundError, HFValidationError):
        found = "no such folder and no such repository: check it, and HF_TOKEN if the repository is private"
    except LocalEntryNotFoundError:
        found, passing = "no way to the Hub: check the network", True
    except EntryNotFoundError:
        found = "none: choose another repository"
    except (HfHubHTTPError, httpx2.HTTPError, OSError, ValueError) as error:
        found, passing = f"{type(error).__name__}: try again", may_pass(error)
    else:
        if isinstance(content, dict):
            return content
        found = "one that is no JSON object: choose another repository"
    raise ModelError(
        f"model must be a folder, a name in models.yaml or a repository, with a {CONFIG} that can be read, found of "
        f"{repository} {found}; a folder with {CONFIG} alone will do for a plan",
        parameter="model",
        may_pass=passing,
    )
