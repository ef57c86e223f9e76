"""Closed sets, and the small integers the log keeps for them (work.action, review.stage, …)."""

from __future__ import annotations

ACTIONS: tuple[str, ...] = ("annotate", "rework", "review", "clean")
STAGES: tuple[str, ...] = ("self", "qc1", "qc2", "client", "gold")
VERDICTS: tuple[str, ...] = ("accept", "fix", "reject")
CLOCKS: tuple[str, ...] = ("reported", "gap_100s", "lead_time", "active", "wall")
DECISIONS: tuple[str, ...] = ("accept", "reject", "pending")
PAY_ON: tuple[str, ...] = ("submit", "pass", "accept")
ROLES: tuple[str, ...] = ("annotator", "reviewer", "team_lead", "site_manager", "hr", "executive", "admin")

ANNOTATE, REWORK, REVIEW, CLEAN = range(4)
ACCEPT, FIX, REJECT = range(3)

# Seconds per unit are kept as counts in log-spaced buckets: bucket b holds (GAMMA**(b-1), GAMMA**b] and is read back as
# 2·GAMMA**b / (GAMMA + 1), so no percentile is off by more than PACE_ERROR (Masson, Rim & Lee 2019, DDSketch, VLDB 12(12)).
PACE_ERROR = 0.01
PACE_GAMMA = (1 + PACE_ERROR) / (1 - PACE_ERROR)
PACE_ZERO = -32768  # the bucket of rows that took no measurable time
