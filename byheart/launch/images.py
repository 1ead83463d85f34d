"""The images that the stages run in, one each: built and named here, pulled by the pods.

Where images were pushed, `images/digests.json` names each by its digest; else they have the tag that `byheart images`
gives them, this checkout's commit.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from byheart.contracts.errors import ByheartError, SettingsError
from byheart.contracts.progress import format_size
from byheart.contracts.version import VERSION

PACKAGE = Path(__file__).resolve().parent.parent
ROOT = PACKAGE.parent
LAUNCH = "launch"
"""The image that is no stage's: the command line, for Jobs inside a cluster."""
STAGES = tuple(sorted(path.parent.name for path in (PACKAGE / "components").glob("*/component.py")))
NAMES = (LAUNCH, *STAGES)
DIGESTS = ROOT / "images" / "digests.json"
"""What `push_images` writes: the commit, and of each image the full reference with its digest."""
JAX = ("tpu", "cuda12", "cpu")
"""The flavours of extract's image. The first is the default, and runs on CPUs too."""


class ImageError(ByheartError):
    """An image cannot be built or pushed."""


def image_references(jax: str = JAX[0], digests: Path = DIGESTS) -> dict[str, str]:
    """The reference of each image that a pod pulls, by the image's name.

    Raises:
        SettingsError: there is no such flavour, or the file of digests does not name every image.
    """
    return {name: image_reference(name, jax, digests) for name in NAMES}


def image_reference(name: str, jax: str = JAX[0], digests: Path = DIGESTS) -> str:
    """The reference of one of them."""
    _check_flavour(jax)
    if not digests.exists():
        return f"byheart-{name}:{_tag(name, jax)}"
    try:
        reference = str(json.loads(digests.read_text(encoding="utf-8"))["images"][_key(name, jax)])
        if not re.fullmatch(r"\S+@sha256:[0-9a-f]{64}", reference):
            raise ValueError
        return reference
    except (ValueError, LookupError, TypeError) as error:
        found = f"none of {error}" if isinstance(error, KeyError) else "another content"
        raise SettingsError(
            f"{digests} must give the digest of {_key(name, jax)}, found {found}: write it with `byheart "
            f"images --push REGISTRY --jax {jax}`, or remove it"
        ) from None


def build_images(jax: str, base: str = "") -> dict[str, str]:
    """Build every image with Docker and print its size; the references, by name.

    Args:
        base: the image that they are built on, in place of the Dockerfile's own.

    Raises:
        ImageError: Docker is missing, or an image cannot be built.
        SettingsError: there is no such flavour.
    """
    _check_flavour(jax)
    built = {}
    given = {"COMMIT": commit() or VERSION, **({"BASE_IMAGE": base} if base else {})}
    for name in NAMES:
        built[name] = reference = f"byheart-{name}:{_tag(name, jax)}"
        arguments = given | {"STAGE": name} | ({"LOCK": f"{name}-{jax}"} if name == "extract" else {})
        flags = [part for key, value in arguments.items() for part in ("--build-arg", f"{key}={value}")]
        target = LAUNCH if name == LAUNCH else "stage"
        _docker("build", *flags, "--target", target, "--file", "images/Dockerfile", "--tag", reference, ".")
        found = int(_docker("image", "inspect", "--format", "{{.Size}}", reference))
        print(f"{format_size(found):>12}  {reference}", flush=True)
    return built


def push_images(registry: str, jax: str, base: str = "", digests: Path = DIGESTS) -> None:
    """Build every image, push it to a registry, and write down the digests.

    Raises:
        ImageError: files have changed since the last commit, or an image cannot be built or pushed.
        SettingsError: the registry is none, or there is no such flavour.
    """
    if not registry or "://" in registry:
        raise SettingsError(
            f"--push must name a registry and a path, as europe-docker.pkg.dev/project/folder, found {registry!r}: "
            "give one"
        )
    if changed := list(_changed(digests)):
        raise ImageError(
            f"images must be of a commit when they are pushed, found changes in {', '.join(changed[:3])}"
            f"{' and more' * (len(changed) > 3)}: commit them, or take them away"
        )
    at = commit()
    references = {}
    for name, local in build_images(jax, base).items():
        remote = f"{registry.rstrip('/')}/{local}"
        _docker("tag", local, remote)
        _docker("push", remote)
        repository = remote.rpartition(":")[0]
        known = json.loads(_docker("image", "inspect", "--format", "{{json .RepoDigests}}", remote))
        references[_key(name, jax)] = next(one for one in known if one.startswith(f"{repository}@"))
        print(f"pushed {references[_key(name, jax)]}", flush=True)
    earlier = json.loads(digests.read_text(encoding="utf-8")) if digests.exists() else {}
    images = (earlier["images"] if earlier.get("commit") == at else {}) | references
    digests.write_text(json.dumps({"commit": at, "images": images}, indent=2) + "\n", encoding="utf-8")
    print(f"wrote {digests}")


def changed_since_push(digests: Path = DIGESTS) -> str | None:
    """The commit of the images that were pushed, where the stages' code has changed since, or git cannot tell; else
    None.
    """
    if not digests.exists():
        return None
    pushed = str(json.loads(digests.read_text(encoding="utf-8")).get("commit"))
    code = ("components", "byheart", "images/Dockerfile", "images/requirements", "models.yaml")
    return None if _git("diff", "--name-only", pushed, "--", *code) == "" else pushed


def commit() -> str | None:
    """This checkout's commit, with `-dirty` behind it where files have changed; None where it is no checkout."""
    return _git("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*") or None


def _key(name: str, jax: str) -> str:
    """What an image is called among the digests."""
    return name if name != "extract" or jax == JAX[0] else f"{name}-{jax}"


def _tag(name: str, jax: str) -> str:
    return (commit() or VERSION) + _key(name, jax).removeprefix(name)


def _check_flavour(jax: str) -> None:
    if jax not in JAX:
        raise SettingsError(f"--jax must be one of {', '.join(JAX)}; found {jax!r}: choose one of them")


def _changed(digests: Path) -> Iterator[str]:
    """Files that are not as in the last commit; but for the digests, which this writes."""
    status = _git("status", "--porcelain", "--untracked-files=all")
    if status is None:
        raise ImageError("images must be of a commit when they are pushed, found no checkout that git can read: clone")
    for line in status.splitlines():
        path = line.split(maxsplit=1)[1]
        if ROOT / path != digests:
            yield path


def _git(*arguments: str) -> str | None:
    """What git says of this checkout; None where it is none, or git fails."""
    git = shutil.which("git")
    if not git or not (ROOT / ".git").exists():
        return None
    done = subprocess.run([git, "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
    return None if done.returncode else done.stdout.strip()


def _docker(*arguments: str) -> str:
    """What Docker says.

    Raises:
        ImageError: it is not there, or fails.
    """
    docker = shutil.which("docker")
    if not docker:
        raise ImageError("images need Docker, found none: install Docker Engine, and see that its service runs")
    environment = {"DOCKER_DEFAULT_PLATFORM": "linux/amd64", **os.environ}  # as the hosts of TPUs are
    done = subprocess.run([docker, *arguments], capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-12:]
        raise ImageError(f"docker {arguments[0]} must work, found: {' / '.join(said)}: mend it and try again")
    return done.stdout.strip()
