"""Who works in the invented base: three years of hiring, leaving, moving, promotion, on two sites."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from data.demo.names import CHANNELS, CONTRACTS, GIVEN_FIRST, GIVEN_SECOND, LEAVE_REASONS, SURNAMES, ordinal
from data.demo.projects import TRADES

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_Hire = Callable[[int, int, int], None]
_Note = Callable[[int, int], None]

ANNOTATOR, REVIEWER, LEAD, MANAGER, HR, EXECUTIVE = range(6)
ROLES = ("annotator", "reviewer", "team_lead", "site_manager", "hr", "executive")
OFFICE = len(TRADES)  # the "trade" of people who do not label
STAYS = 10**6  # the day nobody reaches: still employed
HISTORY = 1000  # days from the opening of the base to today
TEAM = 22


@dataclass(frozen=True, slots=True)
class Site:
    """A base. opened: days before today; size: headcount relative to the first site; growth: (day since opening, share of full size)."""

    id: str
    zh: str
    en: str
    seats: int
    minimum_wage: int
    opened: int
    size: float
    growth: tuple[tuple[int, float], ...]


SITES = (
    Site("QJ", "清涧基地", "Qingjian base", 1000, 2050, HISTORY, 1.0, ((0, 0.25), (150, 0.6), (420, 0.85), (720, 0.97), (HISTORY, 1.0))),
    Site("YH", "永和基地", "Yonghe base", 300, 1950, 600, 0.3, ((0, 0.3), (200, 0.8), (420, 1.0), (600, 1.0))),
)


class Team(NamedTuple):
    """A team of one site and one trade."""

    id: str
    zh: str
    en: str
    site: int
    trade: int


class Spell(NamedTuple):
    """One stretch of employment; `left` is STAYS for those still here. Reason, channel and contract index the tables in names."""

    worker: int
    hired: int
    left: int
    reason: int
    channel: int
    contract: int


class Move(NamedTuple):
    """From this day on the worker has this place, role and level (1 is the lowest: 五级/初级工)."""

    worker: int
    day: int
    site: int
    team: int
    role: int
    level: int


@dataclass(frozen=True, slots=True)
class State:
    """Everybody's situation at the end of one day; arrays are indexed by worker."""

    here: npt.NDArray[np.bool_]
    tenure: Ints
    site: Ints
    team: Ints
    role: Ints
    level: Ints


class Cast:
    """Workers with their spells and moves, and the traits that decide how fast and how well each works."""

    def __init__(self, people: int, today: int, seed: int) -> None:
        rng = np.random.default_rng([seed, 1])
        self.today = today
        self.teams = _teams(people)
        self.spells, self.moves, homes = _history(people, today, self.teams, rng)
        count = len(homes)
        order = np.zeros(len(SITES), dtype=int)
        self.ids: list[str] = []
        for site in homes:
            order[site] += 1
            self.ids.append(f"{SITES[site].id}{order[site]:05d}")
        draw = rng.random((count, 4))
        self.names = [
            SURNAMES[int(a * a * len(SURNAMES))]
            + (GIVEN_FIRST[int(b * len(GIVEN_FIRST))] if d < 0.72 else "")
            + GIVEN_SECOND[int(c * len(GIVEN_SECOND))]
            for a, b, c, d in draw
        ]
        self.speed: Floats = np.exp(rng.normal(0, 0.12, count)).clip(0.7, 1.4)
        self.error: Floats = np.exp(rng.normal(np.log(0.036), 0.32, count)).clip(0.02, 0.08)
        self.strictness: Floats = np.exp(rng.normal(0, 0.16, count))
        self.keen: Floats = rng.beta(2, 6, count)  # how readily a person takes overtime
        self.evening = rng.random(count) < 0.07
        self.fraction = np.ones(count)
        for spell in self.spells:
            self.fraction[spell.worker] = CONTRACTS[spell.contract][2]
        ordered = sorted(self.moves)
        self._moves = np.array(ordered, dtype=np.int64)
        self._move_keys = self._moves[:, 0] * STAYS + self._moves[:, 1]
        spells = np.array(sorted(self.spells), dtype=np.int64)
        self._spells, self._spell_keys = spells, spells[:, 0] * STAYS + spells[:, 1]

    @property
    def team_trade(self) -> Ints:
        """The trade of each team, by team index."""
        return np.array([team.trade for team in self.teams], dtype=np.int64)

    def at(self, day: int) -> State:
        """The situation on a day (days since 1970-01-01). Workers not yet hired have whatever place they begin with."""
        workers = np.arange(len(self.ids), dtype=np.int64)
        spell = np.searchsorted(self._spell_keys, workers * STAYS + day, side="right") - 1
        known = (spell >= 0) & (self._spells[np.maximum(spell, 0), 0] == workers)
        hired, left = self._spells[np.maximum(spell, 0), 1], self._spells[np.maximum(spell, 0), 2]
        move = np.maximum(np.searchsorted(self._move_keys, workers * STAYS + day, side="right") - 1, 0)
        rows = self._moves[move]
        return State(known & (left > day), np.where(known, day - hired, 0), rows[:, 2], rows[:, 3], rows[:, 4], rows[:, 5])

    def leads(self, day: int) -> dict[int, int]:
        """Team index → its lead on a day."""
        state = self.at(day)
        found = np.flatnonzero(state.here & (state.role == LEAD))
        return {int(state.team[worker]): int(worker) for worker in found}


