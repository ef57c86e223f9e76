"""Every canonical column has a name that people use, in both languages."""

from __future__ import annotations

import re

import pytest

from data.columns import _NAMES, _OF_TABLE, label
from data.errors import NameUnknown
from data.tables import TABLES


def test_every_column_has_a_name_in_both_languages() -> None:
    for spec in TABLES.values():
        for column in spec.columns:
            english, chinese = label(spec.name, column.name)
            assert "_" not in english
            assert re.search(r"[\u4e00-\u9fff]", chinese)
            assert not re.search(r"[A-Za-z]", chinese)


def test_names_tell_the_columns_of_a_table_apart() -> None:
    for spec in TABLES.values():
        for side in (0, 1):
            said = [label(spec.name, column.name)[side] for column in spec.columns]
            assert len(set(said)) == len(said), spec.name


def test_there_is_no_name_for_what_does_not_exist() -> None:
    known = {(spec.name, column.name) for spec in TABLES.values() for column in spec.columns}
    assert set(_NAMES) <= {column for _table, column in known}
    assert set(_OF_TABLE) <= known
    with pytest.raises(NameUnknown):
        label("workers", "verdict")
