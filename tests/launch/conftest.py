"""The compiled pipeline."""

import pytest

from byheart.launch.compile import compile_pipeline
from byheart.launch.compiled import Compiled, read_compiled


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """As it is read from its file."""
    path = tmp_path_factory.mktemp("compiled") / "pipeline.yaml"
    compile_pipeline(path)
    return read_compiled(path)
