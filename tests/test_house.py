"""The shape of the house: who may import whom, where things stand, what the store and its licences say."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest

from data.store import Store
from tests.conftest import SLOW

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ("data", "metrics", "pages", "dashboard")  # from the ground up
PRODUCT = ("dashboard.py", "data", "metrics", "pages")


def sources(*places: str) -> list[Path]:
    """The Python files under these places, in order."""
    found = (ROOT / place for place in places)
    return [file for place in found for file in ([place] if place.is_file() else sorted(place.rglob("*.py")))]


def module(file: Path) -> str:
    """The dotted name of a file of this repository."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> frozenset[str]:
    return frozenset(module(file) for file in sources(*PRODUCT))


def imported(node: ast.AST, package: str) -> Iterator[str]:
    """The modules that an import statement names; `from data import load` names data.load where that is a module."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        base = ".".join([*above, *([node.module] if node.module else [])])
        yield from ({f"{base}.{alias.name}" if f"{base}.{alias.name}" in modules() else base for alias in node.names})


@cache
def imports(file: Path, top: bool = False) -> frozenset[str]:
    """What a file imports anywhere, or only while it is itself imported (`top`): neither in functions nor for the type checker."""
    name = module(file)
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]

    def walk(node: ast.AST) -> Iterator[str]:
        for child in ast.iter_child_nodes(node):
            if top and isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                continue
            if top and isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            yield from imported(child, package)
            yield from walk(child)

    return frozenset(walk(ast.parse(file.read_text(encoding="utf-8"))))


# Floors ------------------------------------------------------------------------------------------------------------------
def test_there_is_a_house_to_walk() -> None:
    assert {"data.store", "data.load", "metrics.query", "pages.app", "dashboard"} <= modules()
    assert "data.load" in imports(ROOT / "data" / "push.py")
    assert "streamlit" in imports(ROOT / "pages" / "app.py")


@pytest.mark.parametrize("floor", ["data", "metrics"])
def test_no_streamlit_below_the_pages(floor: str) -> None:
    guilty = [module(file) for file in sources(floor) if any(name.split(".")[0] == "streamlit" for name in imports(file))]
    assert guilty == []


def test_no_arrow_goes_up() -> None:
    up = [
        f"{module(file)} → {name}"
        for height, floor in enumerate(FLOORS[:-1])
        for file in sources(floor)
        for name in sorted(imports(file))
        if name.split(".")[0] in FLOORS[height + 1 :]
    ]
    assert up == []


def test_the_product_imports_no_test_and_no_benchmark() -> None:
    assert [module(file) for file in sources(*PRODUCT) if any(name.split(".")[0] in ("tests", "bench") for name in imports(file))] == []


def test_no_cycle_while_importing() -> None:
    graph = {module(file): {name for name in imports(file, top=True) if name in modules()} - {module(file)} for file in sources(*PRODUCT)}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " → ".join((*path[path.index(name) :], name))
        if name not in done:
            for below in sorted(graph.get(name, ())):
                visit(below, (*path, name))
            done.add(name)

    for name in sorted(graph):
        visit(name, ())


def test_no_plotly_express() -> None:
    assert [module(file) for file in sources(*PRODUCT) if any(name.startswith("plotly.express") for name in imports(file))] == []


def test_no_screen_lies_directly_in_pages() -> None:
    """Streamlit would serve such a file without the router, and so without sign-in."""
    assert sorted(file.name for file in (ROOT / "pages").glob("*.py")) == ["__init__.py", "app.py"]


def test_files_are_nouns() -> None:
    vague = re.compile(r"utils?|helpers?|manager|misc|common")
    assert [module(file) for file in sources(*PRODUCT, "tests", "bench") if vague.fullmatch(file.stem)] == []


def test_slow_files_are_there() -> None:
    assert sorted(name for name in SLOW if not (ROOT / "tests" / name).is_file()) == []


# What the product stands on ----------------------------------------------------------------------------------------------
INDIRECT = {
    "argon2-cffi-bindings": "held back for its wheels",
    "plotly": "st.plotly_chart imports it",
    "pytz": "DuckDB returns instants with a zone through it",
    "uvloop": "uvicorn takes it where it is",
    "tzdata": "zones where the system has none",
}


def requirements(name: str) -> set[str]:
    """The distributions that a list names, in normal form."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    found = (re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line) for line in lines)
    return {re.sub(r"[-_.]+", "-", match[0]).lower() for match in found if match}


