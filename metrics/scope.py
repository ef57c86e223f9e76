"""Who may see which rows and fields. A Scope is a required argument of every query."""

from __future__ import annotations

from dataclasses import dataclass, field

from data.codes import ROLES
from data.errors import NameUnknown, NotAllowed
from metrics.model import Field

FIELD_WORDS: dict[Field, tuple[str, str]] = {
    "names": ("who the people are", "人员身份"),
    "pay": ("pay", "工资"),
    "client_prices": ("client prices", "客户价格"),
}
SMALLEST_GROUP = 5  # groups of fewer people are not shown to those who may not see the people


@dataclass(frozen=True, slots=True)
class Scope:
    """Rows: `sites` and `teams` (ids; None means all) and `worker` (own rows only). `fields`: names, pay, client_prices."""

    role: str
    sites: frozenset[str] | None
    teams: frozenset[str] | None
    worker: str | None
    fields: frozenset[Field] = field(default_factory=frozenset)

    @property
    def sees_people(self) -> bool:
        """True when single people may be shown: by right, or because all rows are one's own."""
        return "names" in self.fields or self.worker is not None

    def require(self, needed: frozenset[Field], what: str) -> None:
        """Raises NotAllowed naming `what` and the first missing field."""
        for name in sorted(needed - self.fields):
            en, zh = FIELD_WORDS[name]
            raise NotAllowed(f"“{what}” shows {en}, which your role may not see.", f"“{what}”涉及{zh}，当前角色无权查看。")


EVERYTHING: frozenset[Field] = frozenset(FIELD_WORDS)
SYSTEM = Scope("admin", None, None, None, EVERYTHING)  # the command line on the machine that holds the store


def scope_for(role: str, site: str | None = None, team: str | None = None, worker: str | None = None) -> Scope:
    """The scope of a signed-in person. Raises NotAllowed when the account lacks the site, team or worker its role is bound to.

    >>> sorted(scope_for("site_manager", site="S1").sites or ())
    ['S1']
    """
    sites = frozenset({site}) if site else None
    match role:
        case "admin":
            return Scope(role, sites, None, None, EVERYTHING)
        case "executive":
            return Scope(role, sites, None, None, frozenset({"pay", "client_prices"}))
        case "hr":
            return Scope(role, sites, None, None, frozenset({"names", "pay"}))
        case "site_manager":
            return Scope(role, frozenset({_bound(site, role, "site", "基地")}), None, None, frozenset({"names"}))
        case "team_lead":
            return Scope(role, sites, frozenset({_bound(team, role, "team", "班组")}), None, frozenset({"names"}))
        case "annotator" | "reviewer":
            return Scope(role, None, None, _bound(worker, role, "worker", "人员"), frozenset({"pay"}))
    raise NameUnknown("role", role, ROLES, "角色")


def _bound(value: str | None, role: str, what: str, zh: str) -> str:
    if not value:
        raise NotAllowed(f"An account with the role {role} must name a {what}.", f"角色 {role} 的账号必须指定{zh}。")
    return value
