-- Items with several rows are known by a number, so that they are counted once without comparing their texts.
ALTER TABLE work ADD COLUMN repeat_of INTEGER;
ALTER TABLE review ADD COLUMN repeat_of INTEGER;
COMMENT ON COLUMN work.repeat_of IS 'number shared by the submissions of one item that has several; null for the only one';
COMMENT ON COLUMN review.repeat_of IS 'number shared by the reviews of one item that has several; null for the only one';
UPDATE work SET repeat_of = n.number
FROM (SELECT project_key, item_id, row_number() OVER (ORDER BY min(rowid))::INTEGER AS number FROM work
    WHERE action IN (0, 1) GROUP BY ALL HAVING count(*) > 1) AS n
WHERE work.project_key = n.project_key AND work.item_id = n.item_id AND work.action IN (0, 1);
UPDATE review SET repeat_of = n.number
FROM (SELECT project_key, item_id, row_number() OVER (ORDER BY min(rowid))::INTEGER AS number FROM review GROUP BY ALL HAVING count(*) > 1) AS n
WHERE review.project_key = n.project_key AND review.item_id = n.item_id;

-- The last day of a stretch of employment is stored, not computed by every question.
ALTER TABLE presence ADD COLUMN counts_until DATE;
COMMENT ON COLUMN presence.counts_until IS 'first day whose work no longer counts to it: the day after leaving, else the next stretch';
UPDATE presence SET counts_until = n.counts_until
FROM (SELECT rowid AS place, least(coalesce(lead(from_date) OVER (PARTITION BY worker_key ORDER BY from_date), DATE '9999-12-31'),
        coalesce(to_date + CASE WHEN ends_spell THEN 1 ELSE 0 END, DATE '9999-12-31')) AS counts_until FROM presence) AS n
WHERE presence.rowid = n.place;

-- A smaller histogram for questions that name neither team nor person.
CREATE TABLE pace_day (business_date DATE, site_key SMALLINT NOT NULL, project_key SMALLINT NOT NULL, batch_key INTEGER NOT NULL,
    action UTINYINT NOT NULL, round USMALLINT NOT NULL, bucket SMALLINT NOT NULL, row_count INTEGER NOT NULL);
COMMENT ON TABLE pace_day IS 'Histogram of seconds per unit by project and batch';
COMMENT ON COLUMN pace_day.business_date IS 'date on which the shift began, in the site''s zone; null for undated rows';
COMMENT ON COLUMN pace_day.site_key IS '→ site at that time; 0 not known';
COMMENT ON COLUMN pace_day.project_key IS '→ project';
COMMENT ON COLUMN pace_day.batch_key IS '→ batch; 0 none';
COMMENT ON COLUMN pace_day.action IS '0 annotate, 1 rework, 2 review, 3 clean';
COMMENT ON COLUMN pace_day.round IS 'attempt: 1 first pass, 2 and up rework';
COMMENT ON COLUMN pace_day.bucket IS 'log-spaced bucket of seconds per unit (data/codes.py, PACE_GAMMA)';
COMMENT ON COLUMN pace_day.row_count IS 'rows of the log';
INSERT INTO pace_day SELECT business_date, site_key, project_key, batch_key, action, round, bucket, sum(row_count) FROM pace_group
GROUP BY ALL ORDER BY business_date, project_key, batch_key, bucket;

-- What earns nothing is not kept among the earnings.
DELETE FROM earn_day WHERE pay = 0 AND revenue = 0 AND unpriced_units = 0 AND unrated_units = 0;
