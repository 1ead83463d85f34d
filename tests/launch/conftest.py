"""What the compiled pipeline declares."""

from typing import Any

import pytest

from byheart.launch.compile import compile_pipeline
from byheart.launch.parameters import read_parameters


@pytest.fixture(scope="session")
def declared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Its parameters."""
    path = tmp_path_factory.mktemp("compiled") / "pipeline.yaml"
    compile_pipeline(path)
    return read_parameters(path)
