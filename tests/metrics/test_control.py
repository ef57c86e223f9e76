"""Control limits against published charts (NIST e-Handbook 6.3.3.2, Montgomery ch. 7, Mohammed 2013 by way of qicharts2)."""

from __future__ import annotations

import pytest

from metrics.control import Signal, limits, proportions, signals

NIST = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6]
NHS = [
    (266501, 280443), (264225, 276823), (276532, 291681), (281461, 296155), (269071, 282343), (261215, 275888), (270409, 283867),
    (279778, 295251), (270483, 284468), (270320, 282529), (267923, 279618), (271478, 283932), (255353, 266629), (256820, 268091),
    (261835, 276803), (259144, 271578), (255910, 266005), (260863, 273520), (264465, 278574), (260989, 273772),
]  # fmt: skip


def test_p_chart_of_nist() -> None:
    found = limits(NIST, [50] * 30)
    assert found is not None
    assert found.centre == pytest.approx(347 / 1500)
    assert (found.lower[0], found.upper[0]) == pytest.approx((0.052428, 0.410239), abs=1e-6)
    outside = [s.index + 1 for s in signals([x / 50 for x in NIST], found) if s.rule == "outside"]
    assert outside == [15, 23]


def test_baseline_without_explained_points() -> None:
    kept = [i not in (14, 22) for i in range(30)]
    found = limits(NIST, [50] * 30, baseline=kept)
    assert found is not None
    assert found.centre == pytest.approx(0.215)
    assert (found.lower[14], found.upper[14]) == pytest.approx((0.040703, 0.389297), abs=1e-6)
    assert [s.index + 1 for s in signals([x / 50 for x in NIST], found, kept) if s.rule == "outside"] == [21]


def test_laney_of_nhs_waiting_times() -> None:
    counts, sizes = [r for r, _ in NHS], [n for _, n in NHS]
    rates = [r / n for r, n in NHS]
    plain, laney = limits(counts, sizes, "p"), limits(counts, sizes, "p_laney")
    assert plain is not None
    assert laney is not None
    assert laney.centre == pytest.approx(0.952899711, abs=1e-9)
    assert laney.sigma_z == pytest.approx(10.640422, abs=1e-6)
    assert (plain.lower[0], plain.upper[0]) == pytest.approx((0.951700, 0.954100), abs=1e-6)
    assert (laney.lower[0], laney.upper[0]) == pytest.approx((0.940130, 0.965670), abs=1e-6)
    assert sum(s.rule == "outside" for s in signals(rates, plain)) == 16
    assert sum(s.rule == "outside" for s in signals(rates, laney)) == 0
    assert proportions(counts, sizes) == laney


def test_u_chart_of_montgomery() -> None:
    metres = [10, 8, 13, 10, 9.5, 10, 12, 10.5, 12, 12.5]
    found = limits([14, 12, 20, 11, 7, 10, 21, 16, 19, 23], metres, "u")
    assert found is not None
    assert found.centre == pytest.approx(1.423256, abs=1e-6)
    for place, low, high in ((0, 0.291, 2.555), (1, 0.158, 2.689), (2, 0.431, 2.416)):
        assert (found.lower[place], found.upper[place]) == pytest.approx((low, high), abs=1e-3)


def test_small_steady_samples_take_the_plain_chart() -> None:
    found = proportions([5, 6] * 10, [50] * 20)
    assert found is not None
    assert (found.kind, found.sigma_z) == ("p", 1.0)


def test_points_without_a_sample_have_no_limits_and_give_no_signal() -> None:
    found = limits([1, None, 0, *[1] * 8], [10, None, 0, *[10] * 8])
    assert found is not None
    assert found.lower[1] is found.lower[2] is None
    assert signals([0.1, None, None, *[0.1] * 8], found) == ()


def test_too_few_points_make_a_centre_only() -> None:
    found = limits([1, 9], [10, 10])
    assert found is not None
    assert (found.centre, found.lower, found.upper) == (0.5, (None, None), (None, None))
    assert limits([], []) is None
    assert limits([None], [None]) is None


def test_a_long_run_is_a_signal() -> None:
    # 24 points: a run longer than round(log2 24) + 3 = 8 on one side.
    counts = [4, 6] * 7 + [6] + [4] * 9
    found = limits(counts, [100] * 24)
    assert found is not None
    assert signals([x / 100 for x in counts], found) == (Signal(23, "run"),)
    shorter = [4, 6] * 8 + [4] * 8
    other = limits(shorter, [100] * 24)
    assert other is not None
    assert signals([x / 100 for x in shorter], other) == ()
