"""Throughput: people against what the small base made them, and who may see people at all."""

from __future__ import annotations

from statistics import median

import pytest

from tests.pages.base import PEOPLE
from tests.pages.conftest import Open

OWN = [k for k in range(PEOPLE) if k < 16]  # the people of S1, whom the persona of a site manager looks after


def expected(k: int) -> float:
    """Person k needs (0.8 + 0.02 k) of the project's pace; the middle is that of the colleagues on the same projects."""
    mates = [j for j in OWN if j % 2 == k % 2]
    return 1 / (0.8 + 0.02 * k) / median(1 / (0.8 + 0.02 * j) for j in mates)


def test_people_by_their_adjusted_pace(visit: Open) -> None:
    at = visit("site/throughput.py", persona="site_manager", lang="en")
    people = at.dataframe[1].value
    assert len(people) == len(OWN)
    found = dict(zip(people["Id"], people["Adjusted pace"], strict=True))
    for k in OWN:
        assert found[f"W{k:02}"] == pytest.approx(expected(k), rel=2e-3), k
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert people["Band"].tolist()[0] == "faster"
    assert people["Band"].tolist()[-1] == "slower"


def test_the_crude_order_is_another(visit: Open) -> None:
    """Receipts take twice the time of street boxes, so the fastest by units an hour are not the fastest by skill."""
    people = visit("site/throughput.py", persona="site_manager", lang="en").dataframe[1].value
    crude = people["Units per hour (units/h)"].tolist()
    assert crude != sorted(crude, reverse=True)


@pytest.mark.parametrize(("persona", "sees"), [("executive", False), ("admin", True), ("hr", True), ("team_lead", True)])
def test_only_some_see_people(visit: Open, persona: str, sees: bool) -> None:
    at = visit("site/throughput.py", persona=persona)
    assert any("人员" in d.value.columns for d in at.dataframe) is sees


def test_a_person_can_be_linked_to_and_left(visit: Open) -> None:
    at = visit("site/throughput.py", persona="site_manager", lang="en", worker="W00")
    assert "员工00" in [s.value for s in at.subheader]
    said = "\n".join(m.value for m in at.markdown)
    assert f"{expected(0):.2f}" in said
    assert "faster" in said
    assert next(m.value for m in at.metric if m.label.startswith("Active people")) == "1"
    at.button(key="f_person_off").click().run()
    assert "worker" not in at.query_params
    assert "员工00" not in [s.value for s in at.subheader]


def test_a_person_of_another_site_is_out_of_reach(visit: Open) -> None:
    at = visit("site/throughput.py", persona="site_manager", lang="en", worker="W20")
    assert "员工20" not in "\n".join([*(s.value for s in at.subheader), *(b.label for b in at.button)])
    assert "worker" not in at.query_params
    assert len(at.dataframe[1].value) == len(OWN)


def test_a_person_in_the_address_shows_an_executive_nobody(visit: Open) -> None:
    at = visit("site/throughput.py", persona="executive", lang="en", worker="W00")
    assert "员工00" not in "\n".join([*(m.value for m in at.markdown), *(s.value for s in at.subheader), *(b.label for b in at.button)])