def _teams(people: int) -> list[Team]:
    """As many teams as full strength needs, one trade each, and the office of each site."""
    teams: list[Team] = []
    for number, site in enumerate(SITES):
        mine = 0
        for trade, spec in enumerate(TRADES):
            if spec.code == "medical" and number:
                continue
            for _ in range(max(1, round(people * site.size * spec.share / TEAM))):
                mine += 1
                teams.append(
                    Team(f"{site.id}-T{mine:02d}", f"{site.zh[:2]}{ordinal(mine)}组", f"{site.en.split()[0]} team {mine}", number, trade)
                )
        teams.append(Team(f"{site.id}-OFFICE", f"{site.zh[:2]}综合组", f"{site.en.split()[0]} office", number, OFFICE))
    return teams


def _shape(days: int) -> Floats:
    """The daily hazard of leaving by tenure, before scaling: first weeks, a hump near month three, then settling."""
    age = np.arange(days)
    return 1 + 1.6 * np.exp(-age / 12) + 4.5 * np.exp(-(((age - 82) / 16) ** 2) / 2) - 0.3 * (age > 365)


def _targets(people: int, day: int, today: int) -> list[int]:
    """Planned headcount of each site on a day."""
    found = []
    for site in SITES:
        since = site.opened - (today - day)
        share = float(np.interp(since, [start for start, _ in site.growth], [part for _, part in site.growth]))
        found.append(round(people * site.size * share) if since >= 0 else 0)
    return found


@lru_cache
def _scale(turnover: float) -> float:
    """What to multiply the hazard with for a yearly turnover (leavers of the last year over average headcount), in weekly steps."""
    weeks = HISTORY // 7 + 1
    weekly = _shape(weeks * 7).reshape(weeks, 7).sum(axis=1)
    plan = [sum(_targets(10_000, 7 * week, 7 * weeks)) for week in range(weeks)]
    scale = turnover / 365
    for _ in range(8):
        stay = np.exp(-scale * weekly)
        ages = np.zeros(weeks + 1)
        gone, average = 0.0, 0.0
        for week, target in enumerate(plan):
            survivors = ages[:-1] * stay
            if week >= weeks - 52:
                gone += ages[:-1].sum() - survivors.sum()
                average += ages.sum() / 52
            ages[1:] = survivors
            ages[0] = max(0.0, target - ages[1:].sum())
        scale *= turnover / (gone / average)
    return scale


class _Rolls:
    """The growing table of spells while history is played; columns are arrays with room to spare."""

    def __init__(self, room: int) -> None:
        self.size = 0
        self.worker, self.hired, self.site, self.team, self.role, self.level, self.channel, self.contract, self.reason = (
            np.zeros(room, dtype=np.int64) for _ in range(9)
        )
        self.left = np.full(room, STAYS, dtype=np.int64)
        self.rank = np.zeros((room, 4), dtype=np.int64)  # tenure at which level 2 … 5 is reached

    def active(self) -> Ints:
        return np.flatnonzero(self.left[: self.size] == STAYS)


