"""Files from browsers: private, bounded, gone when nobody needs them."""

from __future__ import annotations

import gc
import io
import os
import stat
from pathlib import Path

import pytest

from data import uploads
from data.errors import InputError


def test_it_is_kept_whole_and_private(tmp_path: Path) -> None:
    store = tmp_path / "s.duckdb"
    content = os.urandom(3 << 20)
    kept = uploads.keep(store, "月报.csv", io.BytesIO(content))
    assert kept.path.read_bytes() == content
    assert (kept.name, kept.size) == ("月报.csv", len(content))
    assert kept.path.is_relative_to(uploads.folder_of(store))
    if os.name != "nt":
        assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(kept.path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(uploads.folder_of(store).stat().st_mode) == 0o700


def test_it_is_gone_when_discarded_and_when_nobody_refers_to_it(tmp_path: Path) -> None:
    first, second = (uploads.keep(tmp_path / "s.duckdb", "a.csv", io.BytesIO(b"a")) for _ in range(2))
    assert first.path != second.path
    path, other = first.path, second.path
    first.discard()
    assert not path.exists()
    assert other.exists()
    del second
    gc.collect()
    assert not other.exists()
    assert list(uploads.folder_of(tmp_path / "s.duckdb").iterdir()) == []


def test_too_large_is_refused_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "LIMIT_MB", 1)
    with pytest.raises(InputError, match="larger than 1 MB"):
        uploads.keep(tmp_path / "s.duckdb", "a.csv", io.BytesIO(b"x" * ((1 << 20) + 1)))
    assert list(uploads.folder_of(tmp_path / "s.duckdb").iterdir()) == []


def test_what_a_killed_process_left_is_cleared(tmp_path: Path) -> None:
    store = tmp_path / "s.duckdb"
    folder = uploads.folder_of(store) / "left"
    folder.mkdir(parents=True)
    (folder / "roster.csv").write_text("secret")
    uploads.clear(store)
    assert not uploads.folder_of(store).exists()
    uploads.clear(store)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("'; DROP TABLE work;--.csv", "'; DROP TABLE work;--.csv"),
        ("=cmd()|calc.csv", "=cmd()|calc.csv" if os.name != "nt" else "=cmd()_calc.csv"),
        ("工资🙂.xlsx", "工资🙂.xlsx"),
        ("a\nb\x00c.csv", "abc.csv"),
        ("safe\u202evsc.exe", "safevsc.exe"),
        ("/tmp/../x/", "file"),
        ("", "file"),
        ("...", "file"),
    ],
)
def test_names_lose_only_what_cannot_be_kept(tmp_path: Path, given: str, kept: str) -> None:
    assert uploads.keep(tmp_path / "s.duckdb", given, io.BytesIO(b"x")).path.name == kept


@pytest.mark.parametrize("name", ["好" * 300 + ".csv", "x" * 500, "a." + "b" * 400, "🙂" * 100 + ".jsonl.gz"])
def test_a_long_name_is_cut_and_keeps_its_ending(tmp_path: Path, name: str) -> None:
    kept = uploads.keep(tmp_path / "s.duckdb", name, io.BytesIO(b"x"))
    assert len(kept.name.encode()) <= 200
    assert kept.path.read_bytes() == b"x"
    if len(name.rpartition(".")[2]) < 10:
        assert kept.name.endswith(name.rpartition(".")[2])
