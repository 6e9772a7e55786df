"""Which module of the functions knows which: see docs/adr/0024-modules-and-layers.md."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import s3_dr

ROOT = Path(s3_dr.__file__).parents[1]
FUNCTIONS = {"source_bucket_check", "destination_bucket_check", "enable_replication", "sweep"}
# From the bottom up. A module knows none that stands higher.
LAYERS = [
    {
        "",
        "cloning.source_policy",
        "cloning.terms",
        "logs",
        "naming",
        "outcomes",
        "profiles",
        "rule",
        "settings",
        "tags",
    },
    {"aws", "check", "events", "reports_bucket"},
    {
        "backfill",
        "cloning",
        "cloning.engine",
        "cloning.properties",
        "cloning.translators",
        "cloning.twin_policy",
        "encryption",
        "jobs",
        "lives",
        "object_lock",
        "queue",
        "record",
        "start",
        "trail",
        "turns",
        "twin",
    },
    FUNCTIONS,
    {"handlers"},
]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
VALUES = LAYERS[0]


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


PATHS = {name_of(path): path for path in (ROOT / "s3_dr").rglob("*.py")}


def imported(name: str) -> Iterator[str]:
    """The modules that a module imports, those of the package without its name."""
    path = PATHS[name]
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        if not isinstance(node, ast.ImportFrom):
            continue
        base = package[: len(package) - node.level + 1] if node.level else []
        module = ".".join([*base, *(node.module or "").split(".")]).rstrip(".")
        for each in node.names:
            within = f"{module}.{each.name}"
            yield (within if within in PATHS else module).removeprefix("s3_dr.")


GRAPH = {name.removeprefix("s3_dr."): {*imported(name)} for name in PATHS}


def below(name: str) -> set[str]:
    """All that a module imports, straight or by others."""
    found, todo = set[str](), [name]
    while todo:
        for each in GRAPH.get(todo.pop(), set()) - found:
            found.add(each)
            todo.append(each)
    return found


def test_the_modules_have_an_order() -> None:
    assert {*TopologicalSorter(GRAPH).static_order()} >= {*GRAPH}, "they do not go in a circle"
    assert not any("handlers" in known for known in GRAPH.values()), "nobody knows the handlers"


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_is_the_handlers_alone(name: str) -> None:
    assert [each for each, known in GRAPH.items() if name in known] == ["handlers"]


@pytest.mark.parametrize("name", sorted(GRAPH))
def test_a_module_knows_none_that_stands_higher(name: str) -> None:
    higher = {each for each in GRAPH[name] & RANK.keys() if RANK[each] > RANK[name]}

    assert not higher, f"{name} must not import {sorted(higher)}: ADR 24"


@pytest.mark.parametrize("name", sorted(VALUES))
def test_values_need_nothing_that_talks_to_aws(name: str) -> None:
    sdk = {each for each in below(name) if each.split(".")[0] in ("boto3", "botocore")}

    assert not sdk, f"{name} should need nothing that talks to AWS, but knows {sorted(sdk)}"


@pytest.mark.parametrize("name", sorted(GRAPH))
def test_only_the_standard_library_and_boto3_are_used(name: str) -> None:
    others = {each.split(".")[0] for each in GRAPH[name] if f"s3_dr.{each}" not in PATHS}
    known = {*sys.stdlib_module_names, "boto3", "botocore", "s3_dr"}

    assert not {each for each in others - known if not each.startswith("mypy_boto3_")}
