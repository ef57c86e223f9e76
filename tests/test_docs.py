"""The documents say what there is, all of it, and nothing else; in both languages alike."""

from __future__ import annotations

import argparse
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.routing import Route

from data import accounts, api, push, remote, signin
from data.codes import ROLES
from data.connectors import registry
from data.mapping import Mapping
from data.parser import parser as data_parser
from data.tables import TABLES
from data.writer import QueueFull
from metrics.__main__ import _parser as metrics_parser
from metrics.definitions import DIMENSIONS, REGISTRY
from metrics.scope import SMALLEST_GROUP, scope_for
from pages.ui import access, ask, drawing
from pages.ui.text import _, speaking

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
OPERATOR = {"en": ROOT / "docs" / "operator.md", "zh": ROOT / "docs" / "operator.zh.md"}
CONNECTORS = {"en": ROOT / "docs" / "connectors.md", "zh": ROOT / "docs" / "connectors.zh.md"}
GUIDE = {"en": ROOT / "docs" / "guide.en.md", "zh": ROOT / "docs" / "guide.zh.md"}
DOCS = [
    README,
    *OPERATOR.values(),
    *GUIDE.values(),
    *CONNECTORS.values(),
    *(ROOT / "docs" / f"{name}.md" for name in ("developers", "screens", "methods", "bench")),
]
PAIRS = pytest.mark.parametrize("pair", [OPERATOR, GUIDE, CONNECTORS], ids=["operator", "guide", "connectors"])
LANGUAGES = pytest.mark.parametrize("lang", ["en", "zh"])


def text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def rows(page: str) -> Iterator[list[str]]:
    """The rows of the tables in a page, cell by cell."""
    for line in page.splitlines():
        if line.startswith("| "):
            yield [cell.strip() for cell in line.strip().strip("|").split("|")]


def commands(page: str) -> list[str]:
    """Every `python -m data …` and `python -m metrics …` that a page shows."""
    shown = re.findall(r"^python -m (?:data|metrics) .*", page, re.MULTILINE) + re.findall(r"`(python -m (?:data|metrics) [^`]*)`", page)
    return [re.sub(r"\s+#.*", "", line) for line in shown]


