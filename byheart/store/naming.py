"""Gives a complete file its name, once."""

import errno
import os
from pathlib import Path

_NO_LINKS = (errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK)
"""Errors of file systems without hard links, as exFAT, gcsfuse and Google Drive."""


def give_name(hidden: Path, path: Path) -> bool:
    """Give a complete file its name and return True; return False where the name is taken.

    Without hard links the file is renamed: then of two processes that write one object at once, the later one's stays.
    """
    try:
        os.link(hidden, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(path):
            return False
        hidden.rename(path)
    return True
