"""What `make check` leaves to `make test`: files that start servers, play whole screens, or search for counterexamples. No test is timed."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

HERE = Path(__file__).resolve().parent
SLOW = {
    "test_server.py", "data/test_load_properties.py", "data/test_demo.py", "metrics/test_measures.py", "metrics/test_scope.py", "pages/test_shell.py",
    "pages/test_overview.py", "pages/test_throughput.py", "pages/test_quality.py", "pages/test_headcount.py", "pages/test_trust.py", "pages/test_catalogue.py", "pages/test_import.py", "data/test_trial.py",
}  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the files above."""
    slow = {HERE / name for name in SLOW}
    for item in items:
        if item.path in slow:
            item.add_marker(pytest.mark.slow)
