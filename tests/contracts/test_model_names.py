import pytest

from byheart.contracts.model_names import shorten_models


@pytest.mark.parametrize(
    ("models", "names"),
    [
        (["llama-3.1-8b", "EleutherAI/pythia-12b"], ["llama-3.1-8b", "pythia-12b"]),
        (["org/a@step1000", "org/a@refs/pr/1", "org/a"], ["a-step1000", "a-refs-pr-1", "a"]),
        (["org/a", "other/a", "third/A"], ["a", "a-2", "A-3"]),
        (["/models/a/", "gs://b@c/a", "./a"], ["a", "a-2", "a-3"]),
        (["org/name/Name.Q4_1.gguf", "."], ["Name.Q4_1", "model"]),
        (["org/comparison", "org/failed", "org/Unfinished"], ["comparison-2", "failed-2", "Unfinished-2"]),
        (["my models/größe", "a-2", "a", "b/a"], ["größe", "a-2", "a", "a-3"]),
    ],
)
def test_models_have_names_that_differ_and_can_be_folders(models: list[str], names: list[str]) -> None:
    assert shorten_models(models) == names
