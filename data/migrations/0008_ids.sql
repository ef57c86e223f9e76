-- Ids of facts and items in two parts, what comes before the number at the end and that number: half the room. Their text is worked out when read.
CREATE TEMP MACRO digits(id) AS regexp_extract(id, '[1-9][0-9]{0,17}$');
CREATE TEMP MACRO head(id) AS left(id, length(id) - length(digits(id)));
CREATE TEMP MACRO no(id) AS CASE WHEN digits(id) = '' THEN 0 ELSE digits(id)::BIGINT END;

CREATE TABLE work_anew (business_date DATE, worker_key INTEGER NOT NULL, ts TIMESTAMP_MS, source_key SMALLINT NOT NULL,
    event_head VARCHAR NOT NULL, event_no BIGINT NOT NULL, project_key SMALLINT NOT NULL, batch_key INTEGER NOT NULL,
    item_head VARCHAR NOT NULL, item_no BIGINT NOT NULL,
    action UTINYINT NOT NULL, round USMALLINT NOT NULL, round_given BOOLEAN NOT NULL, units DECIMAL(9,3) NOT NULL,
    prelabelled_units DECIMAL(9,3), seconds DECIMAL(9,3), wall_s DECIMAL(12,3), overlap_s DECIMAL(12,3) NOT NULL,
    clock UTINYINT, hour UTINYINT, site_key SMALLINT NOT NULL, team_key SMALLINT NOT NULL, version BIGINT,
    load_id INTEGER NOT NULL, extra VARCHAR, repeat_of INTEGER, given_key INTEGER,
    event_id VARCHAR AS (event_head || coalesce(nullif(event_no, 0)::VARCHAR, '')),
    item_id VARCHAR AS (item_head || coalesce(nullif(item_no, 0)::VARCHAR, '')));
INSERT INTO work_anew BY NAME SELECT * EXCLUDE (event_id, item_id),
    head(event_id) AS event_head, no(event_id) AS event_no, head(item_id) AS item_head, no(item_id) AS item_no
FROM work;
DROP TABLE work;
ALTER TABLE work_anew RENAME TO work;
COMMENT ON TABLE work IS 'The log of work: one row a submission, kept in (business_date, worker_key, ts) order';
COMMENT ON COLUMN work.business_date IS 'date on which the shift began, in the site''s zone; null for undated rows';
COMMENT ON COLUMN work.worker_key IS '→ worker: who did it';
COMMENT ON COLUMN work.ts IS 'when it was submitted, UTC; null when not known';
COMMENT ON COLUMN work.source_key IS '→ source: whose ids these are';
COMMENT ON COLUMN work.event_head IS 'id of the row at its source: what stands before the number at its end';
COMMENT ON COLUMN work.event_no IS 'number at the end of the id; 0 none';
COMMENT ON COLUMN work.project_key IS '→ project';
COMMENT ON COLUMN work.batch_key IS '→ batch; 0 none';
COMMENT ON COLUMN work.item_head IS 'what was worked on, unique within the project: what stands before the number at its end';
COMMENT ON COLUMN work.item_no IS 'number at the end of the id; 0 none';
COMMENT ON COLUMN work.action IS '0 annotate, 1 rework, 2 review, 3 clean';
COMMENT ON COLUMN work.round IS 'attempt: 1 first pass, 2 and up rework';
COMMENT ON COLUMN work.round_given IS 'true when the source gave the round, false when it was derived';
COMMENT ON COLUMN work.units IS 'units in the row';
COMMENT ON COLUMN work.prelabelled_units IS 'units that came pre-labelled';
COMMENT ON COLUMN work.seconds IS 'duration as the tool measured it, s';
COMMENT ON COLUMN work.wall_s IS 'submission minus start, s; null without a start, or where that is `seconds`';
COMMENT ON COLUMN work.overlap_s IS 'part of the interval that earlier ones of the same person cover, s';
COMMENT ON COLUMN work.clock IS 'how the tool measured seconds: 0 reported, 1 gap_100s, 2 lead_time, 3 active, 4 wall; null without seconds';
COMMENT ON COLUMN work.hour IS 'hour of the local clock, 0–23; null for undated rows';
COMMENT ON COLUMN work.site_key IS '→ site at that time; 0 not known';
COMMENT ON COLUMN work.team_key IS '→ team at that time; 0 not known';
COMMENT ON COLUMN work.version IS 'the source''s version of the row; a higher one wins';
COMMENT ON COLUMN work.load_id IS '→ load that brought the row';
COMMENT ON COLUMN work.extra IS 'columns of the file that have no place of their own, a JSON object';
COMMENT ON COLUMN work.repeat_of IS 'number shared by the submissions of one item that has several; null for the only one';
COMMENT ON COLUMN work.given_key IS '→ worker: the account that the source named, where that is another than worker_key';
COMMENT ON COLUMN work.event_id IS 'the id as the source gave it: event_head and event_no';
COMMENT ON COLUMN work.item_id IS 'the id as the source gave it: item_head and item_no';