def _history(people: int, today: int, teams: list[Team], rng: np.random.Generator) -> tuple[list[Spell], list[Move], list[int]]:
    """Play every day from the opening to today."""
    trade_of = np.array([team.trade for team in teams])
    site_of = np.array([team.site for team in teams])
    rolls = _Rolls(people * 8 + 400)
    moves: dict[tuple[int, int], Move] = {}
    homes: list[int] = []
    hazards = np.stack([_shape(HISTORY + 1) * _scale(trade.turnover) for trade in TRADES] + [np.full(HISTORY + 1, 0.05 / 365)])
    channel_hazard = np.array([hazard for _, _, hazard in CHANNELS])
    channel_hazard *= 1.04 / (channel_hazard * [share for _, share, _ in CHANNELS]).sum()  # those who stay come from steadier channels
    due = rng.random(len(hazards))  # leavers owed so far, by trade: whole numbers leave
    shares = np.array([trade.share for trade in TRADES])

    def note(spell: int, day: int) -> None:
        worker = int(rolls.worker[spell])
        moves[worker, day] = Move(
            worker, day, int(site_of[rolls.team[spell]]), int(rolls.team[spell]), int(rolls.role[spell]), int(rolls.level[spell])
        )

    def hire(day: int, team: int, role: int) -> None:
        spell = rolls.size
        back = np.flatnonzero(
            (rolls.left[:spell] < day - 60)
            & (rolls.left[:spell] > day - 400)
            & (rolls.reason[:spell] <= 3)
            & (site_of[rolls.team[:spell]] == site_of[team])
        )
        again = role == ANNOTATOR and len(back) > 0 and rng.random() < 0.04
        worker = int(rolls.worker[rng.choice(back)]) if again else -1
        if worker < 0 or np.any((rolls.worker[:spell] == worker) & (rolls.left[:spell] > day - 60)):
            worker = len(homes)
            homes.append(int(site_of[team]))
        rolls.size += 1
        rolls.worker[spell], rolls.hired[spell], rolls.team[spell], rolls.role[spell] = worker, day, team, role
        rolls.level[spell] = 1 if role == ANNOTATOR else 4
        rolls.channel[spell] = rng.choice(len(CHANNELS), p=[share for _, share, _ in CHANNELS])
        rolls.contract[spell] = (
            2
            if CHANNELS[rolls.channel[spell]][0] == "职校合作" and rng.random() < 0.4
            else rng.choice(len(CONTRACTS), p=[s for _, s, _ in CONTRACTS])
        )
        rolls.rank[spell] = rng.normal((90, 290, 640, 950), (15, 40, 80, 60)) if role == ANNOTATOR else 0
        note(spell, day)

    for day in range(today - HISTORY, today + 1):
        active = rolls.active()
        tenure = day - rolls.hired[active]
        trade = trade_of[rolls.team[active]]
        hazard = hazards[trade, tenure] * channel_hazard[rolls.channel[active]] * (tenure > 0)
        for one in range(len(hazards)):
            mine = active[trade == one]
            if len(mine):
                order = rng.permutation(len(mine))
                owed = due[one] + np.cumsum(hazard[trade == one][order])
                gone = mine[order][np.diff(np.floor(owed), prepend=np.floor(due[one])) > 0]
                due[one] = owed[-1]
                for spell in gone:
                    rolls.left[spell] = day
                    rolls.reason[spell] = _reason(int(day - rolls.hired[spell]), rng)
        if (day + 3) % 7:  # 1970-01-01 was a Thursday: the rest happens on Mondays
            continue
        for site, target in enumerate(_targets(people, day, today)):
            if target:
                _intake(day, site, target, teams, rolls, shares, hire)
                _promote(day, site, teams, rolls, note, rng)
        if day % 28 < 7:
            _shuffle(day, today, teams, rolls, note, rng)
    spells = [
        Spell(*(int(column[spell]) for column in (rolls.worker, rolls.hired, rolls.left, rolls.reason, rolls.channel, rolls.contract)))
        for spell in range(rolls.size)
    ]
    return spells, list(moves.values()), homes


def _reason(tenure: int, rng: np.random.Generator) -> int:
    weights = np.array([weight * (not early or tenure <= 90) * (2.0 if early else 1.0) for _, _, weight, early in LEAVE_REASONS])
    return int(rng.choice(len(LEAVE_REASONS), p=weights / weights.sum()))


