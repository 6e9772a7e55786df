"""What Terraform files give and read, the AWS provider knows: 5.100.0 and 6.69.1.

``scripts/provider_facts.py`` says where the facts come from, and what they do not tell.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

import pytest

from harness.hcl import Block, read_blocks
from harness.toolchain import BROUGHT, OTHERS, PROVIDER_VERSION, REPO
from scripts.provider_facts import FACTS, PACKAGES, SOURCES, types_used

FILES = sorted(path for pattern in SOURCES for path in REPO.glob(pattern))
VERSIONS = list(PACKAGES)
TEXTS = ("*.md", "examples/*/*.md", "benchmarks/*.py", "scripts/*.py", "tests/**/*.py")
READ = re.compile(r"\b(data\.)?(aws_\w+)\.\w+(?:\[[^\]]*\])?\.(\w+)")
DEPRECATED = re.compile(r"aws_region\.\w+(?:\[[^\]]*\])?\.(?:id|name)\b")
OF_ITSELF = re.compile(r'^data "aws_region".*?\bself\.(?:id|name)\b.*?^\}', re.M | re.S)

Names = Mapping[str, str]


def facts(version: str) -> Mapping[str, Names]:
    found: Mapping[str, Names] = json.loads((FACTS / f"aws-{version}.json").read_text("utf-8"))
    return found


def wrong(text: str, known: Mapping[str, Names]) -> list[str]:
    """What a file gives or reads although it is not there, and what it lacks."""
    found: list[str] = []
    for block in read_blocks(text):
        if block.type in ("data", "provider", "resource"):
            found += _wrong(block, known[_type(block)], _type(block), "")
    for data, type_, name in READ.findall(text):
        if name not in known[data + type_]:
            found.append(f"{data}{type_} has no {name} to read")
    return found


def _type(block: Block) -> str:
    kinds = {"data": "data.", "resource": ""}
    return kinds[block.type] + block.labels[0] if block.type in kinds else block.type


def _wrong(block: Block, known: Names, name: str, prefix: str) -> Iterator[str]:
    given = {prefix + each: ("optional", "required") for each in block.given()}
    inner = [(prefix + each, content) for each, content in block.inner()]
    given |= {each: ("block", "required block") for each, _ in inner}
    for each, kinds in given.items():
        if known.get(each) not in kinds:
            yield f"{name}: {each} is {known.get(each, 'unknown')}"
    for each, kind in known.items():
        within = each.rpartition(".")[0] == prefix.rstrip(".")
        if within and kind.startswith("required") and each not in given:
            yield f"{name} lacks {each}"
    for each, content in inner:
        yield from _wrong(content, known, name, f"{each}.")


@pytest.mark.parametrize("version", VERSIONS)
def test_the_provider_knows_all_that_is_used(version: str) -> None:
    known = facts(version)
    found = {path: wrong(path.read_text("utf-8"), known) for path in FILES}

    assert FILES
    assert not [f"{path}: {each}" for path, faults in found.items() for each in faults]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_facts_are_of_the_types_that_are_used(version: str) -> None:
    assert list(facts(version)) == types_used(), "run `python scripts/provider_facts.py`"


def test_the_facts_are_of_the_version_that_is_run_and_of_another() -> None:
    assert PROVIDER_VERSION in VERSIONS
    assert len(VERSIONS) == 2


def test_the_readme_says_which_versions_were_run_and_which_not() -> None:
    readme = (REPO / "README.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| (.*?) \| (.*?) \|$", readme.partition("### Versions")[2], re.M))
    run = {
        version for what, done in rows.items() if "not run" not in done for version in named(what)
    }
    not_run = {
        version for what, done in rows.items() if "not run" in done for version in named(what)
    }

    assert {BROUGHT, *OTHERS, PROVIDER_VERSION} <= run
    assert set(VERSIONS) - {PROVIDER_VERSION} <= not_run
    assert not run & not_run


def named(text: str) -> list[str]:
    return re.findall(r"\b\d+\.\d+\.\d+\b", text)


def test_a_whole_file_is_read() -> None:
    text = "\n".join(path.read_text("utf-8") for path in FILES)

    kinds = [each.type for path in FILES for each in read_blocks(path.read_text("utf-8"))]

    assert kinds.count("resource") == len(re.findall(r'^\s*resource "', text, re.MULTILINE)) > 100
    assert kinds.count("data") == len(re.findall(r'^\s*data "', text, re.MULTILINE)) > 20


ROOT = """\
resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.%(read)s
  count  = 1

  dynamic "rule" {
    for_each = { a = 1 }

    content {
      id     = "a"
      %(given)s = "Enabled"

      %(block)s {}
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}
"""
GOOD = {"read": "id", "given": "status", "block": "filter"}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("bad", "sentences"),
    [
        ({}, []),
        ({"read": "name"}, ["aws_s3_bucket has no name to read"]),
        ({"given": "state"}, ["{0}: rule.state is unknown", "{0} lacks rule.status"]),
        ({"given": "filter"}, ["{0}: rule.filter is block", "{0} lacks rule.status"]),
        ({"block": "filters"}, ["{0}: rule.filters is unknown"]),
        ({"block": "transition"}, ["{0} lacks rule.transition.storage_class"]),
        ({"block": "prefix"}, ["{0}: rule.prefix is optional"]),
    ],
)
def test_what_is_not_there_is_told(version: str, bad: Names, sentences: list[str]) -> None:
    type_ = "aws_s3_bucket_lifecycle_configuration"
    text = ROOT % {**GOOD, **bad}
    if bad.get("given") == "filter":
        text = text.replace("\n      filter {}\n", "")

    assert wrong(text, facts(version)) == [each.format(type_) for each in sentences]


def test_no_region_is_called_what_provider_6_deprecates() -> None:
    others = [path for pattern in TEXTS for path in REPO.glob(pattern)]
    found = [
        path.relative_to(REPO).as_posix()
        for path in [*FILES, *others]
        for pattern in (DEPRECATED, OF_ITSELF)
        if pattern.search(path.read_text("utf-8"))
    ]

    assert not found, "name a region by local.source_region or local.dr_region: places.tf"
