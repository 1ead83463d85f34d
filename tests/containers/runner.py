"""Runs a compiled pipeline with KFP's Docker runner.

    python -m tests.containers.runner PIPELINE WORK OUT ARGUMENTS NEIGHBOUR

Each stage's container has a root that it cannot write to but for /tmp, a user that no image knows, no capabilities, and
no network but that of the container NEIGHBOUR, whose server at gs:// is all that it reaches.
"""

import shutil
import sys
from pathlib import Path
from typing import Any

import docker
from kfp.local import DockerRunner, docker_task_handler

from byheart.launch.compiled import read_compiled
from byheart.launch.graph import RESULTS, run_graph
from tests.containers.shelf import ENVIRONMENT

FOREIGN_USER = "12345:23456"


def run_and_wait(client: docker.DockerClient, image: str, command: list[str], volumes: Any, **how: Any) -> int:
    """Run a container to its end, say what it says, and remove it; its exit code.

    KFP's own lets Docker remove the container, and takes one that is gone before it is asked for a success.
    """
    container = client.containers.run(image, command, detach=True, volumes=volumes, **how)
    try:
        for line in container.logs(stream=True):
            print(line.decode(), end="", flush=True)
        return int(container.wait()["StatusCode"])
    finally:
        container.remove(force=True)


if __name__ == "__main__":
    pipeline, work, out, arguments, neighbour = sys.argv[1:]
    docker_task_handler.run_docker_container = run_and_wait
    confined = DockerRunner(
        network_mode=f"container:{neighbour}",
        read_only=True,
        tmpfs={"/tmp": "size=2g,mode=1777"},
        user=FOREIGN_USER,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        environment=ENVIRONMENT,
    )
    run_graph(read_compiled(pipeline), work, arguments, confined)
    for results in Path(work).glob(RESULTS):
        shutil.copytree(results, out, dirs_exist_ok=True)