def third_party(*places: str) -> set[str]:
    """The distributions that the files under these places import."""
    names = {name.split(".")[0] for file in sources(*places) for name in imports(file)}
    foreign = names - set(sys.stdlib_module_names) - {"data", "metrics", "pages", "dashboard", "tests", "bench", "__future__"}
    known = metadata.packages_distributions()
    return {re.sub(r"[-_.]+", "-", known[name][0]).lower() for name in foreign}


def test_the_list_of_requirements_is_what_the_product_imports() -> None:
    assert requirements("requirements.in") == third_party(*PRODUCT) | set(INDIRECT)


def test_tests_and_benchmarks_import_nothing_unlisted() -> None:
    assert third_party("tests", "bench") - requirements("requirements-dev.in") - requirements("requirements.in") == set()


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_locks_are_complete(name: str) -> None:
    assert requirements(f"{name}.in") <= requirements(f"{name}.txt")
    text = (ROOT / f"{name}.txt").read_text(encoding="utf-8")
    pins = re.findall(r"^[a-z0-9][^ \n]*.*(?:\n    --hash=\S+.*)*", text, re.MULTILINE)
    assert [pin.splitlines()[0] for pin in pins if "==" not in pin.splitlines()[0] or "--hash=sha256:" not in pin] == []
    assert re.findall(r"https?://|--(?:extra-)?index-url|--find-links|file:", text) == []


def test_both_locks_agree() -> None:
    versions = [dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", (ROOT / f"{name}.txt").read_text(), re.MULTILINE)) for name in ("requirements", "requirements-dev")]  # fmt: skip
    assert versions[0].items() <= versions[1].items()


FORBIDDEN = re.compile(r"(?<!L)A?GPL|(?<!Lesser )General Public License|Affero", re.IGNORECASE)
EXEMPT = re.compile(r"GPL-[\d.]+(-or-later|-only)? WITH GCC-exception-[\d.]+", re.IGNORECASE)  # the compiler's own runtime, free to ship


@pytest.mark.parametrize("name", sorted(requirements("requirements.txt")))
def test_no_package_is_under_a_licence_that_binds_ours(name: str) -> None:
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        pytest.skip(f"{name} is for another system")
    said = [about.get("License-Expression") or "", *(c for c in about.get_all("Classifier") or [] if c.startswith("License"))]
    said = [text for text in said if text] or [(about.get("License") or "").splitlines()[0] if about.get("License") else ""]
    assert any(said), f"{name} does not say its licence"
    assert [text for text in said if FORBIDDEN.search(EXEMPT.sub("", text))] == []


# The store ---------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("house") / "s.duckdb") as made:
        yield made


def test_every_table_and_column_is_explained(store: Store) -> None:
    tables = store.rows("SELECT table_name, comment FROM duckdb_tables() WHERE NOT temporary AND NOT internal")
    columns = store.rows(
        "SELECT table_name || '.' || column_name, comment FROM duckdb_columns() WHERE NOT internal AND schema_name = 'main'"
    )
    assert len(tables) > 30
    assert len(columns) > 300
    assert [name for name, comment in [*tables, *columns] if not (comment or "").strip()] == []


def test_a_backup_keeps_the_explanations(store: Store, tmp_path: Path) -> None:
    with Store(store.backup(tmp_path / "b.duckdb"), create=False) as copy:
        assert copy.rows("SELECT count(*) FROM duckdb_columns() WHERE NOT internal AND schema_name = 'main' AND comment IS NULL") == [(0,)]


def test_money_counts_and_durations_are_exact(store: Store) -> None:
    """Nothing that is paid or added up is a float."""
    kinds = "SELECT table_name || '.' || column_name FROM duckdb_columns() WHERE schema_name = 'main' AND data_type IN ('FLOAT', 'DOUBLE')"
    assert store.rows(kinds) == []
