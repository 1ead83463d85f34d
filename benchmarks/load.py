"""The host memory that loading a model's weights takes, in addition to the weights themselves.

    python -m benchmarks.load [GIGABYTES]

The devices are CPUs, so the weights on them are host memory too, and are subtracted. The weights are zeros, and Google
Cloud Storage is the tests' stand-in on this machine. The limit is that of docs/plan.md: 1 GB for any model.
"""

import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.download import make, serve
from byheart.store import open_store

GIGABYTES = 1.0
_LOAD = """
import json, resource, sys, time
import jax, jax.numpy as jnp
from byheart.components.extract import checkpoint
from byheart.components.extract.sharding import make_sharding
from byheart.models.folder import open_model
from byheart.machines.mesh import Mesh
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
devices = jax.devices()
sharding = make_sharding(devices, Mesh(data=len(devices), model=1, gather=len(devices) > 1))
before, started = peak(), time.monotonic()
params = jax.block_until_ready(checkpoint.load(open_model(sys.argv[1]), jnp.dtype("bfloat16"), sharding))
weight_bytes = sum(weight.nbytes for weight in jax.tree.leaves(params))
print(json.dumps([weight_bytes, time.monotonic() - started, peak() - before - weight_bytes]))
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
            for devices in (1, 8):
                flags = {"XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}"}
                command = [sys.executable, "-c", _LOAD, address]
                process = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=os.environ | flags)
                weight_bytes, seconds, other_bytes = json.loads(process.stdout)
                most = max(most, other_bytes / 1e9)
                print(
                    f"{address.split('/')[0] or 'local':6} {devices} device{'s' * (devices > 1)}: "
                    f"{weight_bytes / 1e9:.2f} GB in {seconds:.1f} s, {other_bytes / 1e9:.2f} GB beside them",
                    flush=True,
                )
        print(f"{most:.2f} GB of at most {GIGABYTES} GB")
    return int(most > GIGABYTES)


if __name__ == "__main__":
    sys.exit(main(*map(float, sys.argv[1:])))
