"""The errors of huggingface_hub, turned into messages: what was needed, what was found, what to do."""

import httpx2
from huggingface_hub import constants, get_token
from huggingface_hub.errors import (
    DisabledRepoError,
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from byheart.contracts.errors import ModelError
from byheart.contracts.foreign import strip_address
from byheart.store.network import OF_HTTPX, find_fault

_TOKEN = "HF_TOKEN or the secret hf-token"
"""Where the token comes from: on a person's machine or in a pod."""
_LATER = (408, 425, 429, 500, 502, 503, 504)
"""Statuses after which the same request may succeed."""
_OF_THE_REPOSITORY = (
    DisabledRepoError,
    EntryNotFoundError,
    GatedRepoError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
"""Errors for which the parameter that names the repository is at fault."""


class BrokenOffError(Exception):
    """A body ended early, or a link expired; the same request may succeed later."""


def explain_error(
    error: Exception, repository: str, revision: str, patience: str, parameter: str = "model"
) -> ModelError:
    """The error as a message for the user, without addresses that may be signed.

    Args:
        patience: how often and for how long the request was tried, as the message ends.
        parameter: the pipeline's parameter that names the repository.
    """
    endpoint = strip_address(constants.ENDPOINT)
    page = f"{endpoint}/{repository}"
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
    match error:
        case GatedRepoError():
            found = "a token of another account" if get_token() else "no token"
            message = (
                f"{parameter} {repository} needs an account that has accepted its licence, found {found} in {_TOKEN}: "
                f"accept it at {page} and set one of the two to a token of that account"
            )
        case RevisionNotFoundError():
            message = (
                f"{parameter} must have a branch, a tag or a commit of {repository} behind its @, found no "
                f"{revision!r}: see {page}/commits/main"
            )
        case EntryNotFoundError():
            message = f"{repository} must hold every file that it lists, found one missing: see {page}"
        case DisabledRepoError():
            message = f"{parameter} must be a repository that is open, found {repository} disabled: see {page}"
        case RepositoryNotFoundError() | HFValidationError():
            message = (
                f"{parameter} must be a folder, or a repository on the Hub that may be read, found no folder "
                f"{repository!r} and no {page}: check it, and {_TOKEN} if the repository is private"
            )
        case HfHubHTTPError() if status == 401:
            message = f"{_TOKEN} must be a valid token, found one that {endpoint} refuses: set it anew, or remove it"
        case HfHubHTTPError() if status == 403:
            message = f"{_TOKEN} must be allowed to read {page}, found one that is not: give the token that right"
        case OfflineModeIsEnabled():
            message = f"{endpoint} must be asked for {repository}, found HF_HUB_OFFLINE set: unset it"
        case httpx2.UnsupportedProtocol() | httpx2.InvalidURL():
            message = (
                f"HF_ENDPOINT must be an address such as https://huggingface.co, found {endpoint!r}: set it "
                "anew, or unset it"
            )
        case httpx2.LocalProtocolError() | UnicodeEncodeError():
            message = f"{_TOKEN} must be a token, found characters that no token has: set it anew, or remove it"
        case OSError() | ImportError() | ValueError() if fault := find_fault(OF_HTTPX):
            message = f"{endpoint} must answer for {repository}, which is no folder here: {fault}"
        case _:
            message = (
                f"{endpoint} must answer for {repository}, which is no folder here, found "
                f"{describe_cause(error)}{patience}: check the network and run again"
            )
    at_fault = parameter if isinstance(error, _OF_THE_REPOSITORY) else ""
    return ModelError(message, parameter=at_fault, may_pass=may_pass(error))


def may_pass(error: Exception) -> bool:
    """Whether a request to the Hub that raised this error may succeed later."""
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in _LATER
    if isinstance(error, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError):
        return False
    return isinstance(error, httpx2.TransportError | BrokenOffError)


def read_retry_after(error: Exception) -> float:
    """The seconds that the Hub asks to wait before the next request; 0 where it does not."""
    seconds = error.response.headers.get("Retry-After", "") if isinstance(error, HfHubHTTPError) else ""
    return float(seconds) if seconds.isdecimal() else 0.0


def describe_cause(error: Exception) -> str:
    """The cause of an error in a few words, without addresses that may be signed."""
    if isinstance(error, HfHubHTTPError):
        seconds = read_retry_after(error)
        return f"status {error.response.status_code}" + (f", to wait {seconds:.0f} s" if seconds else "")
    return str(error) if isinstance(error, BrokenOffError) else type(error).__name__
