"""Reads which blocks and arguments a Terraform file has, and what is in which.

``terraform fmt`` fixes how a file is laid out, and the layout is all that is needed: what is in a
block is two columns to the right of it, and what is further to the right belongs to an expression.
Expressions themselves are not read. What does not look as expected is an error, never a block that
is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

_HEADER = re.compile(r'^( *)(\w+)((?: "[^"]*")*) \{(\}?)(.*)$')
_ARGUMENT = re.compile(r"^( *)(\w+) += ")
_META_ARGUMENTS = {"count", "depends_on", "for_each", "provider"}
_META_BLOCKS = {"connection", "lifecycle", "provisioner"}


@dataclass
class Block:
    """A block of a Terraform file.

    Attributes:
        type: Its first word, for example ``resource``.
        labels: What is in quotes behind it, for example ``("aws_sns_topic", "this")``.
        arguments: The names of its arguments.
        blocks: The blocks in it, by order.
    """

    type: str
    labels: tuple[str, ...]
    arguments: list[str] = field(default_factory=list)
    blocks: list[Self] = field(default_factory=list)

    def inner(self) -> Iterator[tuple[str, Block]]:
        """The blocks that the provider sees, by name: those that are made for each of many, too."""
        for block in self.blocks:
            if block.type == "dynamic":
                (content,) = (each for each in block.blocks if each.type == "content")
                yield block.labels[0], content
            elif block.type not in _META_BLOCKS:
                yield block.type, block

    def given(self) -> set[str]:
        """The names of the arguments that the provider sees."""
        return set(self.arguments) - _META_ARGUMENTS


def read_blocks(text: str) -> list[Block]:
    """Reads the blocks of a file's top level.

    Raises:
        ValueError: The file is not laid out as ``terraform fmt`` would, or has a heredoc.
    """
    if "<<" in text:
        raise ValueError("Heredocs are not read: use jsonencode or a data source.")
    root = Block("", ())
    opened = [root]
    for line in text.splitlines():
        depth = 2 * (len(opened) - 1)
        if header := _HEADER.match(line):
            indent, type_, labels, closed, rest = header.groups()
            if len(indent) != depth or rest:
                raise ValueError(f"This cannot be read, run `terraform fmt`: {line}")
            block = Block(type_, tuple(re.findall(r'"([^"]*)"', labels)))
            opened[-1].blocks.append(block)
            if not closed:
                opened.append(block)
        elif depth and line == " " * (depth - 2) + "}":
            opened.pop()
        elif (argument := _ARGUMENT.match(line)) and len(argument[1]) == depth:
            opened[-1].arguments.append(argument[2])
    if len(opened) != 1:
        raise ValueError(f"A {opened[-1].type} does not end where `terraform fmt` would end it.")
    return root.blocks
