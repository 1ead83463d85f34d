"""The rules of the house: who may import whom, what each room may bring along, and what an import is called."""

import ast
import graphlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STAGES = ("download", "tokenize", "plan", "extract", "plot", "verdict", "compare")
PACKAGE = ROOT / "byheart"
SOURCES = [
    PACKAGE / "pipeline.py",
    *sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE),
    *sorted((PACKAGE / "components").rglob("*.py")),  # a link, which rglob does not follow
]

ARROWS: dict[str, tuple[str, ...]] = {
    "command": ("command", "launch", "kubeflow", "pipeline", "contracts"),
    "launch": (
        *("launch", "kubeflow", "pipeline", "desk", "measures", "holdings", "scores", "machines", "store", "contracts"),
        "verification",
        # What `byheart compare` does without a run.
        *(f"components.compare.{module}" for module in ("run", "sentences")),
    ),
    "kubeflow": ("kubeflow", "measures", "store", "contracts"),
    "desk": (
        *("desk", "machines", "models", "store", "contracts"),
        # What a plan compiles ahead, and what a check puts to work without a run: the engine, a tokenizer, a model.
        *(f"components.extract.{module}" for module in ("devices", "rounding", "scoring", "sharding", "trial")),
        *(f"components.tokenize.{module}" for module in ("run", "tokenizer", "windows")),
        *(f"components.download.{module}" for module in ("books", "bucket", "hub", "hub_errors", "libraries", "lists")),
        "components.download.adapter",
        *(f"components.download.gguf.{module}" for module in ("config", "find", "header")),
        "components.download.model",
    ),
    "verification": (
        *("verification", "measures", "scores", "models", "store", "contracts"),
        # What it does again as a run did it; scores it computes by its own decoder.
        *(f"components.download.{module}" for module in ("books", "chapters", "model", "text_report", "tokenizer")),
        *(f"components.download.{module}" for module in ("adapter", "fetch", "manifest", "gguf.folder")),
        *(f"components.tokenize.{module}" for module in ("tokenizer", "windows")),
        *(f"components.plot.{module}" for module in ("provenance", "run")),
        "components.extract.rounding",
    ),
    "pipeline": tuple(f"components.{stage}.component" for stage in STAGES),
    **{f"{stage}/component": (f"components.{stage}.run", "contracts.inputs", "contracts.progress") for stage in STAGES},
    "compare/component": ("components.compare.models", "contracts.progress"),
    "download": ("components.download", "machines", "models", "store", "contracts"),
    "tokenize": ("components.tokenize", "models", "store", "contracts"),
    "plan": ("components.plan", "measures", "scores", "machines", "models", "store", "contracts"),
    "extract": ("components.extract", "measures", "scores", "machines", "models", "store", "contracts"),
    "plot": ("components.plot", "pages", "measures", "scores", "store", "contracts"),
    "compare": ("components.compare", "pages", "measures", "store", "contracts"),
    "verdict": ("components.verdict", "measures.provenance", "contracts"),  # its image has no package of the store
    "pages": ("pages", "measures", "contracts"),
    "measures": ("measures", "scores", "store", "contracts"),
    "holdings": ("holdings", "scores", "models", "store", "contracts"),
    "scores": ("scores", "store", "contracts"),
    "machines": ("machines", "models", "store", "contracts"),
    "models": ("models", "store", "contracts"),
    "store": ("store", "contracts"),
    "contracts": ("contracts",),
}
"""What each room may import of byheart: these modules and what lies below them."""

LUGGAGE: dict[str, tuple[str, ...]] = {
    "command": ("typer",),
    "launch": ("google.protobuf", "jsonschema", "kfp", "platformdirs", "rich", "yaml"),
    "kubeflow": ("kfp", "kfp_server_api", "kubernetes", "urllib3"),
    "desk": ("httpx2", "huggingface_hub", "jax", "numpy"),
    "verification": ("numpy", "peft", "rocrate", "torch", "transformers"),
    "pipeline": ("kfp",),
    **{f"{stage}/component": ("kfp",) for stage in STAGES},
    "download": ("fsspec", "gguf", "httpx2", "huggingface_hub", "numpy", "requests", "urllib3"),
    "tokenize": ("numpy", "tokenizers", "transformers"),
    "plan": (),
    "extract": ("numpy", "jax"),
    "plot": ("numpy", "jinja2", "matplotlib", "msgspec"),
    "compare": ("numpy", "markupsafe", "matplotlib", "msgspec"),
    "verdict": (),
    "pages": ("jinja2", "matplotlib", "msgspec", "numpy"),
    "measures": ("numpy", "msgspec"),
    "holdings": ("google_crc32c",),
    "scores": ("google_crc32c", "numpy"),
    "machines": (),
    "models": ("numpy", "yaml"),
    "store": ("google", "google_crc32c", "requests"),
    "contracts": ("msgspec", "numpy", "pyarrow"),
}
"""What each room may import from outside the project."""


def room_of(path: Path) -> str:
    first, *rest = path.relative_to(PACKAGE).with_suffix("").parts
    if first != "components" or rest == ["__init__"]:
        return first
    return f"{rest[0]}/component" if rest[-1] == "component" else rest[0]


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
        if module.split(".")[0] in sys.stdlib_module_names:
            continue
        inner = module.removeprefix("byheart.")
        allowed = LUGGAGE[room] if inner == module else ARROWS[room]
        assert any(f"{inner}.".startswith(f"{name}.") for name in allowed), f"{module_of(path)} may not import {module}"


@pytest.mark.parametrize("stage", STAGES)
def test_component_imports_only_kfp_outside_its_body(stage: str) -> None:
    tree = ast.parse((ROOT / "components" / stage / "component.py").read_text(encoding="utf-8"))
    outside = [node for node in tree.body if not isinstance(node, ast.FunctionDef)]
    assert set().union(*map(imports, outside)) <= {"kfp", "typing"}


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_pytorch_is_imported_only_where_it_computes(path: Path) -> None:
    """It is not among byheart's dependencies."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    outside = [node for node in tree.body if not isinstance(node, ast.FunctionDef)]
    assert not {name for name in set().union(*map(imports, outside)) if name.split(".")[0] == "torch"}


def test_no_source_has_jax_load_programs_that_were_compiled_elsewhere() -> None:
    """They are native code of whoever may write where they lie, and run unchecked."""
    loads = ("jax_compilation_cache_dir", "import compilation_cache", "deserialize_and_load")
    texts = {module_of(path): path.read_text(encoding="utf-8") for path in SOURCES}
    assert not [module for module, text in texts.items() if any(word in text for word in loads)]


def test_imports_run_in_no_circle() -> None:
    graph = {module_of(path): imports(ast.parse(path.read_text(encoding="utf-8"))) & MODULES for path in SOURCES}
    assert graph["byheart.pipeline"], "the graph must hold the arrows that are drawn above"
    graphlib.TopologicalSorter(graph).prepare()


def test_rooms_stand_in_no_circle() -> None:
    """Stages lie above what they share, and no two rooms of the package import one another."""
    tops = {room: {name.split(".")[0] for name in names} - {room} for room, names in ARROWS.items() if "/" not in room}
    graphlib.TopologicalSorter({room: names - {"components"} for room, names in tops.items()}).prepare()


def test_no_room_is_without_a_name() -> None:
    assert not {path.name for path in SOURCES} & {"utils.py", "helpers.py", "common.py", "misc.py"}


def test_stages_hold_nothing_but_stages() -> None:
    assert {path.name for path in (ROOT / "components").iterdir() if path.is_dir()} - {"__pycache__"} == set(STAGES)