def verbs(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    found = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(found[0].choices) if found else {}


# Links and pictures ------------------------------------------------------------------------------------------------------
def anchors(file: Path) -> set[str]:
    """The headings of a page as the links of GitHub name them."""
    heads = re.findall(r"^#+ (.+)$", text(file), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("file", DOCS, ids=lambda file: file.name)
def test_links_lead_somewhere(file: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", text(file), flags=re.DOTALL)):
        path, _hash, anchor = target.partition("#")
        place = (file.parent / path).resolve() if path else file
        if not place.is_file() or (anchor and anchor not in anchors(place)):
            broken.append(target)
    assert broken == []


# Commands ----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("file", DOCS, ids=lambda file: file.name)
def test_commands_that_are_shown_can_be_typed(file: Path) -> None:
    parsers = {"data": data_parser(), "metrics": metrics_parser()}
    for line in commands(text(file)):
        words = shlex.split(line)[2:]
        if "…" in line or "NAME" in words or len(words) < 3:  # the form of a command, not one to type
            assert words[0] in parsers, line
            continue
        try:
            parsed = parsers[words[0]].parse_args(words[1:])
        except SystemExit:
            pytest.fail(f"{file.name}: {line}")
        for name in [part for part in (getattr(parsed, "measures", "") or "").split(",") if part]:
            assert name in REGISTRY.measures, line
        for name in [part for part in ",".join(getattr(parsed, "by", None) or []).split(",") if part]:
            assert name in {dimension.name for dimension in DIMENSIONS}, line


@LANGUAGES
def test_every_command_of_the_store_is_documented(lang: str) -> None:
    page = text(OPERATOR[lang])
    for verb, parser in verbs(data_parser()).items():
        assert re.search(rf"python -m data {verb}\b", page), verb
        for action in verbs(parser):
            assert re.search(rf"python -m data {verb} {action}\b|`?\b{action}\b", page), f"{verb} {action}"
        for option in [word for made in (parser, *verbs(parser).values()) for action in made._actions for word in action.option_strings]:
            assert option in page or option in ("-h", "--help"), f"{verb} {option}"


def test_every_make_target_is_documented() -> None:
    makefile = text(ROOT / "Makefile")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE)) - {"help"}
    assert targets
    assert targets <= set(re.findall(r"`make ([a-z]+)", text(README)))
    assert set(re.findall(r"`make ([a-z]+)", "".join(map(text, DOCS)))) <= targets
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    assert set(phony[1].split()) == targets | {"help"}


def test_continuous_integration_runs_what_the_readme_says() -> None:
    script = text(ROOT / ".ci" / "run")
    assert re.search(r"^exec make test$", script, re.MULTILINE)
    assert "make test    # everything that CI runs" in text(README)


@LANGUAGES
def test_every_environment_variable_is_documented(lang: str) -> None:
    read = re.compile(r"environ(?:\.get\(|\[)\s*[\"'](PIECEWORK_[A-Z]+)")
    files = [ROOT / "dashboard.py", *(file for place in ("data", "metrics", "pages") for file in (ROOT / place).rglob("*.py"))]
    used = {name for file in files for name in read.findall(text(file))}
    assert "PIECEWORK_STORE" in used
    assert used == {row[0].strip("`") for row in rows(text(OPERATOR[lang])) if row[0].startswith("`PIECEWORK_")}


# The server --------------------------------------------------------------------------------------------------------------
@LANGUAGES
def test_every_route_is_documented(lang: str) -> None:
    page = text(OPERATOR[lang])
    served = set()
    for route in api.app(lambda store, question, account: {}, "control").routes:
        assert isinstance(route, Route)
        served |= {f"{method} /api{route.path}" for method in (route.methods or set()) - {"HEAD"}}
    assert served == {row[0].strip("`") for row in rows(page) if "/api/" in row[0]}
    for route in signin.routes():
        assert isinstance(route, Route)
        assert f"`{route.path}`" in page


@LANGUAGES
def test_limits_are_those_of_the_code(lang: str) -> None:
    page = re.sub(r"\s+", " ", text(OPERATOR[lang]))
    said = {
        "en": (
            f"at least {accounts.MIN_PASSWORD} characters", f"After {accounts.FAILURES} failures in a row",
            f"for {accounts.LOCKED.seconds // 60} minutes", f"after {accounts.IDLE.seconds // 3600} hours without use", f"after {accounts.LONGEST.days} days",
            f"at most {api.MAX_BODY >> 20} MiB and {push.MAX_ROWS:,} rows", f"fewer than {SMALLEST_GROUP} people", f"waits {remote.PATIENCE:.0f} seconds",
            f"is {ask.SETTLE} seconds old", f"{drawing.OLDEST:.0f} seconds old",
        ),
        "zh": (
            f"至少 {accounts.MIN_PASSWORD} 个字符", f"连续失败 {accounts.FAILURES} 次", f"等待 {accounts.LOCKED.seconds // 60} 分钟",
            f"闲置 {accounts.IDLE.seconds // 3600} 小时", f"最长 {accounts.LONGEST.days} 天", f"最多 {api.MAX_BODY >> 20} MiB、{push.MAX_ROWS:,} 行",
            f"不足 {SMALLEST_GROUP} 人", f"最多等待 {remote.PATIENCE:.0f} 秒",
            f"最多滞后 {ask.SETTLE} 秒", f"最多滞后 {drawing.OLDEST:.0f} 秒",
        ),
    }  # fmt: skip
    assert [words for words in said[lang] if words not in page] == []
    assert [one.title for one in registry.EXPORTS if one.title.replace(" / ", "/") not in page] == []
    connected = next(line for line in re.split(r" ?- |。", page) if "directly" in line or "可直连" in line)
    assert [one.title for one in registry.CONNECTORS.values() if one.tool != "folder" and one.title not in connected] == []
    assert (QueueFull, 429) in api._STATUS
    assert "429" in page


@LANGUAGES
def test_the_mapping_that_is_shown_is_one(lang: str) -> None:
    shown = re.findall(r"```json\n(.*?)```", text(OPERATOR[lang]), re.DOTALL)
    assert len(shown) == 1
    example = Mapping.from_json(json.dumps({**json.loads(shown[0]), "name": "vendor-qc"}))
    assert example.constants["project_id"] == "{file}"
    assert {f"`{name}`" for name in Mapping.__dataclass_fields__ if name not in ("name", "table")} <= set(
        re.findall(r"`\w+`", text(OPERATOR[lang]))
    )


@LANGUAGES
def test_roles_are_documented_as_they_are_granted(lang: str) -> None:
    described = {name: row for row in rows(text(OPERATOR[lang])) for name in re.findall(r"`([a-z_]+)`", row[0]) if name in ROLES}
    assert set(described) == set(ROLES)
    for role, row in described.items():
        needed = accounts._NEEDS.get(role)
        assert row[1] == (f"`--{needed}`" if needed else ""), role
        if role in ("admin", "annotator", "reviewer"):
            continue
        fields = scope_for(role, site="S", team="T", worker="W").fields
        for field, without in {"client_prices": ("no client prices", "不含客户价格|与客户价格$"), "pay": ("no pay", "不含工资")}.items():
            words = without[0] if lang == "en" else without[1]
            assert bool(re.search(words, row[2])) == (field not in fields), f"{role}: {field}"


# Screens and files -------------------------------------------------------------------------------------------------------
@LANGUAGES
def test_every_screen_is_in_the_guide_with_its_question_and_roles(lang: str) -> None:
    described = {match[1]: row for row in rows(text(GUIDE[lang])) if (match := re.search(r"`([a-z_]+)`$", row[0]))}
    with speaking(lang):
        for screen in access.SCREENS:
            row = described[screen.name]
            assert row[0] == f"{_(screen.title)} `{screen.name}`"
            assert row[1] == _(screen.question)
            named = {role for role, word in access.ROLE_NAMES.items() if _(word).lower() in row[2].lower()}
            everybody = row[2] in ("everybody", "所有人")
            assert (set(ROLES) if everybody else named | {"admin"}) == screen.roles, screen.name
    assert {name for name in described if name not in TABLES} == {screen.name for screen in access.SCREENS}


@LANGUAGES
def test_every_file_is_in_the_guide_with_its_columns(lang: str) -> None:
    described = {row[0].strip("`"): row for row in rows(text(GUIDE[lang])) if re.fullmatch(r"`[a-z]+`", row[0])}
    assert set(described) == set(TABLES)
    for name, spec in TABLES.items():
        required, optional = (re.findall(r"`(\w+)`", cell) for cell in described[name][2:4])
        assert required == list(spec.required), name
        assert optional == [column.name for column in spec.columns if not column.required], name


# Two languages -----------------------------------------------------------------------------------------------------------
@PAIRS
def test_both_languages_say_as_much(pair: dict[str, Path]) -> None:
    shapes = []
    for lang in ("en", "zh"):
        page = text(pair[lang])
        shapes.append({
            "headings": [len(marks) for marks in re.findall(r"^(#+) ", page, re.MULTILINE)],
            "code": page.count("```"), "rows": [len(row) for row in rows(page)], "items": len(re.findall(r"^(?:- |\d\. )", page, re.MULTILINE)),
            "verbs": sorted(" ".join(line.split()[2:4]) for line in commands(page)),
        })  # fmt: skip
    assert shapes[0] == shapes[1]


@PAIRS
def test_the_chinese_is_chinese(pair: dict[str, Path]) -> None:
    english, chinese = (re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)", "", text(pair[lang]), flags=re.DOTALL) for lang in ("en", "zh"))
    assert len(re.findall(r"[\u4e00-\u9fff]", chinese)) > len(re.findall(r"[a-zA-Z]{2,}", english))
    assert set(re.findall(r"[\u4e00-\u9fff]+", english)) <= {"中文", "工号", "项目", "提交时间", "框数", "耗时"}


def test_documents_name_no_machine_and_no_package_host() -> None:
    guilty = [file.name for file in DOCS for word in ("/work/", "/root/", "localhost:", "pypi.org") if word in text(file).lower()]
    assert guilty == []
