from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import dmtui

ROOT = Path(dmtui.__file__).parent
BUILT_IN = sys.stdlib_module_names | {"__future__"}

ALLOWED = {
    "core": {"core"},
    "store": {"core"},
    "matrix": {"core", "nio", "aiohttp", "Crypto", "unpaddedbase64", "vodozemac"},
    "profile_key": {
        "core",
        "keyring",
        "dmtui.matrix.sealing",
        "dmtui.matrix.thread",
        "dmtui.private_files",
        "dmtui.profile",
        "dmtui.session",
    },
    "messenger": {"core", "store", "messenger", "pictures", "markdown_it"},
    "pictures": {"core", "PIL", "textual_image"},
    "ui/widgets": {"core", "ui.widgets", "textual", "rich", "segno"},
    "ui": {"core", "messenger", "ui", "textual", "rich", "emoji"},
}
"""What the modules of a package may import besides the standard library and each other."""

MODULES = sorted(file.relative_to(ROOT) for file in ROOT.rglob("*.py"))


def package_of(module: Path) -> str | None:
    path = module.as_posix()
    owners = [package for package in ALLOWED if path.startswith(f"{package}/")]
    return max(owners, key=len, default=None)


@cache
def parsed(module: Path) -> ast.Module:
    return ast.parse((ROOT / module).read_text("utf-8"))


@cache
def imported(module: Path) -> tuple[str, ...]:
    found: list[str] = []
    for node in ast.walk(parsed(module)):
        match node:
            case ast.Import(names=names):
                found += [alias.name for alias in names]
            case ast.ImportFrom(module=str(name), level=0, names=names):
                found += [f"{name}.{alias.name}" for alias in names]
            case ast.ImportFrom():
                found.append("a relative import")
    return tuple(found)


def is_allowed(name: str, package: str) -> bool:
    own = f"dmtui.{package.replace('/', '.')}"
    roots = [own]
    for allowed in ALLOWED[package]:
        ours = (ROOT / allowed.replace(".", "/")).is_dir()
        roots.append(f"dmtui.{allowed}" if ours else allowed)
    return (
        name.partition(".")[0] in BUILT_IN
        or name == "dmtui.__version__"
        or any(name == root or name.startswith(f"{root}.") for root in roots)
    )


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_imports_only_what_its_layer_may(module: Path) -> None:
    package = package_of(module)
    if package is not None:
        assert [name for name in imported(module) if not is_allowed(name, package)] == []


@pytest.mark.parametrize("library", ["nio", "vodozemac"])
def test_only_the_matrix_package_imports_the_crypto_library(library: str) -> None:
    importers = {
        package_of(module)
        for module in MODULES
        if any(name.partition(".")[0] == library for name in imported(module))
    }
    assert importers <= {"matrix"}


def test_only_the_package_of_the_key_imports_the_keyring() -> None:
    importers = {
        package_of(module)
        for module in MODULES
        if any(name.partition(".")[0] == "keyring" for name in imported(module))
    }
    assert importers == {"profile_key"}


FORBIDDEN_IN_CORE = {
    "asyncio", "http", "logging", "multiprocessing", "os", "pathlib", "random", "secrets", "shutil",
    "socket", "sqlite3", "subprocess", "tempfile", "threading", "time", "urllib",
}  # fmt: skip


@pytest.mark.parametrize("module", [m for m in MODULES if package_of(m) == "core"], ids=str)
def test_the_core_neither_waits_nor_reads_nor_looks_at_a_clock(module: Path) -> None:
    names = [n for n in imported(module) if not n.startswith("urllib.parse")]  # asks nobody
    assert {name.partition(".")[0] for name in names}.isdisjoint(FORBIDDEN_IN_CORE)
    tree = parsed(module)
    coroutines = [n for n in ast.walk(tree) if isinstance(n, ast.AsyncFunctionDef | ast.Await)]
    assert module.name == "ports.py" or coroutines == []
    called = {
        n.func.id
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    }
    assert called.isdisjoint({"open", "print", "input"})
    attributes = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    assert attributes.isdisjoint({"now", "utcnow", "today"})


def loaded_after(code: str, *arguments: str) -> set[str]:
    report = "import sys; print('\\n'.join(sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.split())


HEAVY = {"nio", "textual", "aiohttp", "rich", "segno", "markdown_it", "keyring"}


def test_the_messenger_loads_neither_the_network_nor_the_screen() -> None:
    loaded = loaded_after("import dmtui.messenger.messenger")
    assert "dmtui.store.store" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_images_are_decoded_by_another_process_alone() -> None:
    loaded = loaded_after("import dmtui.messenger.messenger, dmtui.ui.app, dmtui.ui.screens.main")
    assert "dmtui.ui.screens.image_viewer" in loaded
    assert loaded.isdisjoint({"PIL", "textual_image"})


def test_the_key_of_a_profile_costs_the_start_neither_keyring_nor_cipher() -> None:
    loaded = loaded_after("import dmtui.profile_key.profile_key, dmtui.session, dmtui.compose")
    assert "dmtui.profile_key.system_keyring" in loaded
    assert loaded.isdisjoint({"keyring", "Crypto", "nio", "aiohttp"})


def test_the_version_is_told_without_loading_anything_else() -> None:
    code = """
from dmtui.__main__ import main
try:
    main(["--version"])
except SystemExit as end:
    assert end.code == 0
"""
    loaded = loaded_after(code)
    assert loaded.isdisjoint(HEAVY | {"asyncio", "sqlite3", "platformdirs", "dmtui.core.model"})


def test_every_module_says_what_it_is_in_its_first_line() -> None:
    silent = [
        str(module)
        for module in MODULES
        if parsed(module).body and not ast.get_docstring(parsed(module))
    ]
    assert silent == []
