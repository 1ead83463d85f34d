"""Which images the stages run in: by digest where they were pushed, else by the commit that `make images` tags."""

import json
import shutil
import subprocess
from pathlib import Path

from components.contracts.errors import SettingsError
from components.contracts.version import VERSION

ROOT = Path(__file__).resolve().parent.parent
NAMES = tuple(sorted(path.parent.name for path in (ROOT / "images").glob("*/Dockerfile")))
DIGESTS = ROOT / "images" / "digests.json"
"""What `make push` writes: the commit, and of each image the full reference with its digest."""


def image_references(digests: Path = DIGESTS) -> dict[str, str]:
    """Of each image, by the name of its folder in images/, the reference that a pod pulls.

    Raises:
        SettingsError: the file of digests is another file, or one of another version of this software.
    """
    if not digests.exists():
        return {name: f"byheart-{name}:{tag()}" for name in NAMES}
    try:
        images = json.loads(digests.read_text(encoding="utf-8"))["images"]
        return {name: str(images[name]) for name in NAMES}
    except (ValueError, LookupError, TypeError):
        raise SettingsError(
            f"{digests} must name every image of {', '.join(NAMES)} with its digest, found another content: remove it, "
            "or write it anew with `make push REGISTRY=...`"
        ) from None


def tag() -> str:
    """The tag of images that are built here: the commit, or the release where this is no checkout."""
    return commit() or VERSION


def commit() -> str | None:
    """This checkout's commit, with `-dirty` behind it where files have changed; None where it is no checkout."""
    git = shutil.which("git")
    if not git or not (ROOT / ".git").exists():
        return None
    described = subprocess.run(
        [git, "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or None
