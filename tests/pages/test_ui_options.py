"""Streamlit's options, looked up without its lock, are the same."""

from __future__ import annotations

from threading import Thread

import pytest
from streamlit import config

from pages.ui import options


def test_every_option_and_section_reads_the_same() -> None:
    known = config.get_config_options()
    assert len(known) > 100
    for key, one in known.items():
        assert options.option(key) == config.get_option(key), key
        assert options.of_section(one.section) == config.get_options_for_section(one.section)
    assert options.of_section("no such") == config.get_options_for_section("no such") == {}
    with pytest.raises(RuntimeError, match="not defined"):
        options.option("no.such")


def test_a_change_shows_and_no_lock_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "get_option", config.get_option)
    monkeypatch.setattr(config, "get_options_for_section", config.get_options_for_section)
    options.unlock()
    found: list[object] = []
    before = config.get_option("client.toolbarMode")
    with config._config_lock:  # held by this thread: another one that wanted it would wait
        reader = Thread(
            target=lambda: found.extend([config.get_option("client.toolbarMode"), config.get_options_for_section("client")["toolbarMode"]])
        )
        reader.start()
        reader.join(10)
    assert found == [before, before]
    config.set_option("client.toolbarMode", "viewer")
    try:
        assert config.get_option("client.toolbarMode") == config.get_options_for_section("client")["toolbarMode"] == "viewer"
    finally:
        config.set_option("client.toolbarMode", before)
