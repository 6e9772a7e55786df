"""Tests that are left out while nothing changed: when they are, and when a run proves anything."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

CONFTEST = """
    from harness.unchanged import Unchanged

    def pytest_addoption(parser):
        parser.addoption("--local-aws", action="store_true")

    def pytest_configure(config):
        watched = ["thing", "pins.txt"]
        stamp = config.rootpath / ".cache" / "stamp"
        config.pluginmanager.register(Unchanged(config, "thing/tests", watched, stamp))
"""
INI = """
    [pytest]
    addopts = --import-mode=importlib -p no:hypothesispytest
    testpaths = thing/tests tests
"""
PASSING = "def test_one(): pass\ndef test_two(): pass\n"


class Project:
    """A small project with the plugin: three tests of a thing, and one other test."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester
        self.root = pytester.path
        pytester.makeconftest(CONFTEST)
        pytester.makeini(INI)
        self.write("pins.txt", "a==1\n")
        self.write("thing/code.py", "answer = 1\n")
        self.write("thing/tests/test_a.py", PASSING)
        self.write("thing/tests/test_b.py", "def test_three(): pass\n")
        self.write("tests/test_other.py", "def test_other(): pass\n")

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def run(self, *arguments: str) -> pytest.RunResult:
        return self._pytester.runpytest_inprocess(*arguments)

    def passed(self, *arguments: str) -> int:
        """How many tests passed in a run."""
        return int(self.run(*arguments).parseoutcomes().get("passed", 0))

    @property
    def proven(self) -> bool:
        return (self.root / ".cache" / "stamp").exists()


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("CI", raising=False)
    return Project(pytester)


def test_what_passed_is_left_out_and_said(project: Project) -> None:
    assert project.passed() == 4
    assert project.proven

    again = project.run()

    assert again.parseoutcomes()["passed"] == 1
    again.stdout.fnmatch_lines(["Left out: thing/tests, *make test ARGS=--local-aws"])


def test_workers_of_xdist_agree(project: Project) -> None:
    assert project.passed("-n", "1") == 4
    assert project.proven
    assert project.passed("-n", "1") == 1


def test_what_is_asked_for_is_run(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.run()
    assert project.passed("--local-aws") == 4
    assert project.passed("thing/tests/test_b.py") == 1
    assert project.passed("thing/tests") == 3
    monkeypatch.setenv("CI", "true")
    assert project.passed() == 4


@pytest.mark.parametrize("changed", ["thing/code.py", "thing/new.json", "pins.txt"])
def test_a_change_has_them_run_again(project: Project, changed: str) -> None:
    project.run()
    project.write(changed, "a==2\n")
    assert project.passed() == 4
    assert project.passed() == 1


def test_a_change_elsewhere_does_not(project: Project) -> None:
    project.run()
    project.write("tests/test_other.py", PASSING)
    assert project.passed() == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["-k", "one or two or three"],
        ["thing/tests"],
        ["thing/tests/test_a.py::test_one", "thing/tests/test_b.py"],
        ["--deselect", "thing/tests/test_a.py::test_one"],
        ["--ignore", "thing/tests/test_b.py"],
        ["-x"],
        ["--lf"],
        ["--collect-only"],
        ["--setup-only"],
    ],
)
def test_a_narrowed_run_proves_nothing(project: Project, arguments: list[str]) -> None:
    project.run(*arguments)
    assert not project.proven


def test_options_from_the_environment_prove_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k one")
    project.run()
    assert not project.proven


BAD = {
    "fails": "def test_three(): assert False\n",
    "is skipped": "import pytest\ndef test_three(): pytest.skip('not today')\n",
    "cannot be collected": "import nowhere\n",
    "fails at its end": (
        "import pytest\n"
        "@pytest.fixture\n"
        "def broken():\n    yield\n    assert False\n"
        "def test_three(broken): pass\n"
    ),
    "ends the run after it": (
        "import pytest\n"
        "@pytest.fixture(scope='session')\n"
        "def broken():\n    yield\n    pytest.exit('enough')\n"
        "def test_three(broken): pass\n"
    ),
    "ends the run": "import pytest\ndef test_three(): pytest.exit('enough', returncode=0)\n",
    "takes the process with it": "import os\ndef test_three(): os._exit(0)\n",
    "changes what is tested": (
        "import pathlib\n"
        "def test_three():\n"
        "    (pathlib.Path(__file__).parents[1] / 'code.py').write_text('answer = 2')\n"
    ),
}


@pytest.mark.parametrize("how", [how for how in BAD if "process" not in how])
def test_one_that_is_bad_proves_nothing(project: Project, how: str) -> None:
    project.write("thing/tests/test_b.py", BAD[how])
    project.run()
    assert not project.proven


@pytest.mark.parametrize("how", ["cannot be collected", "takes the process with it"])
def test_one_that_is_bad_in_a_worker_proves_nothing(project: Project, how: str) -> None:
    project.write("thing/tests/test_b.py", BAD[how])
    project.run("-n", "1")
    assert not project.proven


def test_a_red_test_elsewhere_does_not_matter(project: Project) -> None:
    project.write("tests/test_other.py", BAD["fails"])
    project.run()
    assert project.proven


def test_one_red_test_takes_the_proof_away(project: Project) -> None:
    """Whatever the files say: what failed once is looked at again."""
    moody = "import os\ndef test_three(): assert 'RED' not in os.environ\n"
    project.write("thing/tests/test_b.py", moody)
    project.run()
    assert project.proven
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RED", "1")
        project.run("thing/tests/test_b.py")
    assert not project.proven
    assert project.passed() == 4


def test_no_tests_prove_nothing(project: Project) -> None:
    for path in (project.root / "thing" / "tests").iterdir():
        path.unlink()
    project.run()
    assert not project.proven
