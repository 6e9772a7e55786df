"""The documents say what is so: tables, links, names and the HCL they show."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from s3_dr.cloning.engine import Fidelity, Why
from s3_dr.cloning.properties import PROPERTIES
from s3_dr.cloning.source_policy import OUR_SIDS
from s3_dr.outcomes import Outcome, Reason
from s3_dr.profiles import CLONABLE, STORAGE_CLASSES, Profile
from s3_dr.tags import CLONED_TAG, LIFE_TAG, MANAGER_TAG, SOURCE_TAG

REPO = Path(__file__).resolve().parents[2]
README = (REPO / "README.md").read_text(encoding="utf-8")
MARKDOWN = sorted(
    path
    for path in [*REPO.glob("*.md"), *REPO.glob("docs/**/*.md"), *REPO.glob("examples/**/*.md")]
    if ".terraform" not in path.parts
)
BLOCKS = re.findall(r"^```hcl\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def tables(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "scripts/readme_tables.py", "--root", str(root), *options]
    return subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The files that the tables are made of, to be spoilt."""
    for name in ("README.md", "outputs.tf", "variables.tf", "variables-profiles.tf"):
        shutil.copy(REPO / name, tmp_path)
    return tmp_path


def spoil(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, f"the test expects {old!r} in {path.name}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def section(marker: str) -> str:
    found = re.findall(rf"<!-- BEGIN {marker} -->(.*?)<!-- END {marker} -->", README, re.DOTALL)
    assert len(found) == 1, f"README.md has the comments of {marker} exactly once"
    return str(found[0])


def first_cells(text: str) -> list[str]:
    """What stands as code in the first column of the tables in a text."""
    return re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)


def names(files: str, kind: str) -> set[str]:
    texts = (file.read_text(encoding="utf-8") for file in REPO.glob(files))
    return {name for text in texts for name in re.findall(rf'^{kind} "([^"]+)"', text, re.M)}


def raised(exception: str) -> set[str]:
    """The reasons that the functions' code gives to an exception."""
    calls = [
        node
        for path in (REPO / "lambda" / "s3_dr").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == exception
    ]
    return {call.args[0].attr for call in calls if isinstance(call.args[0], ast.Attribute)}


# --- tables of inputs and outputs ----------------------------------------------------------------
def test_tables_are_fresh() -> None:
    result = tables(REPO, "--check")

    assert result.returncode == 0, result.stderr


def test_tables_name_every_variable_and_output() -> None:
    assert set(first_cells(section("INPUTS"))) == names("variables*.tf", "variable")
    assert set(first_cells(section("OUTPUTS"))) == names("outputs.tf", "output")


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("variables.tf", "default     = 365", "default     = 30"),
        ("variables.tf", "optional(number, 512)", "optional(number, 256)"),
        ("outputs.tf", 'description = "The', 'description = "This'),
    ],
)
def test_stale_tables_are_told_and_mended(copy: Path, file: str, old: str, new: str) -> None:
    spoil(copy / file, old, new)
    before = (copy / "README.md").read_text(encoding="utf-8")

    stale = tables(copy, "--check")

    assert stale.returncode == 1
    assert stale.stderr == (
        "README.md's tables are stale: run `python scripts/readme_tables.py`.\n"
    )
    assert (copy / "README.md").read_text(encoding="utf-8") == before, "--check writes nothing"
    assert tables(copy).returncode == 0
    assert tables(copy, "--check").returncode == 0


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        ("variables.tf", 'variable "name" {', '  variable "name" {', "terraform fmt"),
        ("variables.tf", "  description = ", "  # description = ", "has no description"),
        ("outputs.tf", "  value ", "  note = <<-E\n}\nE\n  value ", "no heredocs"),
        ("README.md", "<!-- END INPUTS -->", "", "INPUTS exactly once"),
    ],
)
def test_what_cannot_be_read_is_told(
    copy: Path, file: str, old: str, new: str, sentence: str
) -> None:
    spoil(copy / file, old, new)

    result = tables(copy)

    assert result.returncode == 1
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


# --- what the functions say ----------------------------------------------------------------------
def test_every_reason_has_its_row() -> None:
    blocked, ignored = first_cells(section("BLOCKED")), first_cells(section("IGNORED"))

    assert sorted(blocked + ignored) == sorted(Reason), "each reason stands in one table, once"
    # A sweep without a trail ends blocked, and is done all the same.
    assert set(blocked) == raised("Blocked") | {Reason.NO_TRAIL}
    assert set(ignored) == raised("Ignored") | raised("Untagged")


def test_every_reason_of_s3_that_the_local_aws_gives_has_its_row() -> None:
    files = [REPO / "local_aws" / f"{name}.py" for name in ("annotations", "jobs", "replication")]
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    given = set(re.findall(r'"((?:AssumeRole|Dst|Initiate|Src)[A-Z]\w+)"', text))
    made_up = set(re.findall(r'^NOT_WRITTEN = "(\w+)"', text, re.MULTILINE))
    page = (REPO / "docs" / "replication-failures.md").read_text(encoding="utf-8")

    assert given > made_up, "the test finds them"
    assert given - made_up <= set(first_cells(page))
    assert first_cells(page) == sorted(set(first_cells(page)))


