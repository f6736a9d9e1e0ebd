"""Wheel, sdist and offline bundle: built twice with the same bytes, with what belongs in them, and installed without
a registry on every Python that estui is for."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

pytestmark = pytest.mark.docs

VERSIONS = ("3.11", "3.12", "3.13")
SHARED = (
    "share/man/man1/estui.1",
    "share/bash-completion/completions/estui",
    "share/zsh/site-functions/_estui",
    "share/fish/vendor_completions.d/estui.fish",
)


def run(*command: str | Path, cwd: Path | None = None, **environment: str) -> str:
    """A command's output. Fails where it does."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYENV_VERSION")}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**kept, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def python_of(version: str) -> str | None:
    """A Python of that release on this machine."""
    found = shutil.which(f"python{version}")
    kept = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"))
    for candidate in (found, *map(str, kept), sys.executable):
        words = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
        told = subprocess.run([candidate or "false", "-c", words], capture_output=True, text=True, check=False)
        if told.stdout.strip() == version:
            return candidate
    return None


def copied(target: Path) -> Path:
    """The sources as somebody else has them: in another place, touched at another time."""
    ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", "*.egg-info")
    shutil.copytree(ROOT, target, ignore=ignored)
    for path in target.rglob("*"):
        os.utime(path, (1_700_000_000 + len(str(target)),) * 2)
    return target


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Folders with a wheel and an sdist each, built from two copies of the sources."""
    folder = tmp_path_factory.mktemp("builds")
    run(sys.executable, "-m", "venv", folder / "venv")
    run(folder / "venv/bin/pip", "install", "--quiet", "hatchling")
    made = []
    for name in ("first", "a-second-one"):
        target = folder / f"{name}-made"
        source = copied(folder / name)
        run(folder / "venv/bin/python", "-m", "hatchling", "build", "-d", target, cwd=source, SOURCE_DATE_EPOCH="0")
        made.append(target)
    return made


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked offline bundle."""
    folder = tmp_path_factory.mktemp("offline")
    print(run(ROOT / "packaging/offline-bundle", folder / "estui-offline.tar.gz"))  # noqa: T201 - what the log says
    with tarfile.open(folder / "estui-offline.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder / "estui-offline"


def test_two_builds_are_the_same_bytes(builds: list[Path]) -> None:
    first, second = ({path.name: path.read_bytes() for path in made.iterdir()} for made in builds)
    assert sorted(first) == sorted(second)
    assert len(first) == 2
    assert [name for name in first if first[name] != second[name]] == []


def test_the_wheel_holds_the_program_and_what_goes_with_it(builds: list[Path]) -> None:
    (wheel,) = builds[0].glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"estui"}
    assert "estui/tui/app.tcss" in names
    for place in SHARED:
        assert any(name.endswith(f".data/data/{place}") for name in names), place
    assert any(name.endswith("licenses/LICENSE") for name in names)
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "estui").rglob("*.py")}
    assert modules <= set(names)
    assert [name for name in names if "test" in name or "snapshot" in name or name.endswith(".pyc")] == []


def test_the_sdist_holds_what_a_distribution_builds_and_tests_with(builds: list[Path]) -> None:
    (sdist,) = builds[0].glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"estui/cli/main.py", "tests/conftest.py", "docs/secure.md", "packaging/offline-bundle", "hatch_build.py"}
    wanted |= {"README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "pyproject.toml", ".ci/run"}
    assert wanted <= names
    assert any(name.startswith("snapshots/") for name in names)
    assert [name for name in names if name.startswith(".git/") or "__pycache__" in name] == []


def test_the_bundle_names_what_is_in_it(bundle: Path) -> None:
    lines = [line.split("  ") for line in (bundle / "SHA256SUMS").read_text().splitlines()]
    named = {name: digest for digest, name in lines}
    assert named == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in bundle.glob("*.whl")}


@pytest.mark.parametrize("version", VERSIONS)
def test_it_is_installed_without_a_registry(version: str, bundle: Path, tmp_path: Path) -> None:
    """A plain virtual environment on each Python; the program runs, and its manual is where man looks."""
    python = python_of(version)
    if not python:
        pytest.skip(f"needs Python {version}")
    run(python, "-m", "venv", tmp_path / "venv")
    run(tmp_path / "venv/bin/pip", "install", "--quiet", "--no-index", "-f", bundle, "estui")
    told = run(tmp_path / "venv/bin/estui", "--version", cwd=tmp_path)
    assert f"Python {version}." in told
    assert "missing" not in told
    for place in SHARED:
        assert (tmp_path / "venv" / place).stat().st_size > 1000
    run(tmp_path / "venv/bin/estui", "doctor", "--rules", cwd=tmp_path)
    script = "import estui.tui.app, estui.engine, estui.sandbox.cluster"
    run(tmp_path / "venv/bin/python", "-W", "error::SyntaxWarning", "-c", script, cwd=tmp_path)


def test_pipx_installs_the_bundle(bundle: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    run(tmp_path / "venv/bin/pip", "install", "--quiet", "pipx")
    homes = {
        "PIPX_HOME": str(tmp_path / "home"),
        "PIPX_BIN_DIR": str(tmp_path / "bin"),
        "PIPX_MAN_DIR": str(tmp_path / "man"),
    }
    run(tmp_path / "venv/bin/pipx", "install", f"--pip-args=--no-index -f {bundle}", "estui", cwd=tmp_path, **homes)
    assert run(tmp_path / "bin/estui", "--version", cwd=tmp_path).startswith("estui ")
    assert (tmp_path / "man/man1/estui.1").exists()
