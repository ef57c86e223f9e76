"""What the methods cost: each on 10,000 groups or a million observations, of invented numbers that the seed decides."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from statistics import median

import numpy as np

from bench.report import Row, spent
from metrics import (
    agreement,
    bridge,
    chance,
    control,
    fatigue,
    forecast,
    funnel,
    gold,
    inequality,
    intervals,
    learning,
    price_index,
    risk,
    sampling,
    shrinkage,
    standardised,
    survival,
    switching,
    tenure,
    tiers,
    truth,
)

GROUPS = 10_000
OBSERVATIONS = 1_000_000
BUDGET = 1.0  # seconds
SEED = 20260101

Call = Callable[[], object]
Make = Callable[[np.random.Generator], Call]  # the numbers are invented before the clock starts


@dataclass(frozen=True, slots=True)
class Case:
    """One method and what it is given; `why` says what keeps it from promising anything."""

    name: str
    size: str
    make: Make
    why: str = ""

    @property
    def promised(self) -> bool:
        return not self.why


@dataclass(frozen=True, slots=True)
class Timed:
    """Seconds of one call: the median of `runs` on the clock, and on the processors."""

    name: str
    size: str
    why: str
    seconds: float
    cpu: float
    runs: int


def measure(repeats: int, progress: Callable[[str], None], cases: tuple[Case, ...] | None = None) -> tuple[list[Row], list[Timed]]:
    """Every case, and the two rows they make: what is promised, and what is not."""
    found = []
    for case in cases or CASES:
        timed = _time(case, repeats if case.promised else 1)
        progress(f"{timed.name}, {timed.size}: {timed.seconds:.3f} s")
        found.append(timed)
    kept = [one for one in found if not one.why]
    free = [one for one in found if one.why]
    rows = []
    if kept:
        worst = max(kept, key=lambda one: one.seconds)
        late = [one for one in kept if one.seconds > BUDGET]
        said = f"worst {worst.seconds:.2f} s ({worst.name}), median {median(one.seconds for one in kept):.3f} s"
        said += "; late: " + ", ".join(f"{one.name} {one.seconds:.2f} s" for one in late) if len(late) > 1 else ""
        rows.append(
            Row(f"{len(kept)} methods, 10,000 groups or 1 M observations", f"each < {BUDGET:.0f} s", said, not late, _seconds(kept))
        )
    if free:
        said = "; ".join(f"{one.name}, {one.size}: {one.seconds:.1f} s ({one.why})" for one in free)
        rows.append(Row(f"{len(free)} methods that promise nothing", "none", said, None, _seconds(free)))
    return rows, found


def _seconds(timed: list[Timed]) -> dict[str, object]:
    return {one.name: round(one.seconds, 4) for one in timed}


def _time(case: Case, runs: int) -> Timed:
    call = case.make(np.random.default_rng(SEED))
    clock = []
    for _ in range(runs):
        gc.collect()
        with spent() as took:
            call()
        clock.append((took.wall, took.cpu))
    return Timed(case.name, case.size, case.why, median(wall for wall, _cpu in clock), median(cpu for _wall, cpu in clock), runs)


# What they are given -----------------------------------------------------------------------------------------------------
def _counts(rng: np.random.Generator, times: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Errors and inspected of many groups, whose rates differ."""
    sizes = rng.integers(1, 400, times * GROUPS)
    return rng.binomial(sizes, rng.beta(2, 48, times * GROUPS)).astype(float), sizes.astype(float)


def _rates(method: Callable[..., object], **options: object) -> Make:
    return lambda rng: (lambda x, n: lambda: method(x, n, **options))(*_counts(rng))


def _clustered(method: Callable[..., object], clusters: int) -> Make:
    def make(rng: np.random.Generator) -> Call:
        group = rng.integers(0, clusters, OBSERVATIONS)
        boxes = rng.integers(1, 20, OBSERVATIONS).astype(float)
        errors = rng.binomial(boxes.astype(int), 0.03).astype(float)
        return lambda: method(errors, boxes, group)

    return make


def _intervals(rng: np.random.Generator) -> Call:
    n = rng.integers(0, 500, OBSERVATIONS).astype(float)
    x = np.floor(n * rng.random(OBSERVATIONS))
    return lambda: intervals.wilson_many(x, n)


