import pytest

from byheart.measures.artifacts import explain_fetching

FOLDER = "byheart/16bd3e7e-0a62-4d6a-9a0b-5f1a2c3d4e5f/plot/0f9c2f3a-1111-4222-8333-444455556666/results"
"""As Kubeflow Pipelines 2.17 names it below its root."""


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (
            f"gs://b/kubeflow/{FOLDER}",
            f"results: gs://b/kubeflow/{FOLDER}: `gcloud storage cp --recursive gs://b/kubeflow/{FOLDER} .`\n"
            "`byheart fetch 16bd3e7e-0a62-4d6a-9a0b-5f1a2c3d4e5f out` fetches it all",
        ),
        (
            "gs://b/out/results",
            "results: gs://b/out/results: `gcloud storage cp --recursive gs://b/out/results .`",
        ),
        (f"minio://b/{FOLDER}", f"results: minio://b/{FOLDER}: download it in Kubeflow's page"),
        (
            f"minio://b/{FOLDER.replace('plot', 'compare').replace('results', 'comparison')}",
            "comparison: minio://b/byheart/16bd3e7e-0a62-4d6a-9a0b-5f1a2c3d4e5f/compare/"
            "0f9c2f3a-1111-4222-8333-444455556666/comparison: download it in Kubeflow's page",
        ),
        (f"/home/me/{FOLDER}", ""),
    ],
)
def test_results_in_a_bucket_are_said_with_what_fetches_them(address: str, said: str) -> None:
    assert "\n".join(explain_fetching(address)) == said
