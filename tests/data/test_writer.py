"""The writing thread: senders that were answered together are taken together again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread

import pytest

from data import writer as writing
from data.store import Store
from data.writer import Writer

SENDERS, TIMES = 8, 4


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    with Store(tmp_path / "s.duckdb") as store:
        made = Writer(store)
        yield made
        made.close()


def test_a_crowd_of_senders_stays_together(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight senders of four items each: the first may come alone, then they come together, as nobody is taken before the others."""
    monkeypatch.setattr(writing, "LINGER", 1.0)  # however slow the machine that tests this
    groups: list[int] = []

    def together(store: Store, items: list[int]) -> list[int]:
        groups.append(len(items))
        time.sleep(0.5)
        return items

    start = Barrier(SENDERS)

    def send(number: int) -> None:
        start.wait(30)
        for _ in range(TIMES):
            assert writer.join(number, together).result(60) == number

    threads = [Thread(target=send, args=(number,)) for number in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(groups) == SENDERS * TIMES
    assert groups.count(1) <= 1, groups  # never one again with the rest behind it


def test_one_sender_never_waits_for_others(writer: Writer) -> None:
    seen: list[int] = []
    for number in range(3):
        assert writer.join(number, lambda store, items: [seen.append(len(items)) or len(items)]).result(60) == 1
    assert seen == [1, 1, 1]
    assert writer.submit(lambda store: 7).result(60) == 7
