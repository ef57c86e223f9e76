"""What is said of one person's pace."""

from __future__ import annotations

from metrics.standardised import Pace, pace
from pages.ui.paces import verdict
from pages.ui.text import speaking


def test_a_pace_without_an_interval_is_said_without_brackets() -> None:
    """People who differ less than from one week to the next have no interval: they are taken to be alike."""
    rows = [(who, "p", week, 10.0 + (week + i) % 2, 8.0) for i, who in enumerate("abcd") for week in range(6)]
    alike = next(p for p in pace(*zip(*rows, strict=True)) if p.unit == "a")  # type: ignore[arg-type]
    assert (alike.shrunk, alike.low) == (1.0, None)
    with speaking("en"):
        assert verdict(alike, 1.0) == "Adjusted pace 1.00: in the middle."
    with speaking("zh"):
        assert verdict(alike, 1.0) == "校正速度 1.00：居中。"


def test_a_pace_with_an_interval() -> None:
    with speaking("en"):
        assert (
            verdict(Pace("a", 40.0, 1.0, 500.0, 400.0, 1.25, 1.2, 1.1, 1.31, "faster"), 1.2) == "Adjusted pace 1.20 [1.10 – 1.31]: faster."
        )
