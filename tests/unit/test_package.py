"""The zip of the functions: it holds the same on every machine, and is never stale."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from types import ModuleType

import pytest

# `lambda` is a keyword: the script is no module of a package, so it is loaded from its file.
SCRIPT = Path(__file__).parents[2] / "lambda" / "package.py"


@pytest.fixture(scope="module")
def package() -> ModuleType:
    spec = importlib.util.spec_from_file_location("package", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def toy(folder: Path, names: list[str]) -> Path:
    """Writes a package, its files in the order given."""
    for name in names:
        path = folder / "toy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"NAME = {name!r}\n", encoding="utf-8")
    return folder / "toy"


def test_committed_zip_is_fresh(package: ModuleType) -> None:
    assert package.is_fresh(package.PACKAGE, package.ARCHIVE), "Run `make zip` and commit the zip."


def test_same_bytes_whatever_the_machine_says_of_the_files(
    package: ModuleType, tmp_path: Path
) -> None:
    names = ["__init__.py", "b.py", "a.py", "deep/__init__.py", "deep/z.py"]
    first = toy(tmp_path / "one", names)
    umask = os.umask(0o077)
    try:
        second = toy(tmp_path / "two", list(reversed(names)))
    finally:
        os.umask(umask)
    for path in second.rglob("*.py"):
        os.utime(path, (1, 1))
        path.chmod(0o700)
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))

    assert package.build(first) == package.build(second)


def test_only_python_files_go_in_sorted_packed_and_dated_1980(
    package: ModuleType, tmp_path: Path
) -> None:
    folder = toy(tmp_path, ["b.py", "a.py", "deep/c.py", "notes.md", "__pycache__/a.pyc"])

    entries = zipfile.ZipFile(BytesIO(package.build(folder))).infolist()

    assert [entry.filename for entry in entries] == ["toy/a.py", "toy/b.py", "toy/deep/c.py"]
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_DEFLATED}
    assert {entry.external_attr >> 16 for entry in entries} == {0o100644}, "Lambda must read them."


def test_too_big_a_package_is_refused(package: ModuleType, tmp_path: Path) -> None:
    folder = toy(tmp_path, ["a.py"])
    (folder / "big.py").write_bytes(os.urandom(package.LIMIT))

    with pytest.raises(package.PackageError, match=f"may have {package.LIMIT}"):
        package.build(folder)


def test_check_tells_a_changed_byte(
    package: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, archive = toy(tmp_path, ["a.py"]), tmp_path / "dist" / "toy.zip"
    options = ["--package", str(folder), "--archive", str(archive)]

    assert package.main([*options, "--check"]) == 1, "There is no zip yet."
    assert package.main(options) == 0
    assert package.main([*options, "--check"]) == 0
    capsys.readouterr()

    (folder / "a.py").write_text("NAME = 'b.py'\n")
    assert package.main([*options, "--check"]) == 1
    assert capsys.readouterr().err == (
        "toy.zip is not what the sources make: run `make zip` and commit it.\n"
    )


def test_a_zip_that_another_zlib_packed_is_fresh(package: ModuleType, tmp_path: Path) -> None:
    folder, archive = toy(tmp_path, ["a.py", "b.py"]), tmp_path / "toy.zip"
    with (
        zipfile.ZipFile(BytesIO(package.build(folder))) as ours,
        zipfile.ZipFile(archive, "w") as theirs,
    ):
        for entry in ours.infolist():
            theirs.writestr(entry, ours.read(entry), zipfile.ZIP_DEFLATED, compresslevel=0)
    options = ["--package", str(folder), "--archive", str(archive)]
    packed = archive.read_bytes()
    assert packed != package.build(folder)

    assert package.main([*options, "--check"]) == 0
    assert package.main(options) == 0
    assert archive.read_bytes() == packed, "its hash is in everybody's plans"


def test_what_is_no_zip_is_not_fresh(package: ModuleType, tmp_path: Path) -> None:
    folder, archive = toy(tmp_path, ["a.py"]), tmp_path / "toy.zip"
    archive.write_bytes(b"PK, but no more of a zip than that")

    assert not package.is_fresh(folder, archive)


def test_nothing_to_pack_is_a_sentence(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, SCRIPT, "--package", tmp_path, "--archive", tmp_path / "toy.zip"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 1
    assert run.stderr == f"{tmp_path} holds no Python file: name the folder of the package.\n"
    assert not (tmp_path / "toy.zip").exists()
