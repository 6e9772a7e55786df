"""Finding Terraform and the provider: the order of search, and a sentence for what is missing."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from harness import toolchain
from harness.toolchain import (
    BROUGHT,
    Toolchain,
    ToolchainError,
    brought,
    check_provider,
    explain,
    find_mirror,
    find_terraform,
)

PLATFORM = toolchain._platform()


@pytest.fixture(autouse=True)
def nothing_brought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hides the Terraform that may be in this checkout's cache."""
    monkeypatch.setattr(toolchain, "CACHE", tmp_path / "cache")


def fake_terraform(folder: Path, answer: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "terraform"
    program.write_text(f"#!/bin/sh\n{answer}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def mirror(folder: Path, version: str = "5.100.0", packed: bool = False) -> Path:
    provider = folder / toolchain.PROVIDER
    if packed:
        provider.mkdir(parents=True)
        (provider / f"terraform-provider-aws_{version}_{PLATFORM}.zip").touch()
    else:
        (provider / version / PLATFORM).mkdir(parents=True)
    return folder


def test_no_terraform_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        ToolchainError, match=r"Terraform 1\.9 or newer is needed and there is none"
    ):
        find_terraform({"PATH": str(tmp_path)})


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("""echo '{"terraform_version": "1.8.5"}'""", "is 1.8.5: install a newer one"),
        ("echo no", "does not answer `terraform version`"),
        ("exit 3", "does not answer `terraform version`"),
    ],
)
def test_unfit_terraform_is_a_sentence(tmp_path: Path, answer: str, sentence: str) -> None:
    fake_terraform(tmp_path / "bin", answer)

    with pytest.raises(ToolchainError) as raised:
        Toolchain.find(tmp_path, {"PATH": str(tmp_path / "bin")})

    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("answer", ["", """echo '{"terraform_version": "1.8.5"}'""", "exit 3"])
def test_the_brought_terraform_is_for_whoever_has_none(tmp_path: Path, answer: str) -> None:
    fake_terraform(brought(BROUGHT).parent, """echo '{"terraform_version": "1.11.4"}'""")
    if answer:
        fake_terraform(tmp_path / "bin", answer)

    found = find_terraform({"PATH": str(tmp_path / "bin")})

    assert found == (brought(BROUGHT), (1, 11, 4))


def test_the_brought_terraform_is_for_nobody_else(tmp_path: Path) -> None:
    fake_terraform(brought(BROUGHT).parent, """echo '{"terraform_version": "1.11.4"}'""")
    own = fake_terraform(tmp_path / "bin", """echo '{"terraform_version": "1.9.0"}'""")

    assert find_terraform({"PATH": str(tmp_path / "bin")}) == (own, (1, 9, 0))


def test_a_release_candidate_is_a_version(tmp_path: Path) -> None:
    fake_terraform(tmp_path / "bin", """echo '{"terraform_version": "1.12.0-rc1"}'""")

    assert Toolchain.find(tmp_path, {"PATH": str(tmp_path / "bin")}).version == (1, 12, 0)


def test_the_mirror_is_looked_for_in_order(tmp_path: Path) -> None:
    named = mirror(tmp_path / "named")
    home = mirror(tmp_path / "home/.terraform.d/plugins")
    data = mirror(tmp_path / "data/terraform/plugins", packed=True)
    standard = mirror(tmp_path / "prefix/any-name")
    environ = {"HOME": str(tmp_path / "home"), "XDG_DATA_HOME": str(tmp_path / "data")}
    environ["XDG_DATA_DIRS"] = str(tmp_path / "nowhere")
    empty = {"HOME": str(tmp_path / "nowhere"), "XDG_DATA_DIRS": str(tmp_path / "nowhere")}
    prefixes = [tmp_path / "nowhere", tmp_path / "prefix"]

    assert find_mirror({**environ, toolchain.MIRROR_VARIABLE: str(named)}, prefixes) == named
    assert find_mirror(environ, prefixes) == home
    if os.uname().sysname == "Linux":
        assert find_mirror({**environ, "HOME": str(tmp_path)}, prefixes) == data
    assert find_mirror(empty, prefixes) == standard
    assert find_mirror(empty, []) is None


@pytest.mark.parametrize("packed", [False, True])
def test_a_mirror_of_another_version_is_none(tmp_path: Path, packed: bool) -> None:
    mirror(tmp_path / "any", "6.69.1", packed)

    assert find_mirror({"HOME": "/nowhere", "XDG_DATA_DIRS": "/nowhere"}, [tmp_path]) is None


def test_a_mirror_for_another_machine_is_none(tmp_path: Path) -> None:
    (tmp_path / "any" / toolchain.PROVIDER / "5.100.0" / "plan9_mips").mkdir(parents=True)

    assert find_mirror({"HOME": "/nowhere", "XDG_DATA_DIRS": "/nowhere"}, [tmp_path]) is None


def test_a_named_mirror_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        ToolchainError,
        match=r"names .*, where there is no registry\.terraform\.io\S+ 5\.100\.0 for",
    ):
        find_mirror({toolchain.MIRROR_VARIABLE: str(tmp_path)}, [])


def test_the_unpacked_provider_is_overridden_except_for_init(tmp_path: Path) -> None:
    fake_terraform(tmp_path / "bin", """echo '{"terraform_version": "1.9.0"}'""")
    folder = mirror(mirror(tmp_path / "a ${mirror}", "6.69.1"), "5.100.0")
    environ = {"PATH": str(tmp_path / "bin"), toolchain.MIRROR_VARIABLE: str(folder)}

    tools = Toolchain.find(tmp_path, environ)

    assert "dev_overrides" not in tools.init_config.read_text()
    assert f"a $${{mirror}}/{toolchain.PROVIDER}/5.100.0/" in tools.run_config.read_text()


def test_the_registry_is_asked_for_the_version_that_is_run(tmp_path: Path) -> None:
    program = fake_terraform(tmp_path / "bin", "grep -q 5.100.0 .terraform.lock.hcl")
    tools = Toolchain(program, (1, 9, 0), None, tmp_path / "i", tmp_path / "r")

    check_provider(tools)

    fake_terraform(tmp_path / "bin", "exit 1")
    with pytest.raises(ToolchainError, match=r"mirrors version 5\.100\.0"):
        check_provider(tools)


def test_without_a_mirror_the_registry_is_asked_once() -> None:
    text = toolchain._cli_config(None, overridden=True)

    assert "plugin_cache_dir" in text, "Every init would download the provider again."
    assert text.endswith("provider_installation {\n  direct {}\n}\n"), (
        "A mirror that holds only other versions would hide the registry."
    )


def test_nothing_of_the_machine_s_settings_leaks(tmp_path: Path) -> None:
    tools = Toolchain(Path("t"), (1, 9, 0), None, tmp_path / "i", tmp_path / "r")
    machine = {"PATH": "/bin", "AWS_PROFILE": "prod", "TF_VAR_name": "x", "TF_LOG": "TRACE"}

    environment = tools.environment({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, machine)

    assert environment.items() >= {"PATH": "/bin", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}.items()
    assert (
        environment["AWS_CONFIG_FILE"] == environment["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"
    )
    assert not {"AWS_PROFILE", "TF_VAR_name", "TF_LOG"} & set(environment)


def test_a_provider_that_cannot_be_had_is_explained() -> None:
    words = "Error: Failed to query available provider packages\n\nCould not retrieve the list"

    assert "S3_DR_PROVIDER_MIRROR" in str(explain(words))
    assert explain("Error: Unsupported argument") is None
