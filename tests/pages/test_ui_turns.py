"""Runs of screens take turns."""

from __future__ import annotations

from threading import Barrier, Event, Thread

import pytest

from pages.ui import turns


def test_so_many_run_at_once_and_the_next_when_one_is_done() -> None:
    running, done, after = Barrier(turns.AT_ONCE + 1), Event(), Event()

    def run() -> None:
        with turns.taken():
            running.wait(10)
            done.wait(10)

    def late() -> None:
        with turns.taken():
            after.set()

    threads = [Thread(target=run) for _ in range(turns.AT_ONCE)]
    for thread in threads:
        thread.start()
    running.wait(10)
    last = Thread(target=late)
    last.start()
    assert not after.wait(0.2)
    done.set()
    assert after.wait(10)
    for thread in (*threads, last):
        thread.join(10)


def test_a_failure_gives_its_place_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.0)
    for _ in range(turns.AT_ONCE + 1):
        with pytest.raises(KeyError), turns.taken():
            raise KeyError
    assert turns._places.acquire(blocking=False)
    turns._places.release()


def test_who_waited_too_long_goes_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.0)
    held = [turns.taken() for _ in range(turns.AT_ONCE + 1)]
    for place in held:
        place.__enter__()
    for place in held:
        place.__exit__(None, None, None)
    for _ in range(turns.AT_ONCE):
        assert turns._places.acquire(blocking=False)
    assert not turns._places.acquire(blocking=False)
    for _ in range(turns.AT_ONCE):
        turns._places.release()
