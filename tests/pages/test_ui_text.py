"""No sentence without Chinese, no bare literal on a screen, and numbers as people write them."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import streamlit as st
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from pages.ui import numbers, text
from pages.ui.ask import measure
from pages.ui.text import speaking

PAGES = Path(text.__file__).resolve().parent.parent
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
CATALOGUE = PAGES / "ui" / "locale" / "zh" / "LC_MESSAGES" / "piecework.po"
FIELD = re.compile(r"\{(\w+)")


def used() -> set[str]:
    """Every sentence that the pages say, by its English."""
    found = extract_from_dir(str(PAGES), method_map=[("**.py", "python")], keywords=KEYWORDS)
    return {message if isinstance(message, str) else message[0] for _file, _line, message, _comments, _context in found}


def known() -> dict[str, str]:
    with CATALOGUE.open("rb") as handle:
        return {first(m.id): first(m.string) for m in read_po(handle) if m.id}


def first(words: str | tuple[str, ...]) -> str:
    return words if isinstance(words, str) else words[0]


def test_no_sentence_hides_inside_another() -> None:
    """What stands inside the braces of an f-string is not found, and so would never be translated."""
    hidden = [
        (file.name, call.lineno)
        for file in sorted(PAGES.rglob("*.py"))
        for string in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(string, ast.JoinedStr)
        for call in ast.walk(string)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in KEYWORDS
        if call.args and isinstance(call.args[0], ast.Constant)
    ]
    assert hidden == []


def test_every_sentence_has_chinese() -> None:
    found = used()
    assert len(found) > 50
    assert sorted(m for m in found if not known().get(m)) == []


def test_the_catalogue_holds_nothing_unused() -> None:
    assert sorted(set(known()) - used()) == []


def test_translations_fill_in_the_same_values() -> None:
    assert [m for m, zh in known().items() if set(FIELD.findall(m)) != set(FIELD.findall(zh))] == []


def test_translations_are_chinese() -> None:
    same = [
        m for m, zh in known().items() if not re.search(r"[\u4e00-\u9fff]", zh) and m not in {"{n} h", "n={n}", "h", "pp", "Id", "{n} pp"}
    ]
    assert same == []


SHOWN = {
    "title",
    "header",
    "subheader",
    "caption",
    "markdown",
    "write",
    "text",
    "info",
    "warning",
    "error",
    "success",
    "button",
    "download_button",
    "selectbox",
    "multiselect",
    "segmented_control",
    "pills",
    "radio",
    "toggle",
    "checkbox",
    "text_input",
    "number_input",
    "date_input",
    "expander",
    "popover",
    "metric",
    "link_button",
    "tabs",
    "toast",
    "dialog",
    "page_link",
    "file_uploader",
}
WORDY = ("help", "placeholder", "label", "delta_description", "alt", "title", "hint", "body")
ENGLISH = re.compile(r"[A-Za-z]{3,}")
PLAIN = re.compile(r":material/\w+:|`[^`]*`")
UNTRANSLATED = {"CSV", "Excel", "Parquet"}


def bare(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """English words handed to something that shows them without going through `_()`."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        on_streamlit = node.func.attr in SHOWN and not (isinstance(node.func.value, ast.Name) and node.func.value.id == "log")
        spoken = [*(node.args[:1] if on_streamlit else []), *(k.value for k in node.keywords if k.arg in WORDY)]
        for value in spoken:
            for part in literals(value):
                words = PLAIN.sub("", part)
                if ENGLISH.search(words) and words.strip() not in UNTRANSLATED:
                    yield node.lineno, part


