"""The errors that are meant for users, as one tree.

    ByheartError
    ├── SettingsError     a parameter's value cannot be used
    ├── BookError         a book is missing, unreadable or too short
    ├── ModelError        a model folder, its configuration, weights or tokenizer cannot be used
    │   └── MisfitError       an adapter does not fit its base, or changes no weight of it
    ├── StoreError        an object cannot be read or written
    ├── DeviceError       the accelerator that a run was planned for is not there
    ├── DamagedError      something that an earlier stage wrote is missing or has changed
    └── RunFailedError    a run has failed, here or on a cluster
        └── IncompleteError   it has results, but not every book is measured

Every message says what was needed, what was found and what to do, in one line, which holds no secret of an address, no
control character and no endless value, whatever it quotes. A stage that raises one of these errors
prints that line and exits with a non-zero code; any other exception is a bug, and its traceback is printed. Facts that
a program needs are fields of the error; no code parses a message.
"""

import errno
from typing import ClassVar

from byheart.contracts.foreign import clean


class ByheartError(Exception):
    """An error whose message is meant for the person who started the run."""

    parameter: str
    """The pipeline's parameter that caused the error; empty if none did."""
    may_pass: bool
    """Whether the same attempt may succeed later, as after a failure of the network. If not, a cluster does not repeat
    the stage: the run ends."""
    stage: str
    """The stage that raised the error; empty as long as it is unknown."""
    exit_code: ClassVar[int] = 1
    """Of a command that ends with the error."""

    def __init__(self, message: str, *, parameter: str = "", may_pass: bool = False, stage: str = "") -> None:
        super().__init__(clean(message))
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


class MisfitError(ModelError):
    """An adapter does not fit its base, or changes no weight of it."""


class StoreError(ByheartError):
    """An object cannot be read or written."""


class DeviceError(ByheartError):
    """The accelerator that a run was planned for is not there."""


class DamagedError(ByheartError):
    """Something that an earlier stage wrote is missing or has changed."""


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
    """Whether the same attempt may succeed later, after an error of the operating system.

    A busy or unreachable disk may recover. A full disk does not: the next attempt would repeat all the work before it
    and need the same room, which somebody has to make first.
    """
    return isinstance(error, ConnectionError | TimeoutError) or error.errno in _PASSING
