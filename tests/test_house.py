"""The rules of the house: who may import whom, and what each room may bring along."""

import ast
import graphlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STAGES = ("download", "tokenize", "plan", "extract", "plot", "verdict")
SOURCES = [
    ROOT / "pipeline.py",
    *sorted((ROOT / "launch").rglob("*.py")),
    *sorted((ROOT / "components").rglob("*.py")),
]

SHARED = ("components.contracts", "components.store", "components.models")
ARROWS: dict[str, tuple[str, ...]] = {
    "launch": (
        *("launch", "pipeline", "components.contracts", "components.store"),
        *("components.models.accelerators", "components.plan.desk"),
    ),
    "pipeline": tuple(f"components.{stage}.component" for stage in STAGES),
    **{f"{stage}/component": (f"components.{stage}.run", "components.contracts.progress") for stage in STAGES},
    **{stage: (f"components.{stage}", *SHARED) for stage in STAGES},
    "models": ("components.models", "components.store", "components.contracts"),
    "store": ("components.store", "components.contracts"),
    "contracts": ("components.contracts",),
}
"""What each room may import of the project: these modules and what lies below them."""

LUGGAGE: dict[str, tuple[str, ...]] = {
    "launch": ("google.protobuf", "jsonschema", "kfp", "kfp_server_api", "kubernetes", "urllib3", "yaml"),
    "pipeline": ("kfp",),
    **{f"{stage}/component": ("kfp",) for stage in STAGES},
    "download": ("fsspec", "httpx2", "huggingface_hub", "requests", "urllib3"),
    "tokenize": ("numpy", "tokenizers", "transformers"),
    "extract": ("numpy", "jax"),
    "plot": ("numpy", "jinja2", "matplotlib"),
    "verdict": (),
    "plan": ("httpx2", "huggingface_hub"),
    "models": ("numpy", "yaml"),
    "store": ("google", "google_crc32c", "requests"),
    "contracts": ("numpy", "pyarrow"),
}
"""What each room may import from outside the project."""


def room_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    if parts[0] != "components":
        return parts[0]
    return f"{parts[1]}/component" if parts[-1] == "component" else (parts[1] if len(parts) > 2 else "contracts")


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path) for path in SOURCES}


def imports(node: ast.AST) -> set[str]:
    """Every module that is imported below `node`."""
    found = set()
    for child in ast.walk(node):
        if isinstance(child, ast.Import):
            found |= {alias.name for alias in child.names}
        elif isinstance(child, ast.ImportFrom):
            module = "." * child.level + (child.module or "")
            inner = {f"{module}.{alias.name}" for alias in child.names}
            found |= {name if name in MODULES else module for name in inner}
    return found


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_every_import_follows_the_arrows(path: Path) -> None:
    room = room_of(path)
    for module in imports(ast.parse(path.read_text(encoding="utf-8"))):
        top = module.split(".")[0]
        if top in sys.stdlib_module_names:
            continue
        allowed = ARROWS[room] if top in ("components", "launch", "pipeline") else LUGGAGE[room]
        assert any(f"{module}.".startswith(f"{name}.") for name in allowed), (
            f"{module_of(path)} may not import {module}"
        )


@pytest.mark.parametrize("stage", STAGES)
def test_component_imports_only_kfp_outside_its_body(stage: str) -> None:
    tree = ast.parse((ROOT / "components" / stage / "component.py").read_text(encoding="utf-8"))
    outside = [node for node in tree.body if not isinstance(node, ast.FunctionDef)]
    assert set().union(*map(imports, outside)) <= {"kfp", "typing"}


def test_imports_run_in_no_circle() -> None:
    graph = {module_of(path): imports(ast.parse(path.read_text(encoding="utf-8"))) & MODULES for path in SOURCES}
    assert graph["pipeline"], "the graph must hold the arrows that are drawn above"
    graphlib.TopologicalSorter(graph).prepare()


def test_no_room_is_without_a_name() -> None:
    assert not {path.name for path in SOURCES} & {"utils.py", "helpers.py", "common.py", "misc.py"}


def test_stage_that_plans_reaches_no_module_of_the_desk() -> None:
    """The stage's container holds no client of the Hub."""
    graph = {module_of(path): imports(ast.parse(path.read_text(encoding="utf-8"))) for path in SOURCES}
    reached, found = {"components.plan.run"}, {"components.plan.run"}
    while found:
        found = set().union(*(graph[module] for module in found & MODULES)) - reached
        reached |= found
    assert "components.plan.planned" in reached
    assert not {module.split(".")[0] for module in reached} & {"httpx2", "huggingface_hub", "jax", "kfp", "matplotlib"}
