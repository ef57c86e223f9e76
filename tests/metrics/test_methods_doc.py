"""docs/methods.md says what methods there are, all of them and nothing else, with the numbers and the sources of the code."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Literal, get_args, get_origin

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "methods.md").read_text("utf-8")
DEVELOPERS = (ROOT / "docs" / "developers.md").read_text("utf-8")
SECTIONS: dict[str, str] = dict(re.findall(r"^### `(\w+)`.*?\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
EACH = pytest.mark.parametrize("name", SECTIONS)

YEAR = r"(?:1[89]\d\d|20[0-2]\d)"
SOURCES = (
    rf"\b[A-Z]\w+(?:['’]s)?(?: et al\.)?,? \(?{YEAR}\b",  # the last author and the year
    r"doi:10\.[\w./()-]*\w",
    r"\b(?:ISO|GB/T) \d+(?:[.-]\d)?(?:[-:]\d{4})?",
    r"(?:metrics\.md )?\b[FQTW]-\d\d\b",  # entries of the catalogue
    r"\bSHRM\b", r"\bSAS/STAT\b", r"\bMontgomery\b", r"\bProducer Price Index Manual\b",
)  # fmt: skip


def method(name: str) -> ModuleType:
    return importlib.import_module(f"metrics.{name}")


def public(module: ModuleType) -> dict[str, type | object]:
    """The functions and classes that a module defines for others, by name."""
    members = {name: thing for name, thing in vars(module).items() if inspect.isfunction(thing) or inspect.isclass(thing)}
    return {name: thing for name, thing in members.items() if not name.startswith("_") and thing.__module__ == module.__name__}


def words(module: ModuleType) -> Iterator[str]:
    """What a paragraph on a module may write as code: its names, parameters, fields, methods, constants and closed sets."""
    yield from public(module)
    for name, thing in vars(module).items():
        if name.isupper():
            yield name
        elif get_origin(thing) is Literal:
            yield from get_args(thing)
    for thing in public(module).values():
        if inspect.isclass(thing):
            yield from (name for name in dir(thing) if not name.startswith("_"))
            yield from getattr(thing, "__dataclass_fields__", ())
        elif inspect.isfunction(thing):
            yield from inspect.signature(thing).parameters


def docstrings(module: ModuleType) -> str:
    """All that its docstrings say, doctests left out, in one line."""
    things = [module, *public(module).values()]
    things += [part for thing in things if inspect.isclass(thing) for part in vars(thing).values() if inspect.isfunction(part)]
    lines = [line for thing in things for line in (inspect.getdoc(thing) or "").splitlines()]
    return " ".join(line.strip() for line in lines if not line.lstrip().startswith((">>>", "...")))


def sources(text: str) -> set[str]:
    """Papers, standards and catalogue entries named in a text."""
    found = [match for pattern in SOURCES for match in re.findall(pattern, re.sub(r"\s+", " ", text))]
    return {re.sub(r"['’]s|et al\.|[,(]|metrics\.md ", "", match).replace("  ", " ") for match in found}


def test_every_method_file_has_its_section() -> None:
    listed = re.search(r"^methods \(\[methods\.md\]\(methods\.md\)\): (.*?)\.$", DEVELOPERS, re.MULTILINE | re.DOTALL)
    assert listed is not None
    named = re.findall(r"`(\w+)\.py`", listed[1])
    assert sorted(named) == sorted(SECTIONS)
    table = re.findall(r"`(\w+)`", "".join(line for line in PAGE.splitlines() if line.startswith("| [")))
    assert table == list(SECTIONS)


def test_every_file_of_metrics_is_named_to_developers() -> None:
    part = DEVELOPERS.partition("\n## metrics/\n")[2].partition("\n## ")[0]
    files = {file.name for file in (ROOT / "metrics").glob("*.py")} - {"__init__.py"}
    assert files == set(re.findall(r"`(\w+\.py)`", part))


@EACH
def test_every_public_name_is_explained(name: str) -> None:
    bold = {word for names in re.findall(r"\*\*(`\w+`(?:, `\w+`)*)\*\*", SECTIONS[name]) for word in re.findall(r"\w+", names)}
    assert bold == set(public(method(name)))


@EACH
def test_nothing_is_named_that_is_not_there(name: str) -> None:
    known = {*words(method(name)), *SECTIONS}
    for word in re.findall(r"`([^`]+)`", SECTIONS[name]):
        other, dot, part = word.partition(".")
        assert word in known or (dot and part in public(method(other))), word


@EACH
def test_numbers_are_those_of_the_code(name: str) -> None:
    for constant, value in re.findall(r"`([A-Z_0-9]+)`\s+=\s+([\d.]*\d)", SECTIONS[name]):
        assert getattr(method(name), constant) == float(value), constant


@EACH
def test_sources_are_those_of_the_docstrings(name: str) -> None:
    said, meant = sources(SECTIONS[name]), sources(docstrings(method(name)))
    missing = {source for source in meant if not any(one.startswith(source) for one in said)}  # “ISO 2859-1” is “ISO 2859-1:1999” too
    assert missing == set(), "named by a docstring, missing from the page"
    assert said - meant == set(), "named by the page, by no docstring"


@EACH
def test_each_section_is_for_a_reader(name: str) -> None:
    section = SECTIONS[name]
    assert "**Trap**" in section
    assert "\nSources: " in section
    head = re.search(rf"^### `{name}`.*$", PAGE, re.MULTILINE)
    assert head is not None
    assert re.search(r"[\u4e00-\u9fff]", head[0])


def test_the_checks_can_fail() -> None:
    assert sources("Wright's (1936) and Gaynor et al. 1993, JASA; metrics.md W-03, W-04") == {"Wright 1936", "Gaynor 1993", "W-03", "W-04"}
    assert sources("doi:10.1080/01621459.1973.10481332): ISO 2859-1:1999 = GB/T 2828.1-2012, 9.3") == {
        "doi:10.1080/01621459.1973.10481332", "ISO 2859-1:1999", "GB/T 2828.1-2012",
    }  # fmt: skip
    assert "wilson" in public(method("intervals"))
    assert "numbered" not in public(method("agreement"))
