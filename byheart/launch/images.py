"""Names, builds and pushes the images that the stages run in, one image a stage.

If images were pushed, `images/digests.json` names each by its digest; else an image's tag is this checkout's commit, as
`byheart images` sets it.
"""

import functools
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from byheart.contracts.errors import ByheartError, SettingsError
from byheart.contracts.progress import format_size
from byheart.contracts.version import VERSION

PACKAGE = Path(__file__).resolve().parent.parent
ROOT = PACKAGE.parent
LAUNCH = "launch"
"""The image of the command line, for Jobs inside a cluster; all other images are stages'."""
STAGES = tuple(sorted(path.parent.name for path in (PACKAGE / "components").glob("*/component.py")))
NAMES = (LAUNCH, *STAGES)
DIGESTS = ROOT / "images" / "digests.json"
"""The file that `push_images` writes: the commit, and each image's reference with its digest."""
JAX = ("tpu", "cuda12", "cpu")
"""The flavours of extract's image; the default comes first, and also runs on CPUs."""


class ImageError(ByheartError):
    """An image cannot be built or pushed."""


def list_image_references(jax: str = JAX[0], digests: Path = DIGESTS) -> dict[str, str]:
    """The references of the images that pods pull, by name.

    Raises:
        SettingsError: the flavour is unknown, or the file of digests does not name every image.
    """
    return {name: find_image_reference(name, jax, digests) for name in NAMES}


def find_image_reference(name: str, jax: str = JAX[0], digests: Path = DIGESTS) -> str:
    """The reference of the image of that name.

    Raises:
        SettingsError: the flavour is unknown, or the file of digests does not name the image.
    """
    _check_flavour(jax)
    if not digests.exists():
        return f"byheart-{name}:{_make_tag(name, jax)}"
    try:
        reference = str(json.loads(digests.read_text(encoding="utf-8"))["images"][_name_digest(name, jax)])
        if not re.fullmatch(r"\S+@sha256:[0-9a-f]{64}", reference):
            raise ValueError
        return reference
    except (ValueError, LookupError, TypeError) as error:
        what = f"none of {error}" if isinstance(error, KeyError) else "another content"
        raise SettingsError(
            f"{digests} must give the digest of {_name_digest(name, jax)}, found {what}: write it with `byheart "
            f"images --push REGISTRY --jax {jax}`, or remove it"
        ) from None


def build_images(jax: str, base: str = "") -> dict[str, str]:
    """Build every image with Docker and print its size; return the references by name.

    Args:
        base: the image to build on; empty takes the Dockerfile's.

    Raises:
        ImageError: Docker is missing, or an image cannot be built.
        SettingsError: the flavour is unknown.
    """
    _check_flavour(jax)
    built = {}
    common = {"COMMIT": find_commit() or VERSION, **({"BASE_IMAGE": base} if base else {})}
    for name in NAMES:
        built[name] = reference = f"byheart-{name}:{_make_tag(name, jax)}"
        arguments = common | {"STAGE": name} | ({"LOCK": f"{name}-{jax}"} if name == "extract" else {})
        flags = [part for key, value in arguments.items() for part in ("--build-arg", f"{key}={value}")]
        target = LAUNCH if name == LAUNCH else "stage"
        _run_docker("build", *flags, "--target", target, "--file", "images/Dockerfile", "--tag", reference, ".")
        size_bytes = int(_run_docker("image", "inspect", "--format", "{{.Size}}", reference))
        print(f"{format_size(size_bytes):>12}  {reference}", flush=True)
    return built


def push_images(registry: str, jax: str, base: str = "", digests: Path = DIGESTS) -> None:
    """Build every image, push it to a registry, and write the digests to a file.

    Raises:
        ImageError: files have changed since the last commit, or an image cannot be built or pushed.
        SettingsError: the registry has no valid name, or the flavour is unknown.
    """
    if not registry or "://" in registry:
        raise SettingsError(
            f"--push must name a registry and a path, as europe-docker.pkg.dev/project/folder, found {registry!r}: "
            "give one"
        )
    if changed := list(_list_changed_files(digests)):
        raise ImageError(
            f"images must be of a commit when they are pushed, found changes in {', '.join(changed[:3])}"
            f"{' and more' * (len(changed) > 3)}: commit them, or take them away"
        )
    built_from = find_commit()
    references = {}
    for name, local in build_images(jax, base).items():
        remote = f"{registry.rstrip('/')}/{local}"
        _run_docker("tag", local, remote)
        _run_docker("push", remote)
        repository = remote.rpartition(":")[0]
        pushed = json.loads(_run_docker("image", "inspect", "--format", "{{json .RepoDigests}}", remote))
        references[_name_digest(name, jax)] = next(digest for digest in pushed if digest.startswith(f"{repository}@"))
        print(f"pushed {references[_name_digest(name, jax)]}", flush=True)
    earlier = json.loads(digests.read_text(encoding="utf-8")) if digests.exists() else {}
    images = (earlier["images"] if earlier.get("commit") == built_from else {}) | references
    digests.write_text(json.dumps({"commit": built_from, "images": images}, indent=2) + "\n", encoding="utf-8")
    print(f"wrote {digests}")