def literals(node: ast.AST) -> Iterator[str]:
    """The text written out in an expression; what stands inside another call is that call's business."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        for part in node.values:
            yield from literals(part)
    elif isinstance(node, ast.BinOp):
        yield from literals(node.left)
        yield from literals(node.right)
    elif isinstance(node, ast.IfExp):
        yield from literals(node.body)
        yield from literals(node.orelse)
    elif isinstance(node, (ast.List, ast.Tuple)):
        for part in node.elts:
            yield from literals(part)


@pytest.mark.parametrize("file", sorted(PAGES.rglob("*.py")), ids=lambda f: str(f.relative_to(PAGES)))
def test_no_bare_english_is_shown(file: Path) -> None:
    assert list(bare(ast.parse(file.read_text(encoding="utf-8")))) == []


def test_the_check_sees_a_bare_literal() -> None:
    assert list(bare(ast.parse('st.caption("Some words")'))) == [(1, "Some words")]
    assert list(bare(ast.parse('st.metric(x, help=f"Some {n} words")')))
    assert list(bare(ast.parse('st.caption(_("Some words"))\nst.caption(f":material/info: {words}")'))) == []


@pytest.mark.parametrize(
    ("x", "zh", "en"),
    [
        (0, "0", "0"),
        (5, "5", "5"),
        (0.034, "0.034", "0.034"),
        (12.34, "12.3", "12.3"),
        (950.2, "950", "950"),
        (9999, "9,999", "9,999"),
        (12_345, "1.2万", "12.3k"),
        (986_000, "98.6万", "986k"),
        (9_103_400, "910万", "9.1M"),
        (12_345_678, "1235万", "12.3M"),
        (230_000_000, "2.3亿", "230M"),
        (-45_678, "-4.6万", "-45.7k"),
        (20_000, "2.0万", "20.0k"),
        (1_000_000, "100万", "1.0M"),
    ],
)
def test_short_numbers(x: float, zh: str, en: str) -> None:
    with speaking("zh"):
        assert text.short(x) == zh
    with speaking("en"):
        assert text.short(x) == en


def test_what_is_measured_keeps_its_digits() -> None:
    with speaking("en"):
        assert [text.short(x, whole=False) for x in (0, 0.5, 8.96, 12, 950.2)] == ["0", "0.500", "9.0", "12.0", "950"]
        assert [text.percent(x) for x in (0.05, 0.049)] == ["5.0%", "4.9%"]
        assert [text.percent(x, 0) for x in (0.05, 1)] == ["5%", "100%"]
        assert text.money(20) == "¥20.0"


@pytest.mark.parametrize(
    ("name", "now", "was", "said"),
    [
        ("error_rate", 0.060, 0.050, "+1.0 pp"),
        ("error_rate", 0.0452, 0.0448, "0"),  # both are written 4.5%
        ("error_rate", 0.00451, 0.00449, "+0.002 pp"),  # 0.5% and 0.4%
        ("units_per_hour", 102.0, 100.0, "+2.0%"),
        ("units_per_hour", 100.0, 120.0, "-17%"),
        ("units", 12_351, 12_349, "+0.02%"),
        ("units", 5, 0, "+5"),
        ("units", 100, 100, "0"),
        ("units", 100, None, None),
    ],
)
def test_a_change_never_contradicts_its_values(name: str, now: float, was: float | None, said: str | None) -> None:
    with speaking("en"):
        assert numbers.change(measure(name), now, was) == said


def test_money_dates_and_spans() -> None:
    with speaking("zh"):
        assert text.money(1_234_567) == "¥123万"
        assert text.money(-12.5) == "-¥12.5"
        assert text.money(1234.5, exact=True) == "¥1,234.50"
        assert text.day(date(2026, 3, 5)) == "3月5日"
        assert text.span(12) == "12 秒"
        assert text.offset("Asia/Shanghai") == "UTC+8"
    with speaking("en"):
        assert text.money(1_234_567) == "¥1.2M"
        assert text.day(date(2026, 3, 5)) == "Mar 5"
        assert text.span(4000) == "67 min"
        assert text.offset("Asia/Kolkata") == "UTC+5:30"
        assert text.offset("America/New_York", datetime(2026, 1, 5, tzinfo=UTC)) == "UTC-5"
    assert "\u2212" not in text.short(-1e9)


def test_missing_values() -> None:
    import pandas as pd

    assert [text.missing(v) for v in (None, float("nan"), pd.NA, pd.NaT)] == [True] * 4
    assert [text.missing(v) for v in (0, 0.0, "", "x", True, date(2026, 3, 5), pd.Timestamp("2026-03-05"))] == [False] * 7


def test_sentences_follow_each_other_as_each_language_does() -> None:
    with speaking("en"):
        assert text.sentences("One.", "Two.") == "One. Two."
    with speaking("zh"):
        assert text.sentences("一。", "二。") == "一。二。"


def test_the_latin_face_is_one_that_the_server_brings_itself() -> None:
    """Its file has another name in another Streamlit; nothing is fetched from elsewhere."""
    config = tomllib.loads((PAGES.parent / ".streamlit" / "config.toml").read_text("utf-8"))["theme"]
    (face,) = config["fontFaces"]
    assert (Path(st.__file__).parent / "static" / face["url"].lstrip("/")).exists()
    assert config["font"] == config["headingFont"]
    assert config["font"].startswith(f"'{face['family']}', ")
