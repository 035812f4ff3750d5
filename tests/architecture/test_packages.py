"""Packages and what they may import: the table of docs/architecture.md holds."""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db.models import Field

from bots.config.bot_config import LIST_FIELDS, BotConfig
from bots.models import Bot

ROOT = Path(settings.BASE_DIR)
APPS = ("bots", "calls", "voicebot")
MODULES_IN_A_PACKAGE = 15
LINES_IN_A_FUNCTION = 40
FLAT_MODULES = {"calls": 12, "bots": 8}
PURE_LIBRARIES = {
    "pybase64",
    "numpy",
    "diff_match_patch",
    "babel",
    "holidays",
    "jsonschema",
    "phonenumbers",
}
CLOCKS_AND_LOOPS = {"asyncio", "time", "socket", "threading", "random", "secrets"}

TABLE = (ROOT / "docs/architecture.md").read_text()
ROWS = re.findall(r"^\| (\d+) \| `([\w.]+)` \| (yes)? *\|", TABLE, re.MULTILINE)
FLOORS = {name: int(floor) for floor, name, _ in ROWS}
PURE_PACKAGES = {name for _, name, pure in ROWS if pure}


def listed(after: str) -> set[str]:
    """The modules that a paragraph of the document names."""
    paragraph = TABLE.partition(after)[2].partition("\n\n")[0]
    return set(re.findall(r"`([\w.]+)`", paragraph))


PURE_MODULES = listed("Pure modules in packages that are not pure as a whole:")
NOT_PURE = listed("Modules that are not pure in packages that are:")


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


FILES = [
    path
    for app in APPS
    for path in (ROOT / app).rglob("*.py")
    if "migrations" not in path.parts
]
MODULES = {name_of(path): path for path in FILES}


def imports(path: Path) -> Iterator[str]:
    """Absolute names of all that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            package = ".".join(path.relative_to(ROOT).parent.parts)
            yield f"{package}.{node.module}" if node.module else package
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else node.module


def package_of(module: str) -> str:
    """The row of the table that a module belongs to."""
    app, *rest = module.split(".")
    if app == "voicebot" or not rest:
        return app
    if rest[0] == "management":
        return f"{app}.commands"
    return f"{app}.{rest[0]}"


@cache
def arrows() -> dict[str, set[str]]:
    """The packages that each package imports."""
    found: dict[str, set[str]] = defaultdict(set)
    for module, path in MODULES.items():
        for imported in imports(path):
            ours = imported.partition(".")[0] in APPS
            if ours and package_of(module) != package_of(imported):
                found[package_of(module)].add(package_of(imported))
    return found


def is_pure(module: str) -> bool:
    return module not in NOT_PURE and (
        module in PURE_MODULES or package_of(module) in PURE_PACKAGES
    )


def test_the_table_names_all_packages_and_no_others() -> None:
    packages = {package_of(module) for module in MODULES} - {"bots", "calls"}
    assert set(FLOORS) == packages
    assert set(MODULES) >= PURE_MODULES | NOT_PURE


@pytest.mark.parametrize("package", sorted(FLOORS))
def test_a_package_imports_lower_floors_only(package: str) -> None:
    assert not {
        name for name in arrows()[package] if FLOORS[name] >= FLOORS[package]
    }, f"{package} is on floor {FLOORS[package]}"


def test_bots_never_import_calls() -> None:
    assert not [
        (package, name)
        for package, names in arrows().items()
        for name in names
        if package.startswith("bots") and name.startswith("calls")
    ]


@pytest.mark.parametrize("module", sorted(filter(is_pure, MODULES)))
def test_a_pure_module_imports_nothing_that_does_io(module: str) -> None:
    for name in imports(MODULES[module]):
        top = name.partition(".")[0]
        if top in APPS:
            assert is_pure(name) or package_of(name) in PURE_PACKAGES, name
        else:
            assert top in sys.stdlib_module_names | PURE_LIBRARIES, name
            assert top not in CLOCKS_AND_LOOPS, name


def test_packages_stay_small() -> None:
    sizes: dict[Path, int] = defaultdict(int)
    for path in FILES:
        if path.name != "__init__.py" and path.parent.name != "commands":
            sizes[path.parent.relative_to(ROOT)] += 1
    for app, most in FLAT_MODULES.items():
        assert sizes.pop(Path(app)) <= most
    assert {str(path): n for path, n in sizes.items() if n > MODULES_IN_A_PACKAGE} == {}


def test_functions_stay_short() -> None:
    long = {
        f"{name_of(path)}.{node.name}": length
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > LINES_IN_A_FUNCTION
    }
    assert long == {}


def test_every_setting_of_a_bot_is_read_by_the_running_system() -> None:
    """A field only the admin knows would be a switch that does nothing."""
    shown = ("bots.models", "bots.admin", "bots.advice", "bots.sandbox")
    read = {
        node.attr
        for module, path in MODULES.items()
        if not module.startswith((*shown, "bots.config_builder"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
    }
    unread = {field.name for field in editable_fields()} - read
    # Read in a query, by keyword; as one of the people to transfer to.
    assert unread - {"is_default", "transfer_number"} == set()


def test_a_call_runs_with_every_setting_of_its_bot() -> None:
    resolved = {*BotConfig.__dataclass_fields__, "is_active", "is_default"}
    assert {field.name for field in editable_fields()} == resolved - {*LIST_FIELDS}


def editable_fields() -> "list[Field[Any, Any]]":
    return [field for field in Bot._meta.concrete_fields if field.editable][1:]
