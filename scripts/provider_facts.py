"""Write what two versions of the AWS provider know of the resources that this repository uses.

``python scripts/provider_facts.py`` writes ``tests/provider/aws-VERSION.json``, one file for each
package of ``PACKAGES``. Do so when a test says that a type is missing, or after naming a newer
package here.

No package that pip or npm can install holds the provider itself in version 6. There are packages of
bindings that are generated from its schema, and in the sources that they carry every attribute has
its line, for example ``// tags - computed: false, optional: true, required: false``. So the files
know names, and what must, may or cannot be set. They know nothing of defaults, of the values that
an argument takes, or of what the provider does. That such a file says what the provider's own
schema says, ``tests/plan/test_versions.py`` sees to for the version that it can run.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
FACTS = REPO / "tests" / "provider"
# Terraform files of this repository; a user's own folder may lie beside them.
SOURCES = ("*.tf", "modules/**/*.tf", "examples/*/*.tf", "tests/**/*.tf", "benchmarks/**/*.tf")
# The package of each version of the provider, and how it is fetched.
PACKAGES = {
    "5.100.0": ("npm", "@cdktf/provider-aws@20.1.0"),
    "6.69.1": ("pip", "cdktn-provider-aws==25.8.1"),
}
# The address of every service, which no root of ours gives.
LEFT_OUT = "endpoints"

_USED = re.compile(r'^(resource|data) "(aws_\w+)"', re.MULTILINE)
_MAIN = re.compile(
    r"^export class (\w+) extends \w+\.Terraform(?:DataSource|Provider|Resource) ", re.MULTILINE
)
_BODY = re.compile(r"^export (?:interface|class) (\w+)(.*?)^\}$", re.MULTILINE | re.DOTALL)
_SETTABLE = re.compile(r"#(\w+) \w+#\w+\}\n(?:(?!\*/).)*\*/\n  readonly \w+(\??): (\w*)", re.DOTALL)
_BLOCK = re.compile(r"^  \* (\w+) block$", re.MULTILINE)
_READABLE = re.compile(r"^  // (\w+) - computed: true, optional: false, required: false$", re.M)


def types_used() -> list[str]:
    """Name the types of the repository's Terraform files, data sources as ``data.aws_…``."""
    found = {
        name if kind == "resource" else f"data.{name}"
        for pattern in SOURCES
        for path in REPO.glob(pattern)
        for kind, name in _USED.findall(path.read_text(encoding="utf-8"))
    }
    return sorted({*found, "provider"})


def facts(text: str) -> dict[str, str]:
    """Read what a generated source says of one type.

    Args:
        text: The TypeScript source.

    Returns:
        What every name is, those within blocks with the block's before them, as in
        ``rule.filter.prefix``: ``required``, ``optional``, ``computed`` (it can only be read),
        ``block`` or ``required block``.
    """
    (main,) = _MAIN.findall(text)
    return dict(sorted(_walk(dict(_BODY.findall(text)), f"{main}Config", main, "")))


def _walk(
    bodies: dict[str, str], interface: str, reader: str, prefix: str
) -> Iterator[tuple[str, str]]:
    blocks = set(_BLOCK.findall(bodies[interface]))
    for name, optional, kind in _SETTABLE.findall(bodies[interface]):
        if name not in blocks:
            yield prefix + name, "optional" if optional else "required"
        elif name != LEFT_OUT:
            yield prefix + name, "block" if optional else "required block"
            yield from _walk(bodies, kind, f"{kind}OutputReference", f"{prefix}{name}.")
    for name in _READABLE.findall(bodies.get(reader, "")):
        yield prefix + name, "computed"


def _source(read: Callable[[str], bytes], type_: str) -> str:
    """The TypeScript source of a type, which its JavaScript carries in its source map."""
    name = type_.removeprefix("data.").removeprefix("aws_").replace("_", "-")
    folder = f"data-aws-{name}" if type_.startswith("data.") else name
    encoded = read(f"package/lib/{folder}/index.js").rpartition(b"base64,")[2]
    return str(json.loads(base64.b64decode(encoded))["sourcesContent"][0])


def _fetch(client: str, package: str, folder: Path) -> Path:
    """Have pip or npm fetch a package, and find the archive of the bindings in it."""
    if client == "npm":
        command = ["npm", "pack", "--silent", package]
    else:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", package]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (archive,) = folder.iterdir()
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            (name,) = (name for name in wheel.namelist() if name.endswith(".jsii.tgz"))
            archive = Path(wheel.extract(name, folder))
    return archive


def _read_all(archive: Path, types: Iterable[str]) -> dict[str, dict[str, str]]:
    with tarfile.open(archive) as tar:

        def read(name: str) -> bytes:
            member = tar.extractfile(name)
            assert member is not None, f"{name} is no file"
            return member.read()

        return {type_: facts(_source(read, type_)) for type_ in types}


def main() -> int:
    """Write the files; returns the exit code."""
    types = types_used()
    for version, (client, package) in PACKAGES.items():
        with tempfile.TemporaryDirectory() as folder:
            found = _read_all(_fetch(client, package, Path(folder)), types)
        text = json.dumps(found, indent=1) + "\n"
        (FACTS / f"aws-{version}.json").write_text(text, encoding="utf-8")
        print(f"aws {version}: {sum(map(len, found.values()))} names of {len(found)} types")
    return 0


if __name__ == "__main__":
    sys.exit(main())