def _median(rng: np.random.Generator) -> Call:
    values = rng.lognormal(8, 0.3, GROUPS)
    return lambda: intervals.bootstrap(values)


def _chart(rng: np.random.Generator) -> Call:
    counts, sizes = (list(one) for one in _counts(rng))
    rates = [x / n for x, n in zip(counts, sizes, strict=True)]

    def call() -> object:
        found = control.chart(counts, sizes)
        assert found is not None
        return control.signals(rates, found)

    return call


def _expected(rng: np.random.Generator) -> Call:
    x, n = _counts(rng)
    return lambda: funnel.funnel(x, 0.04 * n, 1.0, overdispersion=False, basis="ratio")


def _strata(rng: np.random.Generator) -> Call:
    (x, n), (x0, n0) = _counts(rng), _counts(rng)
    return lambda: funnel.mantel_haenszel(x.tolist(), n.tolist(), x0.tolist(), n0.tolist())


def _sides(rng: np.random.Generator) -> Call:
    x, n = _counts(rng)
    rates, sizes, whole = (x / n).tolist(), n.tolist(), float(x.sum() / n.sum())
    return lambda: chance.sides(rates, sizes, whole)


def _ratios(rng: np.random.Generator) -> Call:
    x, n = _counts(rng, 3)
    people, projects = [f"w{i % GROUPS}" for i in range(3 * GROUPS)], [f"p{i}" for i in rng.integers(0, 50, 3 * GROUPS)]
    return lambda: chance.ratios(people, projects, x.tolist(), n.tolist())


def _tests(rng: np.random.Generator) -> Call:
    p = rng.random(OBSERVATIONS) ** 2
    return lambda: shrinkage.benjamini_hochberg(p)


def _weighted(rng: np.random.Generator) -> Call:
    x, n = _counts(rng)
    strata = list(zip((n * rng.integers(1, 30, GROUPS)).tolist(), n.tolist(), x.tolist(), strict=True))
    return lambda: sampling.weighted_rate(strata)


def _by_probability(rng: np.random.Generator) -> Call:
    bad, drawn = (rng.random(OBSERVATIONS) < 0.03).astype(float).tolist(), rng.uniform(0.01, 1, OBSERVATIONS).tolist()
    return lambda: sampling.horvitz_thompson(bad, drawn)


def _passing(rng: np.random.Generator) -> Call:
    n = rng.integers(20, 500, GROUPS)
    ac, a, b = n // 40, rng.uniform(1, 20, GROUPS), rng.uniform(100, 900, GROUPS)
    return lambda: sampling.pass_probability_many(n, ac, a, b)


def _plans(rng: np.random.Generator) -> Call:
    lots = rng.integers(2, 200_000, GROUPS).tolist()
    return lambda: [sampling.plan(lot, 1.5) for lot in lots]


def _lots(rng: np.random.Generator) -> Call:
    lots = [(found, 2) for found in rng.poisson(0.8, GROUPS).tolist()]
    return lambda: switching.replay(lots)


