"""What can go wrong by a user's doing, as one tree.

    ByheartError
    ├── SettingsError     a parameter's value cannot be used
    ├── BookError         a book is missing, unreadable or too short
    ├── ModelError        a model folder, its configuration, weights or tokenizer cannot be used
    ├── StoreError        an object cannot be read or written
    ├── DeviceError       the accelerator that a run was planned for is not there
    ├── DamagedError      something that an earlier stage wrote is not what it was
    └── RunFailedError    a run has failed, here or on a cluster
        └── IncompleteError   it has results, but not every book is measured

Every message says what was needed, what was found and what to do, in one line. A stage that raises one of these ends
with that line and a non-zero exit; any other exception is a fault of this program and keeps its traceback. What a
program wants to know of an error is a field of it, and is never read out of its message.
"""

import errno


class ByheartError(Exception):
    """An error whose message is meant for the person who started the run."""

    parameter: str
    """The pipeline's parameter whose value is at fault; empty where none is."""
    may_pass: bool
    """Whether the same attempt may succeed later, as after a network's failure; else it is refused for good."""
    stage: str
    """The stage that ended with it, once that is known; empty before."""

    def __init__(self, message: str, *, parameter: str = "", may_pass: bool = False, stage: str = "") -> None:
        super().__init__(message)
        self.parameter, self.may_pass, self.stage = parameter, may_pass, stage

    @property
    def message(self) -> str:
        """The message as one line."""
        return " ".join(str(self).split())


class SettingsError(ByheartError):
    """A parameter's value cannot be used."""


class BookError(ByheartError):
    """A book is missing, unreadable or too short."""


class ModelError(ByheartError):
    """A model folder, its configuration, weights or tokenizer cannot be used."""


class StoreError(ByheartError):
    """An object cannot be read or written."""


class DeviceError(ByheartError):
    """The accelerator that a run was planned for is not there."""


class DamagedError(ByheartError):
    """Something that an earlier stage wrote is missing or is not what it was."""


class RunFailedError(ByheartError):
    """A run has failed; the message is that of the stage that ended it."""


class IncompleteError(RunFailedError):
    """Not every book is measured; the results of the others are there."""


_PASSING = (
    errno.EAGAIN,
    errno.EBUSY,
    errno.EHOSTUNREACH,
    errno.EINTR,
    errno.EIO,
    errno.EMFILE,
    errno.ENETUNREACH,
    errno.ENFILE,
    errno.ENOMEM,
    errno.ESTALE,
)


def os_error_may_pass(error: OSError) -> bool:
    """Whether what the operating system refuses may be granted to the same attempt later.

    A busy or unreachable disk may come back. A full one is refused for good: the next attempt asks for the same room,
    after it has paid for all that came before, and somebody has to make it first.
    """
    return isinstance(error, ConnectionError | TimeoutError) or error.errno in _PASSING
