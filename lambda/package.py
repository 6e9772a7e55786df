"""Builds ``lambda/dist/s3_dr.zip``, the code of the functions.

    python lambda/package.py            # writes the zip
    python lambda/package.py --check    # exits 1 when the zip is not what the sources make

The zip is committed, so that the module needs no build step when it is applied; its hash is part of
the plan. A deflated stream depends on the zlib that made it: zlib, zlib-ng and others differ, and
so do their versions. So what is compared is what is packed: a zip that holds what the sources make
is fresh, whichever machine made it, and is not written anew. For the rest names are sorted, and
times and permissions are the same for all.

Only the standard library is used, and any Python from 3.8 on will do.
"""

from __future__ import annotations

import argparse
import io
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = HERE / "s3_dr"
ARCHIVE = HERE / "dist" / "s3_dr.zip"
LIMIT = 130_000

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can tell
_REGULAR_FILE = 0o100644
_UNIX = 3


class PackageError(Exception):
    """The zip cannot be built as it must be; the message is one sentence that says what to do."""


def build(package: Path) -> bytes:
    """Returns the zip of a package: its ``.py`` files, below the package's own name.

    Args:
        package: The package's folder.

    Raises:
        PackageError: There is nothing to pack, or more than fits.
    """
    sources = {path.relative_to(package.parent).as_posix(): path for path in package.rglob("*.py")}
    if not sources:
        raise PackageError(f"{package} holds no Python file: name the folder of the package.")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(sources):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = _UNIX
            entry.external_attr = _REGULAR_FILE << 16
            # A checkout on another system may have turned the line ends.
            text = sources[name].read_bytes().replace(b"\r\n", b"\n")
            archive.writestr(entry, text, zipfile.ZIP_DEFLATED, 9)
    if buffer.tell() > LIMIT:
        raise PackageError(
            f"The zip has {buffer.tell()} bytes and may have {LIMIT}: "
            "take out of the package what the functions do not need."
        )
    return buffer.getvalue()


def is_fresh(package: Path, archive: Path) -> bool:
    """Tells whether an archive holds what the package makes, whichever zlib packed it."""
    try:
        return archive.is_file() and contents(archive.read_bytes()) == contents(build(package))
    except zipfile.BadZipFile:
        return False


def contents(archive: bytes) -> list[tuple[object, ...]]:
    """Returns all that a zip holds, in its order, but for how it is packed."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return [
            (
                entry.filename,
                entry.date_time,
                entry.create_system,
                entry.external_attr,
                opened.read(entry),
            )
            for entry in opened.infolist()
        ]


def main(arguments: list[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    parser = argparse.ArgumentParser(description="Build the zip of the functions.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when stale")
    parser.add_argument("--package", type=Path, default=PACKAGE, help="the folder to pack")
    parser.add_argument("--archive", type=Path, default=ARCHIVE, help="the zip to write")
    options = parser.parse_args(arguments)
    try:
        fresh = is_fresh(options.package, options.archive)
        if not fresh and not options.check:
            options.archive.parent.mkdir(parents=True, exist_ok=True)
            options.archive.write_bytes(build(options.package))
        elif not fresh:
            raise PackageError(
                f"{options.archive.name} is not what the sources make: "
                "run `make zip` and commit it."
            )
    except PackageError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
