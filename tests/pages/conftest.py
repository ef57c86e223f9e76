"""The small base, once a session, and the app on it as anybody."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from data import owner
from data.store import Store
from tests.pages.base import build

ROOT = Path(__file__).resolve().parents[2]
Open = Callable[..., AppTest]


@pytest.fixture(scope="session")
def small_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small base, closed; copy it before writing to it."""
    path = tmp_path_factory.mktemp("base") / "small.duckdb"
    with build(path) as store:
        store.checkpoint()
    return path


@pytest.fixture
def small(small_file: Path, tmp_path: Path) -> Iterator[Store]:
    """The small base as the store of this process."""
    path = tmp_path / "small.duckdb"
    shutil.copyfile(small_file, path)
    st.cache_resource.clear()
    with Store(path) as store, owner.owning(store):
        yield store


@pytest.fixture
def visit(small: Store) -> Open:
    """Open a screen as a persona: `visit("site/throughput.py", persona="hr", lang="en", period="last_7_days")`."""

    def opened(screen: str | None = None, *, persona: str = "executive", lang: str = "zh", **query: str) -> AppTest:
        at = AppTest.from_file(str(ROOT / "pages" / "app.py"), default_timeout=60)
        for name, value in {"persona": persona, "lang": lang, **query}.items():
            at.query_params[name] = value
        at.run()
        if screen:
            at.switch_page(screen)
            for name, value in query.items():
                at.query_params[name] = value
            at.run()
        assert not at.exception
        return at

    return opened
