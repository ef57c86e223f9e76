-- Items whose reviews all fall under one row of a roll-up are counted by it; and a roll-up without who checked, a third of the size.
ALTER TABLE review ADD COLUMN once UTINYINT;
COMMENT ON COLUMN review.once IS 'what it adds to the items counted by day: 1, or 2 for one sent back; 0 where another review of the item adds it; null where the reviews of the item fall under several days, people, teams, batches or attempts';
UPDATE review SET once = 1 + (verdict = 2)::INTEGER;
UPDATE review SET once = t.once FROM (
    WITH several AS (
        SELECT project_key, item_id, bool_or(verdict = 2) AS sent_back,
            min(hash(work_date, worker_key, site_key, team_key, batch_key, work_action, round))
                = max(hash(work_date, worker_key, site_key, team_key, batch_key, work_action, round)) AS together
        FROM review GROUP BY ALL HAVING count(*) > 1
    )
    SELECT r.rowid AS id, CASE WHEN NOT s.together THEN NULL
        WHEN row_number() OVER (PARTITION BY r.project_key, r.item_id ORDER BY r.ts NULLS LAST, r.stage, r.source_key, r.review_id) > 1 THEN 0
        ELSE 1 + s.sent_back::INTEGER END AS once
    FROM review AS r JOIN several AS s ON s.project_key = r.project_key AND s.item_id = r.item_id
) AS t WHERE review.rowid = t.id;

CREATE TABLE judged_day (business_date DATE, worker_key INTEGER NOT NULL, team_key SMALLINT NOT NULL, site_key SMALLINT NOT NULL,
    project_key SMALLINT NOT NULL, batch_key INTEGER NOT NULL, action UTINYINT, round USMALLINT NOT NULL,
    verdicts INTEGER NOT NULL, rejections INTEGER NOT NULL, unlinked INTEGER NOT NULL, first_rows INTEGER NOT NULL, first_accepts INTEGER NOT NULL,
    last_rows INTEGER NOT NULL, last_accepts INTEGER NOT NULL, overturned_rows INTEGER NOT NULL,
    inspected_count DECIMAL(18,3) NOT NULL, error_count DECIMAL(18,3) NOT NULL, item_rows INTEGER NOT NULL, item_rejected_rows INTEGER NOT NULL);
COMMENT ON TABLE judged_day IS 'Roll-up of review by day of the work, without who checked, at which stage and what was wrong';
COMMENT ON COLUMN judged_day.business_date IS 'date of the work, of the review when the work is not known; null for undated rows';
COMMENT ON COLUMN judged_day.worker_key IS '→ worker: the author of the work';
COMMENT ON COLUMN judged_day.team_key IS '→ team at that time; 0 not known';
COMMENT ON COLUMN judged_day.site_key IS '→ site at that time; 0 not known';
COMMENT ON COLUMN judged_day.project_key IS '→ project';
COMMENT ON COLUMN judged_day.batch_key IS '→ batch; 0 none';
COMMENT ON COLUMN judged_day.action IS 'action of the work, as in work; null when the work is not known';
COMMENT ON COLUMN judged_day.round IS 'attempt: 1 first pass, 2 and up rework';
COMMENT ON COLUMN judged_day.verdicts IS 'reviews';
COMMENT ON COLUMN judged_day.rejections IS 'reviews with verdict reject';
COMMENT ON COLUMN judged_day.unlinked IS 'reviews whose work is not known';
COMMENT ON COLUMN judged_day.first_rows IS 'work rows by their first verdict';
COMMENT ON COLUMN judged_day.first_accepts IS 'of first_rows, accepted';
COMMENT ON COLUMN judged_day.last_rows IS 'work rows by their last verdict';
COMMENT ON COLUMN judged_day.last_accepts IS 'of last_rows, accepted';
COMMENT ON COLUMN judged_day.overturned_rows IS 'rejections accepted later without rework';
COMMENT ON COLUMN judged_day.inspected_count IS 'units checked';
COMMENT ON COLUMN judged_day.error_count IS 'units found wrong';
COMMENT ON COLUMN judged_day.item_rows IS 'items whose reviews all fall under this row';
COMMENT ON COLUMN judged_day.item_rejected_rows IS 'of item_rows, sent back at least once';
INSERT INTO judged_day BY NAME
SELECT work_date AS business_date, worker_key, team_key, site_key, project_key, batch_key, work_action AS action, round,
        count(*) AS verdicts, count(*) FILTER (verdict = 2) AS rejections, count(*) FILTER (NOT linked) AS unlinked,
    count(*) FILTER (is_first) AS first_rows, count(*) FILTER (is_first AND verdict = 0) AS first_accepts,
    count(*) FILTER (is_last) AS last_rows, count(*) FILTER (is_last AND verdict = 0) AS last_accepts,
    count(*) FILTER (overturned) AS overturned_rows, coalesce(sum(coalesce(inspected_units, work_units)), 0) AS inspected_count,
    coalesce(sum(error_units) FILTER (coalesce(inspected_units, work_units) IS NOT NULL), 0) AS error_count, count(*) FILTER (once > 0) AS item_rows, count(*) FILTER (once = 2) AS item_rejected_rows
        FROM review GROUP BY ALL ORDER BY work_date, worker_key, project_key;

CREATE TABLE judged_item (business_date DATE, worker_key INTEGER NOT NULL, team_key SMALLINT NOT NULL, site_key SMALLINT NOT NULL,
    project_key SMALLINT NOT NULL, batch_key INTEGER NOT NULL, action UTINYINT, round USMALLINT NOT NULL, repeat_of INTEGER NOT NULL,
    verdicts INTEGER NOT NULL, rejections INTEGER NOT NULL);
COMMENT ON TABLE judged_item IS 'Roll-up of review: the items that judged_day cannot count, their reviews falling under several of its rows';
COMMENT ON COLUMN judged_item.business_date IS 'date of the work, of the review when the work is not known; null for undated rows';
COMMENT ON COLUMN judged_item.worker_key IS '→ worker: the author of the work';
COMMENT ON COLUMN judged_item.team_key IS '→ team at that time; 0 not known';
COMMENT ON COLUMN judged_item.site_key IS '→ site at that time; 0 not known';
COMMENT ON COLUMN judged_item.project_key IS '→ project';
COMMENT ON COLUMN judged_item.batch_key IS '→ batch; 0 none';
COMMENT ON COLUMN judged_item.action IS 'action of the work, as in work; null when the work is not known';
COMMENT ON COLUMN judged_item.round IS 'attempt: 1 first pass, 2 and up rework';
COMMENT ON COLUMN judged_item.repeat_of IS 'number of the item, as in review';
COMMENT ON COLUMN judged_item.verdicts IS 'reviews';
COMMENT ON COLUMN judged_item.rejections IS 'reviews with verdict reject';
INSERT INTO judged_item BY NAME
SELECT work_date AS business_date, worker_key, team_key, site_key, project_key, batch_key, work_action AS action, round,
        repeat_of, count(*) AS verdicts, count(*) FILTER (verdict = 2) AS rejections
        FROM review WHERE once IS NULL GROUP BY ALL ORDER BY work_date, worker_key, project_key;