def test_every_outcome_has_its_row() -> None:
    rows = re.search(r"^\| Outcome \|.*?\n\n", README, re.MULTILINE | re.DOTALL)

    assert rows
    assert set(first_cells(rows[0])) == set(Outcome)


def test_every_line_of_a_report_can_be_looked_up() -> None:
    cells = first_cells(section("FIDELITY"))

    assert cells == [*Fidelity, *Why], "in the code's order"


def test_every_property_has_its_row() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", chapter("Cloning"), re.MULTILINE)

    cloned = {name: how for name, how in rows if name in {each.name for each in PROPERTIES}}
    assert sorted(cloned) == sorted(each.name for each in PROPERTIES)
    default = {name for name, how in cloned.items() if how == "**by default**"}
    assert default == Profile("standard", ({"dr": "true"},)).clone
    never = {name for name, how in cloned.items() if how in ("never", "always")}
    assert never == {each.name for each in PROPERTIES} - CLONABLE


def test_every_policy_statement_is_explained() -> None:
    files = [*REPO.glob("*.tf"), *REPO.glob("modules/*/*.tf")]
    sids = {sid for f in files for sid in re.findall(r'sid +=\s"(\w+)"', f.read_text("utf-8"))}

    assert sids, "the test finds the statements"
    assert set(first_cells(section("PERMISSIONS"))) == sids


def test_every_action_is_named() -> None:
    files = [*REPO.glob("*.tf"), *REPO.glob("modules/*/*.tf")]
    services = "cloudtrail|cloudwatch|events|iam|kms|lambda|logs|s3|sns|sqs|sts|tag"
    pattern = rf'"((?:{services}):[A-Z]\w+)"'
    conditions = {
        "iam:PassedToService",
        "kms:ViaService",
        "s3:RequestJobPriority",
        "s3:ResourceAccount",
    }
    actions = {action for f in files for action in re.findall(pattern, f.read_text("utf-8"))}
    named = set(re.findall(r"`(\w+:[A-Z]\w+)`", section("PERMISSIONS")))

    assert actions - conditions == named - conditions


def test_marks_are_called_what_they_are_called() -> None:
    for mark in (SOURCE_TAG, MANAGER_TAG, CLONED_TAG, LIFE_TAG, *OUR_SIDS):
        assert f"`{mark}`" in README


def chapter(heading: str) -> str:
    found = re.search(rf"^## {heading}$(.*?)^## ", README, re.MULTILINE | re.DOTALL)
    assert found, f"README.md has a chapter {heading}"
    return found[1]


def test_every_field_of_a_profile_has_its_row() -> None:
    fields = set(Profile.__dataclass_fields__) - {"name", "match_tags"}
    overrides = {"delete_markers", *Profile.overrides}

    cells = first_cells(chapter("Profiles"))
    assert set(cells) == fields | {"s3-dr:" + name.replace("_", "-") for name in overrides}
    assert all(f"`{name}`" in chapter("Profiles") for name in STORAGE_CLASSES)


# --- HCL -----------------------------------------------------------------------------------------


def test_usage_is_one_block_of_hcl() -> None:
    assert re.fullmatch(r"\s*```hcl\n[^`]+```\s*", section("USAGE"))


@pytest.mark.parametrize("block", BLOCKS)
def test_hcl_gives_only_inputs_that_exist(block: str) -> None:
    module = re.search(r'^module "s3_dr" \{\n(.*?)^\}', block, re.MULTILINE | re.DOTALL)

    assert module, "each block uses the module"
    given = set(re.findall(r"^  (\w+) +=", module[1], re.MULTILINE))
    assert given - {"source", "providers"} <= names("variables*.tf", "variable")


def test_only_outputs_that_exist_are_named() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in MARKDOWN)
    named = set(re.findall(r"module\.s3_dr\.(?!module\.|aws_)(\w+)", text))
    named |= set(re.findall(r"output `(\w+)`", text))

    assert named, "the test finds the outputs"
    assert named <= names("outputs.tf", "output")


# --- links ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: path.relative_to(REPO).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file) if file else path
        assert target.exists(), f"{path.name} links to {link}, which is not there"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}
            assert anchor in anchors, f"{path.name} links to {link}, and there is no such heading"


def test_every_decision_is_listed() -> None:
    folder = REPO / "docs" / "adr"
    listed = re.findall(r"\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text("utf-8"))

    assert listed == sorted(path.name for path in folder.glob("[0-9]*.md"))
    for number, name in enumerate(listed, start=1):
        head = (folder / name).read_text(encoding="utf-8").splitlines()[0]
        assert name.startswith(f"{number:04}-"), "the numbers have no gaps"
        assert head.startswith(f"# {number}. "), f"{name} is headed by its number"
