"""Which code and which format produced a result."""

import os

VERSION = "0.1.0"

CONTRACT_VERSION = 2
"""Part of every address in the store: raise it when the same settings would give other scores or another format."""

RESULTS_VERSION = 5
"""Part of every folder of results: raise it when a file in it gets another format, or a new one must be there."""


def code_version() -> dict[str, str | None]:
    """The release, and the commit where whoever built the image or started the run has set `BYHEART_COMMIT`."""
    return {"version": VERSION, "commit": os.environ.get("BYHEART_COMMIT") or None}
