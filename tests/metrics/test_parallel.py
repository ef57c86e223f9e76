"""Work done side by side comes back in order, and what one of it raises is raised."""

import threading
import time

import pytest

from metrics.parallel import side_by_side


def test_answers_come_in_the_order_of_the_questions_whoever_worked_them_out() -> None:
    def work(number: int) -> tuple[int, str]:
        time.sleep(0.002 * (number % 3))
        return number, threading.current_thread().name

    found = side_by_side(work, range(12))
    assert [number for number, _ in found] == list(range(12))
    assert len({name for _, name in found}) > 1  # the caller and another thread


def test_nothing_is_nothing() -> None:
    assert side_by_side(abs, []) == []


@pytest.mark.parametrize("wrong", range(4))
def test_what_one_raises_is_raised(wrong: int) -> None:
    def work(number: int) -> int:
        if number == wrong:
            raise ValueError(f"no {number}")
        return number

    with pytest.raises(ValueError, match=f"no {wrong}"):
        side_by_side(work, range(4))


def test_a_busy_thread_keeps_nobody_waiting() -> None:
    hold = threading.Event()
    busy = threading.Thread(target=side_by_side, args=(lambda _: hold.wait(30), range(3)))
    busy.start()
    try:
        assert side_by_side(abs, [-1, -2, -3]) == [1, 2, 3]
    finally:
        hold.set()
        busy.join()
