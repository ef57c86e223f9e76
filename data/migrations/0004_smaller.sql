-- Items that only one row speaks of are counted by the roll-ups; only the others are looked for in the log.
ALTER TABLE work_day ADD COLUMN lone_rows INTEGER DEFAULT 0;
ALTER TABLE work_hour ADD COLUMN lone_rows INTEGER DEFAULT 0;
ALTER TABLE review_day ADD COLUMN lone_rows INTEGER DEFAULT 0;
ALTER TABLE review_day ADD COLUMN lone_rejected_rows INTEGER DEFAULT 0;
COMMENT ON COLUMN work_day.lone_rows IS 'submissions that are the only ones of their item';
COMMENT ON COLUMN work_hour.lone_rows IS 'submissions that are the only ones of their item';
COMMENT ON COLUMN review_day.lone_rows IS 'reviews that are the only ones of their item';
COMMENT ON COLUMN review_day.lone_rejected_rows IS 'of lone_rows, with verdict reject';

CREATE TEMP TABLE folded AS
SELECT business_date, worker_key, team_key, site_key, project_key, batch_key, action, round, clock,
    sum(COLUMNS(* EXCLUDE (business_date, worker_key, team_key, site_key, project_key, batch_key, action, round, clock)))
FROM (FROM work_day UNION ALL BY NAME
    SELECT business_date, worker_key, team_key, site_key, project_key, batch_key, action, round, clock, count(*)::INTEGER AS lone_rows
    FROM work WHERE action IN (0, 1) AND repeat_of IS NULL GROUP BY ALL) AS both_rows
GROUP BY ALL;
DELETE FROM work_day;
INSERT INTO work_day BY NAME FROM folded ORDER BY business_date, worker_key, project_key;
DROP TABLE folded;

CREATE TEMP TABLE folded AS
SELECT business_date, hour, worker_key, team_key, site_key, project_key, action, clock,
    sum(COLUMNS(* EXCLUDE (business_date, hour, worker_key, team_key, site_key, project_key, action, clock)))
FROM (FROM work_hour UNION ALL BY NAME
    SELECT business_date, hour, worker_key, team_key, site_key, project_key, action, clock, count(*)::INTEGER AS lone_rows
    FROM work WHERE action IN (0, 1) AND repeat_of IS NULL GROUP BY ALL) AS both_rows
GROUP BY ALL;
DELETE FROM work_hour;
INSERT INTO work_hour BY NAME FROM folded ORDER BY business_date, hour, worker_key, project_key;
DROP TABLE folded;

CREATE TEMP TABLE folded AS
SELECT business_date, review_date, worker_key, team_key, site_key, reviewer_key, project_key, batch_key, action, round, stage, error_type,
    sum(COLUMNS(* EXCLUDE (business_date, review_date, worker_key, team_key, site_key, reviewer_key, project_key, batch_key, action, round, stage,
        error_type)))
FROM (FROM review_day UNION ALL BY NAME
    SELECT work_date AS business_date, review_date, worker_key, team_key, site_key, reviewer_key, project_key, batch_key, work_action AS action,
        round, stage, error_type, count(*)::INTEGER AS lone_rows, (count(*) FILTER (verdict = 2))::INTEGER AS lone_rejected_rows
    FROM review WHERE repeat_of IS NULL GROUP BY ALL) AS both_rows
GROUP BY ALL;
DELETE FROM review_day;
INSERT INTO review_day BY NAME FROM folded ORDER BY business_date, worker_key, project_key;
DROP TABLE folded;
ALTER TABLE work_day ALTER COLUMN lone_rows SET NOT NULL;
ALTER TABLE work_hour ALTER COLUMN lone_rows SET NOT NULL;
ALTER TABLE review_day ALTER COLUMN lone_rows SET NOT NULL;
ALTER TABLE review_day ALTER COLUMN lone_rejected_rows SET NOT NULL;

-- A length is written once: most tools give as the duration what lies between start and submission.
COMMENT ON COLUMN work.wall_s IS 'submission minus start, s; null without a start, or where that is `seconds`';
UPDATE work SET wall_s = NULL WHERE wall_s = seconds;
