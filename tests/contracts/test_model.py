"""What a model is called."""

import pytest

from byheart.contracts.model import ModelIdentity

COMMIT = "c" * 40


@pytest.mark.parametrize(
    ("source", "commit", "name"),
    [
        ("organisation/name", COMMIT, "organisation/name"),
        ("organisation/name/Name.Q4_1.gguf", COMMIT, "Name.Q4_1"),
        ("/home/somebody/secret/llama", None, "llama"),
        ("gs://bucket/prefix/llama/", None, "llama"),
        ("/home/somebody/Name.Q4_1.gguf", None, "Name.Q4_1"),
        ("..", None, ".."),
        ("/home/somebody/secret/..", None, "somebody"),
        ("/home/somebody/secret/.gguf", None, "model"),
        ("/", None, "model"),
    ],
)
def test_model_is_called_by_its_name_on_the_hub_or_by_the_last_part_of_its_path(
    source: str, commit: str | None, name: str
) -> None:
    identity = ModelIdentity(source=source, commit=commit, model_type="llama", parameters=1, weights_sha256="w" * 64)
    assert identity.short_name == name