def _labels(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Items, raters and labels: five labels an item, of six classes, four in five of them right."""
    items = np.repeat(np.arange(size // 5), 5)
    right = rng.integers(0, 6, size // 5)[items]
    return items, rng.integers(0, 800, size), np.where(rng.random(size) < 0.8, right, rng.integers(0, 6, size))


def _alpha(draws: int) -> Make:
    def make(rng: np.random.Generator) -> Call:
        items, _raters, labels = _labels(rng, OBSERVATIONS)
        return lambda: agreement.alpha_by_item(items, labels, draws=draws)

    return make


def _numbers(rng: np.random.Generator) -> Call:
    """Lengths measured by five people each, to a millimetre."""
    items = np.repeat(np.arange(OBSERVATIONS // 5), 5)
    values = np.round(rng.lognormal(6, 0.5, OBSERVATIONS // 5)[items] * rng.lognormal(0, 0.05, OBSERVATIONS))
    return lambda: agreement.alpha_by_item(items, values, "interval")


def _two_raters(rng: np.random.Generator) -> Call:
    first = rng.integers(0, 6, OBSERVATIONS)
    second = np.where(rng.random(OBSERVATIONS) < 0.8, first, rng.integers(0, 6, OBSERVATIONS))
    return lambda: agreement.cohen_kappa_labels(first, second)


def _cohen(rng: np.random.Generator) -> Call:
    table = rng.multinomial(OBSERVATIONS, rng.dirichlet(np.ones(36))).reshape(6, 6)
    return lambda: agreement.cohen_kappa(table)


def _fleiss(rng: np.random.Generator) -> Call:
    counts = rng.multinomial(5, rng.dirichlet(np.ones(6) / 2, GROUPS))
    return lambda: agreement.fleiss_kappa(counts)


def _skills(part: int, listed: bool) -> Make:
    def make(rng: np.random.Generator) -> Call:
        items, raters, labels = _labels(rng, OBSERVATIONS // part)
        if listed:
            given = items.tolist(), raters.tolist(), labels.tolist()
            return lambda: truth.dawid_skene(*given)
        return lambda: truth.dawid_skene(items, raters, labels)

    return make


def _gold(rng: np.random.Generator) -> Call:
    raters, items = rng.integers(0, 800, OBSERVATIONS), rng.integers(0, GROUPS, OBSERVATIONS)
    answers = np.where(rng.random(OBSERVATIONS) < 0.9, items % 6, (items + 1) % 6)
    keys = {item: item % 6 for item in range(GROUPS)}
    return lambda: gold.gold_accuracy(raters, items, answers, keys)


def _spells(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Days employed, whether they left, and days since hire."""
    age, stay = rng.integers(1, 1_000, OBSERVATIONS), np.ceil(rng.exponential(300, OBSERVATIONS))
    return np.minimum(age, stay), stay <= age, age.astype(float)


def _kaplan_meier(rng: np.random.Generator) -> Call:
    days, left, _age = _spells(rng)
    return lambda: survival.kaplan_meier(days, left)


def _logrank(rng: np.random.Generator) -> Call:
    days, left, _age = _spells(rng)
    site = rng.integers(0, 2, OBSERVATIONS)
    return lambda: survival.logrank(days, left, site)


def _covariates(rng: np.random.Generator) -> Call:
    days, left, _age = _spells(rng)
    given = {"dormitory": rng.integers(0, 2, OBSERVATIONS).astype(float), "pay": rng.normal(size=OBSERVATIONS)}
    return lambda: survival.cox(days, left, given)


def _risk(tenure: risk.Tenure) -> Make:
    def make(rng: np.random.Generator) -> Call:
        weeks = rng.integers(1, 105, OBSERVATIONS)
        pay, idle = rng.normal(size=OBSERVATIONS), rng.random(OBSERVATIONS)
        left = rng.random(OBSERVATIONS) < 1 / (1 + np.exp(3.5 + 0.01 * weeks + 0.4 * pay - 0.8 * idle))
        return lambda: risk.fit(weeks, left, {"pay": pay, "idle": idle}, tenure)

    return make


def _chances(rng: np.random.Generator) -> Call:
    p = rng.beta(1, 20, OBSERVATIONS)
    left, site = rng.random(OBSERVATIONS) < p, rng.integers(0, 10, OBSERVATIONS)
    return lambda: risk.validate(p, left, site)


def _causes(rng: np.random.Generator) -> Call:
    days, left, _age = _spells(rng)
    causes = [
        ("quit" if quit_ else "dismissed") if gone else None for gone, quit_ in zip(left, rng.random(OBSERVATIONS) < 0.7, strict=True)
    ]
    return lambda: survival.cumulative_incidence(days, causes)


def _leaving(rng: np.random.Generator) -> Call:
    days, left, _age = _spells(rng)
    curve = survival.kaplan_meier(days, left)
    return lambda: survival.expected_leavers(days[:GROUPS].tolist(), curve, 60)


def _early(rng: np.random.Generator) -> Call:
    days, left, age = _spells(rng)
    return lambda: survival.early_attrition(days, left, age)


def _periods(rng: np.random.Generator) -> Call:
    months = rng.integers(1, 60, GROUPS)
    left = rng.random(GROUPS) < 0.5
    return lambda: survival.person_period(months, left)


def _cohorts(rng: np.random.Generator) -> Call:
    days, left, age = (one[:GROUPS].tolist() for one in _spells(rng))
    cohorts = [f"2026-{int(a) % 12 + 1:02}" for a in age]
    return lambda: tenure.cohort_matrix(cohorts, days, left, age, [30, 60, 90, 180, 365])


def _income(method: Callable[..., object], people: int) -> Make:
    return lambda rng: (lambda pay: lambda: method(pay))(rng.lognormal(8.5, 0.4, people))


def _paces(rng: np.random.Generator) -> Call:
    size = 20 * GROUPS  # two projects, ten days
    people = [f"w{i // 20}" for i in range(size)]
    projects = [f"p{(i // 20 + i % 2) % 50}" for i in range(size)]
    days = [i // 2 % 10 for i in range(size)]
    rates, hours = rng.lognormal(3, 0.3, size).tolist(), rng.uniform(1, 5, size).tolist()
    return lambda: standardised.pace(people, projects, days, rates, hours)


def _efficiency(rng: np.random.Generator) -> Call:
    units, seconds, hours = rng.integers(1, 300, OBSERVATIONS), rng.uniform(10, 100, OBSERVATIONS), rng.uniform(0.5, 8, OBSERVATIONS)
    given = units.tolist(), seconds.tolist(), hours.tolist()
    return lambda: standardised.efficiency(*given)


def _learning(asymptote: bool) -> Make:
    def make(rng: np.random.Generator) -> Call:
        units = rng.integers(1, 20_000, OBSERVATIONS).astype(float)
        seconds = (20 + 60 * units**-0.3) * rng.lognormal(0, 0.3, OBSERVATIONS)
        projects = rng.integers(0, 20, OBSERVATIONS)
        return lambda: learning.fit(units, seconds, projects, asymptote)

    return make


def _ramp(rng: np.random.Generator) -> Call:
    days = rng.integers(5, 60, GROUPS).tolist()
    ways = [(None, "left", "reached", "reached", "reached")[i] for i in rng.integers(0, 5, GROUPS)]
    return lambda: learning.ramp(days, ways)


def _fatigue(rng: np.random.Generator) -> Call:
    people, shifts, hours = rng.integers(0, 200, OBSERVATIONS), rng.integers(0, 50, OBSERVATIONS), rng.uniform(0.3, 8, OBSERVATIONS)
    seconds, projects = 30 * 1.02**hours * rng.lognormal(0, 0.3, OBSERVATIONS), rng.integers(0, 20, OBSERVATIONS)
    return lambda: fatigue.fit(seconds, hours, people, shifts, projects)


def _lines(rng: np.random.Generator) -> dict[str, bridge.Line]:
    price, cost = rng.integers(3, 90, GROUPS), rng.integers(1, 60, GROUPS)
    return {
        f"p{i}": bridge.Line(int(q), Decimal(int(price[i])) / 1000, Decimal(int(cost[i])) / 1000)
        for i, q in enumerate(rng.integers(1, 100_000, GROUPS))
    }


def _bridge(method: Callable[..., object]) -> Make:
    return lambda rng: (lambda before, after: lambda: method(before, after))(_lines(rng), _lines(rng))


def _prices(rng: np.random.Generator) -> Call:
    prices, quantities = rng.lognormal(0, 0.3, (36, GROUPS)), rng.integers(1, 1_000, (36, GROUPS)).astype(float)
    return lambda: price_index.fisher(prices, quantities)


def _tiers(rng: np.random.Generator) -> Call:
    work = [
        tiers.Delivery(int(tier), int(units), Decimal("0.06"), Decimal("0.05"))
        for tier, units in zip(rng.integers(0, 4, GROUPS), rng.integers(1, 9_999, GROUPS), strict=True)
    ]
    return lambda: tiers.tiers(work)


def _finish(rng: np.random.Generator) -> Call:
    done = rng.uniform(500, 1_500, 20).tolist()
    return lambda: forecast.finish(done, 60_000.0, date(2026, 3, 2), rework=0.05, due=date(2026, 6, 1))


CASES = (
    Case("intervals.wilson_many", "1 M groups", _intervals),
    Case("intervals.ratio_by_cluster", "1 M observations, 100,000 clusters", _clustered(intervals.ratio_by_cluster, 100_000)),
    Case("control.chart, signals", "10,000 points", _chart),
    Case("funnel.funnel", "10,000 groups", _rates(funnel.funnel)),
    Case("funnel.funnel of ratios, exact limits", "10,000 groups", _expected),
    Case("funnel.mantel_haenszel", "10,000 strata", _strata),
    Case("chance.sides", "10,000 groups", _sides),
    Case("chance.ratios", "10,000 people, 3 projects each", _ratios),
    Case("shrinkage.beta_binomial", "10,000 people", _rates(shrinkage.beta_binomial)),
    Case("shrinkage.beta_binomial by volume", "10,000 people", _rates(shrinkage.beta_binomial, volume=True)),
    Case("shrinkage.benjamini_hochberg", "1 M tests", _tests),
    Case("sampling.plan", "10,000 lots", _plans),
    Case("sampling.weighted_rate", "10,000 strata", _weighted),
    Case("sampling.horvitz_thompson", "1 M items", _by_probability),
    Case("sampling.pass_probability_many", "10,000 batches", _passing),
    Case("switching.replay", "10,000 lots", _lots),
    Case("agreement.alpha_by_item without interval", "1 M ratings", _alpha(0)),
    Case("agreement.alpha_by_item with interval", "1 M ratings", _alpha(intervals.DRAWS)),
    Case("agreement.cohen_kappa", "1 M items", _cohen),
    Case("agreement.cohen_kappa_labels", "1 M items, arrays", _two_raters),
    Case("agreement.fleiss_kappa", "10,000 items", _fleiss),
    Case("truth.dawid_skene", "100,000 labels, arrays", _skills(10, listed=False)),
    Case("gold.gold_accuracy", "1 M answers", _gold),
    Case("survival.kaplan_meier", "1 M people", _kaplan_meier),
    Case("survival.logrank", "1 M people, 2 groups", _logrank),
    Case("survival.cumulative_incidence", "1 M people, 2 causes", _causes),
    Case("survival.cox", "1 M people, 2 covariates", _covariates),
    Case("risk.fit by period", "1 M person-weeks, 2 covariates", _risk("periods")),
    Case("risk.fit by spline", "1 M person-weeks, 2 covariates", _risk("spline")),
    Case("risk.validate", "1 M people, 10 groups", _chances),
    Case("survival.person_period", "10,000 people", _periods),
    Case("survival.expected_leavers", "10,000 people", _leaving),
    Case("survival.early_attrition", "1 M people", _early),
    Case("tenure.cohort_matrix", "10,000 people, 12 cohorts", _cohorts),
    Case("inequality.gini", "1 M people", _income(inequality.gini, OBSERVATIONS)),
    Case("inequality.concentration", "10,000 clients", _income(inequality.concentration, GROUPS)),
    Case("standardised.pace", "10,000 people, 2 projects, 10 days", _paces),
    Case("standardised.efficiency", "1 M rows", _efficiency),
    Case("learning.fit", "1 M observations, 20 projects", _learning(False)),
    Case("learning.ramp", "10,000 people", _ramp),
    Case("fatigue.fit", "1 M units, 10,000 shifts, 20 projects", _fatigue),
    Case("bridge.price_volume_mix", "10,000 products", _bridge(bridge.price_volume_mix)),
    Case("bridge.margin", "10,000 products", _bridge(bridge.margin)),
    Case("price_index.fisher", "36 months, 10,000 products", _prices),
    Case("tiers.tiers", "10,000 deliveries", _tiers),
    Case("forecast.finish", "10,000 simulations, about 60 days", _finish),
    Case("intervals.bootstrap_ratio", "1 M observations, 10,000 clusters", _clustered(intervals.bootstrap_ratio, GROUPS)),
    Case("intervals.bootstrap of a median", "10,000 values", _median),
    Case("inequality.distribution", "10,000 people", _income(inequality.distribution, GROUPS)),
    Case(
        "agreement.alpha_by_item of numbers, with interval", "1 M ratings, no two items alike", _numbers,
        "2,000 draws of 200,000 items, none of which can stand for another",
    ),
    Case("truth.dawid_skene", "1 M labels, lists", _skills(1, listed=True), "goes on until it converges, here 52 turns"),
)  # fmt: skip