def _intake(day: int, site: int, target: int, teams: list[Team], rolls: _Rolls, shares: Floats, hire: _Hire) -> None:
    """Hire up to the plan: managers and HR once, then whichever trade lacks most, into its smallest team."""
    active = rolls.active()
    sizes = np.bincount(rolls.team[active], minlength=len(teams))
    office = next(number for number, team in enumerate(teams) if team.site == site and team.trade == OFFICE)
    staff = rolls.role[active[rolls.team[active] == office]]
    wanted = {MANAGER: 1, HR: max(1, target // 250), EXECUTIVE: int(site == 0)} if target >= 15 else {}
    for role, number in wanted.items():
        for _ in range(number - int((staff == role).sum())):
            hire(day, office, role)
            sizes[office] += 1
    mine = [number for number, team in enumerate(teams) if team.site == site]
    of_trade = {trade: [number for number in mine if teams[number].trade == trade] for trade in range(len(TRADES))}
    local = np.array([share if of_trade[trade] else 0.0 for trade, share in enumerate(shares)])
    goal = local / local.sum() * (target - sizes[office])
    have = np.array([sizes[of_trade[trade]].sum() for trade in range(len(TRADES))])
    for _ in range(target - int(sizes[mine].sum())):
        trade = int(np.argmax((goal - have) / np.sqrt(np.maximum(goal, 1e-9))))
        team = min(of_trade[trade], key=lambda number: int(sizes[number]))
        hire(day, team, ANNOTATOR)
        sizes[team] += 1
        have[trade] += 1


def _promote(day: int, site: int, teams: list[Team], rolls: _Rolls, note: _Note, rng: np.random.Generator) -> None:
    """Every team has a lead, every trade its share of reviewers, about one in twelve; the experienced are chosen."""
    active = rolls.active()
    active = active[np.array([teams[team].site == site and teams[team].trade != OFFICE for team in rolls.team[active]], dtype=bool)]
    if not len(active):
        return

    def choose(pool: Ints, role: int) -> None:
        spell = int(
            pool[np.argsort(rolls.hired[pool], kind="stable")[: max(1, len(pool) // 4)]][
                0 if role == LEAD else rng.integers(max(1, len(pool) // 4))
            ]
        )
        rolls.role[spell], rolls.level[spell] = role, max(3, int(rolls.level[spell]))
        note(spell, day)

    for team in np.unique(rolls.team[active]):
        members = active[rolls.team[active] == team]
        if len(members) >= 5 and not (rolls.role[members] == LEAD).any():
            choose(members, LEAD)
    trade = np.array([teams[team].trade for team in rolls.team[active]])
    quota = np.bincount(trade, minlength=len(TRADES)) / [trade.per_reviewer for trade in TRADES]
    number = np.floor(quota).astype(int)
    for one in np.argsort(number - quota, kind="stable")[: round(float(quota.sum())) - int(number.sum())]:
        number[one] += 1
    for one in range(len(TRADES)):
        members = active[trade == one]
        for _ in range(int(number[one]) - int((rolls.role[members] == REVIEWER).sum())):
            pool = members[rolls.role[members] == ANNOTATOR]
            if len(members) >= 4 and len(pool):
                choose(pool, REVIEWER)


def _shuffle(day: int, today: int, teams: list[Team], rolls: _Rolls, note: _Note, rng: np.random.Generator) -> None:
    """Every fourth Monday: levels earned, some people move to another team, a few to the other site."""
    active = rolls.active()
    reached = 1 + (rolls.rank[active] <= (day - rolls.hired[active])[:, None]).sum(axis=1)
    for spell, level in zip(active, reached, strict=True):
        if level > rolls.level[spell] and rolls.role[spell] <= LEAD:
            rolls.level[spell] = level
            note(int(spell), day)
    able = active[(rolls.role[active] == ANNOTATOR) & (rolls.hired[active] < day - 30)]
    for spell in able[rng.random(len(able)) < 0.014]:
        here = teams[rolls.team[spell]]
        away = rng.random() < 0.12
        choice = [
            number for number, team in enumerate(teams)
            if number != rolls.team[spell] and team.trade != OFFICE and (team.site != here.site) == away
            and (team.trade == here.trade or (not away and TRADES[team.trade].kind == TRADES[here.trade].kind))
            and day >= today - SITES[team.site].opened
        ]  # fmt: skip
        if choice:
            rolls.team[spell] = int(rng.choice(choice))
            note(int(spell), day)
