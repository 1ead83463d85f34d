"""What huggingface_hub raises, in words: what was needed, what was found, what to do."""

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

_LATER = (408, 425, 429, 500, 502, 503, 504)
"""Statuses after which the same request may succeed."""
_OF_THE_MODEL = (
    DisabledRepoError,
    EntryNotFoundError,
    GatedRepoError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
"""Those that another model, or another revision of it, would not raise."""


class BrokenOffError(Exception):
    """A body that ended early, or a link that has expired: the same request may succeed."""


def error_of(error: Exception, repository: str, revision: str, patience: str) -> ModelError:
    """The error in the user's words, without its addresses, which may be signed.

    Args:
        patience: how long and how often it was tried.
    """
    endpoint = constants.ENDPOINT
    page = f"{endpoint}/{repository}"
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
    match error:
        case GatedRepoError():
            found = "a token of another account in HF_TOKEN" if get_token() else "no token in HF_TOKEN"
            said = (
                f"model {repository} needs an account that has accepted its licence, found {found}: accept it "
                f"at {page} and set HF_TOKEN to a token of that account"
            )
        case RevisionNotFoundError():
            said = (
                f"model must have a branch, a tag or a commit of {repository} behind its @, found no "
                f"{revision!r}: see {page}/commits/main"
            )
        case EntryNotFoundError():
            said = f"{repository} must hold every file that it lists, found one missing: see {page}"
        case DisabledRepoError():
            said = f"model must be a repository that is open, found {repository} disabled: see {page}"
        case RepositoryNotFoundError() | HFValidationError():
            said = (
                f"model must be a folder, or a repository on the Hub that may be read, found no folder "
                f"{repository!r} and no {page}: check it, and HF_TOKEN if the repository is private"
            )
        case HfHubHTTPError() if status == 401:
            said = f"HF_TOKEN must be a valid token, found one that {endpoint} refuses: set it anew, or unset it"
        case HfHubHTTPError() if status == 403:
            said = f"HF_TOKEN must be allowed to read {page}, found one that is not: give the token that right"
        case OfflineModeIsEnabled():
            said = f"{endpoint} must be asked for {repository}, found HF_HUB_OFFLINE set: unset it"
        case httpx2.UnsupportedProtocol() | httpx2.InvalidURL():
            said = (
                f"HF_ENDPOINT must be an address such as https://huggingface.co, found {endpoint!r}: set it "
                "anew, or unset it"
            )
        case httpx2.LocalProtocolError() | UnicodeEncodeError():
            said = "HF_TOKEN must be a token, found characters that no token has: set it anew, or unset it"
        case _:
            said = (
                f"{endpoint} must answer for {repository}, which is no folder here, found "
                f"{reason(error)}{patience}: check the network and run again"
            )
    parameter = "model" if isinstance(error, _OF_THE_MODEL) else ""
    return ModelError(said, parameter=parameter, may_pass=may_pass(error))


def may_pass(error: Exception) -> bool:
    """Whether a request to the Hub that has raised this may succeed later."""
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in _LATER
    if isinstance(error, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError):
        return False
    return isinstance(error, httpx2.TransportError | BrokenOffError)


def asked_to_wait(error: Exception) -> float:
    """Seconds for which the Hub asks to be left alone."""
    asked = error.response.headers.get("Retry-After", "") if isinstance(error, HfHubHTTPError) else ""
    return float(asked) if asked.isdecimal() else 0.0


def reason(error: Exception) -> str:
    """What went wrong, without an address, which may be signed."""
    if isinstance(error, HfHubHTTPError):
        seconds = asked_to_wait(error)
        return f"status {error.response.status_code}" + (f", to wait {seconds:.0f} s" if seconds else "")
    return str(error) if isinstance(error, BrokenOffError) else type(error).__name__