CREATE TABLE review_anew (work_date DATE, review_date DATE, worker_key INTEGER NOT NULL, ts TIMESTAMP_MS,
    source_key SMALLINT NOT NULL, review_head VARCHAR NOT NULL, review_no BIGINT NOT NULL, event_head VARCHAR, event_no BIGINT, event_given BOOLEAN NOT NULL,
    project_key SMALLINT NOT NULL, batch_key INTEGER NOT NULL, batch_given BOOLEAN NOT NULL, item_head VARCHAR NOT NULL, item_no BIGINT NOT NULL, reviewer_key INTEGER,
    stage UTINYINT NOT NULL, round USMALLINT NOT NULL, round_given USMALLINT, verdict UTINYINT NOT NULL,
    inspected_units DECIMAL(9,3), error_units DECIMAL(9,3), error_type VARCHAR, sampled_why VARCHAR,
    linked BOOLEAN NOT NULL, work_source_key SMALLINT, work_action UTINYINT, work_units DECIMAL(9,3), is_first BOOLEAN NOT NULL,
    is_last BOOLEAN NOT NULL, stage_first BOOLEAN NOT NULL, stage_last BOOLEAN NOT NULL, overturned BOOLEAN NOT NULL,
    site_key SMALLINT NOT NULL, team_key SMALLINT NOT NULL, version BIGINT, load_id INTEGER NOT NULL, extra VARCHAR,
    repeat_of INTEGER, given_key INTEGER, given_reviewer_key INTEGER, once UTINYINT,
    review_id VARCHAR AS (review_head || coalesce(nullif(review_no, 0)::VARCHAR, '')),
    event_id VARCHAR AS (event_head || coalesce(nullif(event_no, 0)::VARCHAR, '')),
    item_id VARCHAR AS (item_head || coalesce(nullif(item_no, 0)::VARCHAR, '')));
INSERT INTO review_anew BY NAME SELECT * EXCLUDE (review_id, event_id, item_id),
    head(review_id) AS review_head, no(review_id) AS review_no, head(event_id) AS event_head, no(event_id) AS event_no, head(item_id) AS item_head, no(item_id) AS item_no
FROM review;
DROP TABLE review;
ALTER TABLE review_anew RENAME TO review;
COMMENT ON TABLE review IS 'The log of verdicts: one row a check of a piece of work';
COMMENT ON COLUMN review.work_date IS 'business date of the work, of the review when the work is not known';
COMMENT ON COLUMN review.review_date IS 'business date of the review; null for undated rows';
COMMENT ON COLUMN review.worker_key IS '→ worker: the author of the work';
COMMENT ON COLUMN review.ts IS 'when it was checked, UTC; null when not known';
COMMENT ON COLUMN review.source_key IS '→ source: whose ids these are';
COMMENT ON COLUMN review.review_head IS 'id of the row at its source: what stands before the number at its end';
COMMENT ON COLUMN review.review_no IS 'number at the end of the id; 0 none';
COMMENT ON COLUMN review.event_head IS 'the work row it judges: what stands before the number at its end';
COMMENT ON COLUMN review.event_no IS 'number at the end of the id; 0 none';
COMMENT ON COLUMN review.event_given IS 'true when the source named the work row, false when it was found';
COMMENT ON COLUMN review.project_key IS '→ project';
COMMENT ON COLUMN review.batch_key IS '→ batch; 0 none';
COMMENT ON COLUMN review.batch_given IS 'true when the source named the batch';
COMMENT ON COLUMN review.item_head IS 'what was checked: what stands before the number at its end';
COMMENT ON COLUMN review.item_no IS 'number at the end of the id; 0 none';
COMMENT ON COLUMN review.reviewer_key IS '→ worker who checked; null when not known';
COMMENT ON COLUMN review.stage IS '0 self, 1 qc1, 2 qc2, 3 client, 4 gold';
COMMENT ON COLUMN review.round IS 'attempt of the work judged';
COMMENT ON COLUMN review.round_given IS 'round as the source gave it; null otherwise';
COMMENT ON COLUMN review.verdict IS '0 accept, 1 fix, 2 reject';
COMMENT ON COLUMN review.inspected_units IS 'units checked';
COMMENT ON COLUMN review.error_units IS 'units found wrong';
COMMENT ON COLUMN review.error_type IS 'kind of error';
COMMENT ON COLUMN review.sampled_why IS 'why it was chosen for checking';
COMMENT ON COLUMN review.linked IS 'true when its work is known';
COMMENT ON COLUMN review.work_source_key IS '→ source of the work row';
COMMENT ON COLUMN review.work_action IS 'action of the work row, as in work';
COMMENT ON COLUMN review.work_units IS 'units of the work row';
COMMENT ON COLUMN review.is_first IS 'first verdict on its work row';
COMMENT ON COLUMN review.is_last IS 'last verdict on its work row';
COMMENT ON COLUMN review.stage_first IS 'first verdict of this stage on its work row';
COMMENT ON COLUMN review.stage_last IS 'last verdict of this stage on its work row';
COMMENT ON COLUMN review.overturned IS 'a rejection that was accepted later without rework';
COMMENT ON COLUMN review.site_key IS '→ site at that time; 0 not known';
COMMENT ON COLUMN review.team_key IS '→ team at that time; 0 not known';
COMMENT ON COLUMN review.version IS 'the source''s version of the row; a higher one wins';
COMMENT ON COLUMN review.load_id IS '→ load that brought the row';
COMMENT ON COLUMN review.extra IS 'columns of the file that have no place of their own, a JSON object';
COMMENT ON COLUMN review.repeat_of IS 'number shared by the reviews of one item that has several; null for the only one';
COMMENT ON COLUMN review.given_key IS '→ worker: the author''s account that the source named, where that is another than worker_key';
COMMENT ON COLUMN review.given_reviewer_key IS '→ worker: the reviewer''s account that the source named, where that is another than reviewer_key';
COMMENT ON COLUMN review.once IS 'what it adds to the items counted by day: 1, or 2 for one sent back; 0 where another review of the item adds it; null where the reviews of the item fall under several days, people, teams, batches or attempts';
COMMENT ON COLUMN review.review_id IS 'the id as the source gave it: review_head and review_no';
COMMENT ON COLUMN review.event_id IS 'the id as the source gave it: event_head and event_no';
COMMENT ON COLUMN review.item_id IS 'the id as the source gave it: item_head and item_no';

DROP MACRO no;
DROP MACRO head;
DROP MACRO digits;
