"""Every reason and warning a method can give is a closed set, and each has its sentence in both languages."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import metrics
from metrics.price_index import fisher
from metrics.reasons import WORDS, words

FILES = sorted(file.stem for file in Path(metrics.__file__).parent.glob("[a-z]*.py"))


def annotations() -> Iterator[tuple[str, Any]]:
    """The type of each field of a result that says why."""
    for name in FILES:
        module = importlib.import_module(f"metrics.{name}")
        for thing in vars(module).values():
            if inspect.isclass(thing) and is_dataclass(thing) and thing.__module__ == module.__name__:
                hints = get_type_hints(thing)
                yield from ((f"{name}.{thing.__name__}", hints[f.name]) for f in fields(thing) if f.name in ("reason", "warning"))


def codes(kind: Any) -> set[object]:
    """The members of a closed set; the types that are none."""
    if get_origin(kind) is Literal:
        return set(get_args(kind))
    return {code for part in get_args(kind) for code in codes(part)} if get_args(kind) else {kind}


def test_every_reason_there_is_has_its_words_and_no_other() -> None:
    found = dict(annotations())
    assert len(found) > 25
    assert {where for where, kind in found.items() if not codes(kind) - {NoneType} <= WORDS.keys()} == set()
    assert {code for kind in found.values() for code in codes(kind)} - {NoneType} == set(WORDS)


def test_both_languages_say_something_and_the_same_numbers() -> None:
    for code, text in WORDS.items():
        assert text.en[0].isupper(), code
        assert text.en.endswith("."), code
        assert re.search(r"[\u4e00-\u9fff]", text.zh), code
        assert text.zh.endswith("。"), code
        assert re.findall(r"\d[\d,]*%?", text.en) == re.findall(r"\d[\d,]*%?", text.zh), code


def test_a_result_in_words() -> None:
    reason = fisher([[1.0, 2.0], [1.1, None]], [[1, 9], [1, None]]).reason
    assert reason is not None
    assert words(reason).of("zh-CN") == "两期都有的产品占收入不足 60%，不可比。"
    assert words(reason).of("en") == "Less than 60% of revenue is in products of both periods."
