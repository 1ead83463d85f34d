"""What is in the images, and how they may be run."""

from pathlib import Path
from typing import Any

import docker
import pytest

from byheart.contracts.termination import REFUSED
from byheart.launch.images import NAMES, STAGES, find_commit
from tests.containers.runner import FOREIGN_USER


def inside(client: Any, image: str, *command: str, **how: Any) -> str:
    """What a command says in a confined container."""
    said: bytes = client.containers.run(
        image,
        list(command),
        entrypoint=[],
        network_mode="none",
        read_only=True,
        tmpfs={"/tmp": "mode=1777"},
        user=FOREIGN_USER,
        cap_drop=["ALL"],
        remove=True,
        **how,
    )
    return said.decode()


@pytest.mark.parametrize("name", STAGES)
def test_stage_can_be_imported_by_a_user_that_no_image_knows(client: Any, images: dict[str, str], name: str) -> None:
    inside(client, images[name], "python3", "-W", "error", "-c", f"import byheart.components.{name}.run")


@pytest.mark.parametrize("name", STAGES)
def test_image_holds_its_own_stage_and_what_all_share(client: Any, images: dict[str, str], name: str) -> None:
    assert set(inside(client, images[name], "ls", "/app/byheart/components").split()) == {"__init__.py", name}


def test_stage_writes_why_it_ended_into_the_file_that_kubernetes_mounts(
    client: Any, images: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "termination-log"
    file.touch()
    file.chmod(0o666)  # as the kubelet makes it
    mount = {str(file): {"bind": "/dev/termination-log", "mode": "rw"}}
    code = "from byheart.contracts.progress import stage\nwith stage('verdict', may_pass=False): 1 / 0"
    with pytest.raises(docker.errors.ContainerError):
        inside(client, images["verdict"], "python3", "-c", code, volumes=mount)
    assert file.read_text(encoding="utf-8") == f"{REFUSED} ZeroDivisionError: division by zero"


@pytest.mark.parametrize("name", NAMES)
def test_image_has_no_compiler_and_no_package_cache(client: Any, images: dict[str, str], name: str) -> None:
    searched = (
        "command -v gcc cc g++ make; ls -A /root/.cache /tmp/.cache /var/cache/apt/archives/*.deb 2>/dev/null; true"
    )
    assert inside(client, images[name], "sh", "-c", searched) == ""


@pytest.mark.parametrize("name", NAMES)
def test_image_says_what_it_is_and_runs_as_nobody(client: Any, images: dict[str, str], name: str) -> None:
    config = client.images.get(images[name]).attrs["Config"]
    labels = config["Labels"]
    assert labels["org.opencontainers.image.title"] == f"byheart-{name}"
    assert labels["org.opencontainers.image.revision"] == find_commit()
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert config["User"] == "65532:65532"
    assert "HOME=/tmp" in config["Env"]


def test_launcher_explains_itself(client: Any, images: dict[str, str]) -> None:
    assert "compile" in inside(client, images["launch"], "python", "-m", "byheart", "--help")