def describe_outdated_push(digests: Path = DIGESTS) -> str | None:
    """A sentence if the stages' code has changed since the images were pushed, or if git cannot tell; else None."""
    if not digests.exists():
        return None
    pushed = str(json.loads(digests.read_text(encoding="utf-8")).get("commit"))
    code = ("components", "byheart", "images/Dockerfile", "images/requirements", "models.yaml")
    complaints: list[str] = []
    changed = _run_git("diff", "--name-only", pushed, "--", *code, complain=complaints.append)
    if changed == "":
        return None
    images = f"the images are of commit {pushed:.12}, and"
    if changed:
        return f"{images} the stages have changed since: push them again"
    why = f"git {complaints[0]}" if complaints else "there is no checkout with git"
    return f"{images} whether the stages have changed since is not known: {why}"


def find_commit() -> str | None:
    """The commit of this byheart: of its checkout, with `-dirty` if files changed, or of what pip installed from Git.

    None if neither is known; if git fails in a checkout, a line says why.
    """
    describe = ("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    return _run_git(*describe, complain=_warn) or _find_installed_commit()


@functools.cache
def _warn(found: str) -> None:
    """Print once why the commit is not known."""
    print(f"the commit of {ROOT} is not recorded: git {found}", file=sys.stderr, flush=True)


def _find_installed_commit() -> str | None:
    """The commit that pip has written down (PEP 610)."""
    try:
        about = importlib.metadata.distribution("byheart").read_text("direct_url.json")
    except importlib.metadata.PackageNotFoundError:
        return None
    commit = json.loads(about or "{}").get("vcs_info", {}).get("commit_id")
    return str(commit) if commit else None


def _name_digest(name: str, jax: str) -> str:
    """The key of an image in the file of digests."""
    return name if name != "extract" or jax == JAX[0] else f"{name}-{jax}"


def _make_tag(name: str, jax: str) -> str:
    return (find_commit() or VERSION) + _name_digest(name, jax).removeprefix(name)


def _check_flavour(jax: str) -> None:
    if jax not in JAX:
        raise SettingsError(f"--jax must be one of {', '.join(JAX)}; found {jax!r}: choose one of them")


def _list_changed_files(digests: Path) -> Iterator[str]:
    """The files that differ from the last commit, except the file of digests, which `push_images` writes."""
    complaints: list[str] = []
    status = _run_git("status", "--porcelain", "--untracked-files=all", complain=complaints.append)
    if status is None:
        found, remedy = (f"that git {complaints[0]}", "mend that") if complaints else ("no checkout with git", "clone")
        raise ImageError(f"images must be of a commit when they are pushed, found {found}: {remedy}")
    for line in status.splitlines():
        path = line.split(maxsplit=1)[1]
        if ROOT / path != digests:
            yield path


def _run_git(*arguments: str, complain: Callable[[str], None] = lambda _: None) -> str | None:
    """The output of a git command in this checkout; None outside a checkout, or if git fails.

    Args:
        complain: called with what git says if it fails.
    """
    git = shutil.which("git")
    if not git or not (ROOT / ".git").exists():
        return None
    done = subprocess.run([git, "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        said = next(iter(done.stderr.strip().splitlines()), "").removeprefix("fatal: ")
        complain(f"says: {said}" if said else f"ended with code {done.returncode}")
        return None
    return done.stdout.strip()


def _run_docker(*arguments: str) -> str:
    """The output of a Docker command.

    Raises:
        ImageError: Docker is missing, or fails.
    """
    docker = shutil.which("docker")
    if not docker:
        raise ImageError("images need Docker, found none: install Docker Engine, and see that its service runs")
    environment = {"DOCKER_DEFAULT_PLATFORM": "linux/amd64", **os.environ}  # the platform of TPU hosts
    done = subprocess.run([docker, *arguments], capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-12:]
        raise ImageError(f"docker {arguments[0]} must work, found: {' / '.join(said)}: mend it and try again")
    return done.stdout.strip()
