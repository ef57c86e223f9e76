"""The benchmark of the methods, at a size at which it takes no time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import bench.__main__ as command
from bench import methods
from bench.methods import CASES, Case

SMALL = 400


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(methods, "GROUPS", SMALL)
    monkeypatch.setattr(methods, "OBSERVATIONS", 5 * SMALL)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_case_is_answered(case: Case) -> None:
    rows, timed = methods.measure(1, lambda _: None, (case,))
    assert [row.what.split()[0] for row in rows] == ["1"]
    assert timed[0].name == case.name
    assert timed[0].seconds > 0


def test_a_method_that_takes_too_long_is_a_miss(monkeypatch: pytest.MonkeyPatch) -> None:
    quick, slow = Case("quick", "", lambda _: lambda: None), Case("slow", "", lambda _: lambda: None, "it draws")
    assert [row.ok for row in methods.measure(1, lambda _: None, (quick, slow))[0]] == [True, None]
    monkeypatch.setattr(methods, "BUDGET", 0.0)
    assert [row.ok for row in methods.measure(1, lambda _: None, (quick,))[0]] == [False]


def test_the_methods_need_no_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(methods, "CASES", (Case("quick", "none", lambda _: lambda: None),))
    monkeypatch.setattr("sys.argv", ["bench", "--only", "methods", "--keep", str(tmp_path), "--json", str(tmp_path / "found.json")])
    assert command.main() == 0
    assert [path.name for path in tmp_path.iterdir()] == ["found.json"]
    assert json.loads((tmp_path / "found.json").read_text("utf-8"))["methods"][0]["name"] == "quick"
    assert "each < 1 s" in capsys.readouterr().out
