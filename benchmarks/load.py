"""What loading a model's weights takes: of a core for each GB, beside plain reads, and of the host's memory.

    python -m benchmarks.load [GIGABYTES]

The devices are CPUs, so the weights on them are host memory too, and are subtracted. The weights are zeros, and Google
Cloud Storage is the tests' stand-in on this machine. It is also loaded as a host with many cores would, with as many
readers, for the memory that they take. The limit is that of docs/plan.md: 1 GB for any model.
"""

import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.download import make, serve
from byheart.store import open_store

GIGABYTES = 1.0
CORES = 64
"""Of a host with many."""
_READ = """
import json, sys, time
from byheart.models.folder import open_model
from byheart.store.in_order import map_in_order
place, block = open_model(sys.argv[1]).place, 16 * 2**20
parts = [
    (file.name, start, min(start + block, file.size_bytes))
    for file in place.list() for start in range(0, file.size_bytes, block)
]
started = time.process_time()
read = sum(map(len, map_in_order(lambda part: place.read_range(*part), parts, threads=4, ahead=4)))
print(json.dumps((time.process_time() - started) / read * 1e9))
"""
_LOAD = """
import json, os, resource, sys, time
import jax, jax.numpy as jnp
from byheart.components.extract import checkpoint
from byheart.components.extract.sharding import make_sharding
from byheart.models.folder import open_model
from byheart.machines.mesh import Mesh
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
devices = jax.devices()
sharding = make_sharding(devices, Mesh(data=len(devices), model=1, gather=len(devices) > 1))
os.cpu_count = lambda cores=os.cpu_count(): int(sys.argv[2]) or cores
before, started = peak(), time.process_time()
params = jax.block_until_ready(checkpoint.load(open_model(sys.argv[1]), jnp.dtype("bfloat16"), sharding))
weight_bytes = sum(weight.nbytes for weight in jax.tree.leaves(params))
print(json.dumps([weight_bytes, (time.process_time() - started) / weight_bytes * 1e9, peak() - before - weight_bytes]))
"""


def main(gigabytes: float = 3) -> int:
    """Load the model from a folder and a bucket, onto one and onto eight devices, and return 1 if over the limit."""
    with tempfile.TemporaryDirectory(prefix="byheart-") as folder, ExitStack() as running:
        local = Path(folder) / "model"
        make(local, gigabytes)
        os.environ["STORAGE_EMULATOR_HOST"] = running.enter_context(serve("tests.gcs", "--bucket", "shelf"))
        bucket = open_store("gs://shelf/model")
        for path in local.iterdir():
            with path.open("rb") as file:
                bucket.create(path.name, file)
        most = 0.0
        for address in (str(local), "gs://shelf/model"):
            name = address.split("/")[0] or "local"
            print(f"{name:6} read in blocks: {_run(_READ, address):.2f} s of a core for each GB", flush=True)
            for devices, cores in ((1, 0), (8, 0), (1, CORES)):
                flags = {"XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}"}
                weight_bytes, seconds, other_bytes = _run(_LOAD, address, str(cores), **flags)
                most = max(most, other_bytes / 1e9)
                onto = f"{devices} device{'s' * (devices > 1)}{f', with {cores} cores' * bool(cores)}"
                print(
                    f"{name:6} loaded onto {onto}: {weight_bytes / 1e9:.2f} GB, {seconds:.2f} s of a core for each, "
                    f"{other_bytes / 1e9:.2f} GB of memory beside them",
                    flush=True,
                )
        print(f"{most:.2f} GB of at most {GIGABYTES} GB")
    return int(most > GIGABYTES)


def _run(program: str, *arguments: str, **variables: str) -> Any:
    """What a program prints."""
    command = [sys.executable, "-c", program, *arguments]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, env=os.environ | variables).stdout)


if __name__ == "__main__":
    sys.exit(main(*map(float, sys.argv[1:])))
