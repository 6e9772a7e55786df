"""Reads which blocks and arguments a Terraform file has, and what is in which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import hcl2

_IS_BLOCK = "__is_block__"
_META_ARGUMENTS = {"count", "depends_on", "for_each", "provider"}
_META_BLOCKS = {"connection", "lifecycle", "provisioner"}


@dataclass(frozen=True)
class Block:
    """A block of a Terraform file.

    Attributes:
        type: Its first word, for example ``resource``.
        labels: What is in quotes behind it, for example ``("aws_sns_topic", "this")``.
        body: What is in it, as python-hcl2 has it.
    """

    type: str
    labels: tuple[str, ...]
    body: Mapping[str, Any]

    def inner(self) -> Iterator[tuple[str, Block]]:
        """The blocks that the provider sees, by name: those that are made for each of many, too."""
        for block in _blocks(self.body):
            if block.type == "dynamic":
                (content,) = (each for each in _blocks(block.body) if each.type == "content")
                yield block.labels[0], content
            elif block.type not in _META_BLOCKS:
                yield block.type, block

    def given(self) -> set[str]:
        """The names of the arguments that the provider sees."""
        blocks = {each.type for each in _blocks(self.body)}
        own = {each for each in self.body if not each.startswith("__")}  # not python-hcl2's
        return own - blocks - _META_ARGUMENTS


def read_blocks(text: str) -> list[Block]:
    """Reads the blocks of a file's top level."""
    return list(_blocks(hcl2.loads(text)))


def _blocks(body: Mapping[str, Any]) -> Iterator[Block]:
    for name, value in body.items():
        for each in value if isinstance(value, list) else []:
            labels: tuple[str, ...] = ()
            inside = each
            while isinstance(inside, dict) and len(inside) == 1 and _IS_BLOCK not in inside:
                ((label, inside),) = inside.items()
                labels = (*labels, label.strip('"'))
            if isinstance(inside, dict) and _IS_BLOCK in inside:
                yield Block(name, labels, inside)
