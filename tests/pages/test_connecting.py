"""Connecting tools on the screen: asked before anything is kept, tokens by reference only, administrators only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from data import connections
from data.connectors import credential
from data.owner import owner
from tests.data.connectors.fake_label_studio import TOKEN, FakeLabelStudio, serving
from tests.pages.conftest import Open

SCREEN = "data/trust.py"


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("PIECEWORK_LS_TOKEN", TOKEN)
    fake = FakeLabelStudio()
    fake.user("li@base.cn")
    fake.project("boxes")
    with serving(fake) as made:
        yield made


def field(at: AppTest, label: str) -> object:
    return next(one for kind in (at.text_input, at.selectbox, at.number_input, at.checkbox) for one in kind if one.label == label)


def press(at: AppTest, label: str, within: str | None = None) -> AppTest:
    """Press a button; in a browser a dialog stays open and runs by itself, here the button that opened it is pressed again."""
    for wanted in (within, label):
        for one in at.button:
            if one.label == wanted:
                one.click()
    return at.run()


def said(at: AppTest) -> str:
    return "\n".join(str(one.value) for kind in ("success", "error", "info", "caption") for one in getattr(at, kind))


def test_a_tool_is_connected_changed_and_forgotten(visit: Open, address: str) -> None:
    at = press(visit(SCREEN, persona="admin", lang="en"), "Connect a tool")
    assert [one.value for one in at.selectbox if one.label == "Its token is in"] == ["env:PIECEWORK_LS_TOKEN"]
    assert TOKEN not in str(at.main)
    field(at, "Tool").select("label-studio")
    field(at, "Name").input("studio")
    field(at, "Address").input(address)
    at = press(at, "Ask the tool and keep", "Connect a tool")
    assert "1 project" in said(at)
    assert (connections.get(owner().store, "studio").credential, connections.get(owner().store, "studio").every_s) == (
        "env:PIECEWORK_LS_TOKEN",
        30,
    )
    at = press(at, "Change a connection")
    field(at, "Read every (s)").set_value(60)
    at = press(at, "Ask the tool and keep", "Change a connection")
    assert connections.get(owner().store, "studio").every_s == 60
    at = press(at, "Change a connection")
    at = press(at, "Forget it", "Change a connection")
    assert connections.connections(owner().store) == []
    assert "what it brought stays" in said(at)


def test_a_tool_that_does_not_answer_is_not_kept(visit: Open, address: str) -> None:
    at = press(visit(SCREEN, persona="admin", lang="en"), "Connect a tool")
    field(at, "Name").input("studio")
    field(at, "Address").input("http://127.0.0.1:9")
    at = press(at, "Ask the tool and keep", "Connect a tool")
    assert at.error
    assert connections.connections(owner().store) == []


def test_without_a_token_in_its_place_the_dialog_says_where_to_put_one(visit: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIECEWORK_LS_TOKEN", raising=False)
    at = press(visit(SCREEN, persona="admin", lang="en"), "Connect a tool")
    assert "secrets" in said(at)
    assert not at.text_input


def test_only_administrators_are_offered_it(visit: Open, address: str) -> None:
    at = visit(SCREEN, persona="site_manager", lang="en")
    assert not [one for one in at.button if one.label in ("Connect a tool", "Change a connection")]


def test_a_screen_offers_tokens_of_this_product_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIECEWORK_LS_TOKEN", "x")
    monkeypatch.setenv("PIECEWORK_STORE", "x")
    monkeypatch.setenv("AWS_SECRET", "x")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "cvat").write_text("x", "utf-8")
    (tmp_path / "secrets" / ".hidden").write_text("x", "utf-8")
    assert credential.offered(tmp_path / "s.duckdb") == ["env:PIECEWORK_LS_TOKEN", f"file:{tmp_path / 'secrets' / 'cvat'}"]
