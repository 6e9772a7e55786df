"""Write the tables of inputs and outputs into README.md, or check that they are fresh.

``python scripts/readme_tables.py`` writes; with ``--check`` nothing is written and a stale table is
exit code 1 and a sentence.

The two files are read without an HCL parser: ``terraform fmt`` fixes how they are laid out, and the
layout is all that is needed. What does not look as expected is an error, never a missing row.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

# A block from its first column to the brace that closes it, which is in the first column too.
_BLOCK = '^{kind} "([^"]+)" {{\n(.*?)^}}$'
# An argument of the block itself, indented by two: one line, or up to the bracket that closes it.
_ARGUMENT = re.compile(r"^  (\w+) += (.*[\[({]\n(?:(?:    .*)?\n)*  [\])}]+|.*)$", re.MULTILINE)


class LayoutError(Exception):
    """A file is not laid out as `terraform fmt` would, or a block lacks what the table needs."""


def read_blocks(path: Path, kind: str, required: Sequence[str]) -> dict[str, dict[str, str]]:
    """Read the arguments of every block of a kind, as they stand, by the block's name.

    Raises:
        LayoutError: naming the block that cannot be read.
    """
    text = path.read_text(encoding="utf-8")
    blocks = {
        name: dict(_ARGUMENT.findall(body))
        for name, body in re.findall(_BLOCK.format(kind=kind), text, re.MULTILINE | re.DOTALL)
    }
    if len(blocks) != len(re.findall(rf"^\s*{kind}\s", text, re.MULTILINE)) or "<<" in text:
        raise LayoutError(f"{path.name} cannot be read: run `terraform fmt`, and use no heredocs.")
    for name, arguments in blocks.items():
        for argument in required:
            if argument not in arguments:
                raise LayoutError(f"{path.name}: {kind} {name!r} has no {argument}.")
    return blocks


def inputs_table(root: Path) -> str:
    """The root module's variables as a Markdown table."""
    blocks = {
        name: block
        for path in root.glob("variables*.tf")
        for name, block in read_blocks(path, "variable", ("description", "type")).items()
    }
    rows = [
        f"| `{name}` | {_prose(block['description'])} | {_code(block['type'])} "
        f"| {_code(block['default']) if 'default' in block else 'required'} |"
        for name, block in sorted(blocks.items())
    ]
    return "\n".join(["| Name | Description | Type | Default |", "|---|---|---|---|", *rows])


def outputs_table(root: Path) -> str:
    """The root module's outputs as a Markdown table."""
    rows = [
        f"| `{name}` | {_prose(block['description'])} |"
        for name, block in read_blocks(root / "outputs.tf", "output", ("description",)).items()
    ]
    return "\n".join(["| Name | Description |", "|---|---|", *rows])


def replace_between(text: str, marker: str, content: str) -> str:
    """Put the content between the marker's two comments.

    Raises:
        LayoutError: the comments are not there, or there more than once.
    """
    pattern = re.compile(rf"(<!-- BEGIN {marker} -->\n).*?(<!-- END {marker} -->)", re.DOTALL)
    result, count = pattern.subn(lambda match: f"{match[1]}\n{content}\n\n{match[2]}", text)
    if count != 1:
        raise LayoutError(f"README.md must have the comments of {marker} exactly once.")
    return result


def _prose(literal: str) -> str:
    return literal.strip('"').replace('\\"', '"').replace("|", "\\|")


def _code(value: str) -> str:
    """An HCL value on one line, as code that a table cell can hold."""
    lines = [line.strip() for line in value.splitlines()]
    joined = lines[0]
    for line in lines[1:]:
        joined = re.sub(r" +=", " =", f"{joined}{_joint(joined, line)}{line}")
    return f"`{joined.replace('|', chr(92) + '|')}`"


def _joint(before: str, line: str) -> str:
    """What stands for the line break: HCL ends an object's attribute with either."""
    if before.endswith(("[", "(")) or line[0] in "])":
        return ""
    return " " if before.endswith(("{", ",")) or line[0] == "}" else ", "


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the tables, or check them; returns the exit code."""
    parser = argparse.ArgumentParser(description="Write README.md's tables of inputs and outputs.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when stale")
    parser.add_argument(
        "--root", type=Path, default=Path(__file__).resolve().parent.parent, help="the module"
    )
    options = parser.parse_args(arguments)
    readme = options.root / "README.md"
    try:
        text = readme.read_text(encoding="utf-8")
        fresh = replace_between(text, "INPUTS", inputs_table(options.root))
        fresh = replace_between(fresh, "OUTPUTS", outputs_table(options.root))
    except (LayoutError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    if fresh == text:
        return 0
    if options.check:
        print(
            "README.md's tables are stale: run `python scripts/readme_tables.py`.", file=sys.stderr
        )
        return 1
    readme.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
