-- One person under several accounts, and loads that can be taken back.
ALTER TABLE worker ADD COLUMN same_as INTEGER;
ALTER TABLE work ADD COLUMN given_key INTEGER;
ALTER TABLE review ADD COLUMN given_key INTEGER;
ALTER TABLE review ADD COLUMN given_reviewer_key INTEGER;
ALTER TABLE load ADD COLUMN undone_at TIMESTAMP;
ALTER TABLE load ADD COLUMN undone_by VARCHAR;
COMMENT ON COLUMN worker.same_as IS '→ worker: the person whose account in a tool this is; null for a person';
COMMENT ON COLUMN work.given_key IS '→ worker: the account that the source named, where that is another than worker_key';
COMMENT ON COLUMN review.given_key IS '→ worker: the author''s account that the source named, where that is another than worker_key';
COMMENT ON COLUMN review.given_reviewer_key IS '→ worker: the reviewer''s account that the source named, where that is another than reviewer_key';
COMMENT ON COLUMN load.undone_at IS 'when it was taken back, UTC; null while it stands';
COMMENT ON COLUMN load.undone_by IS 'account that took it back';
CREATE TABLE work_version (source_key SMALLINT NOT NULL, event_id VARCHAR NOT NULL, worker_key INTEGER NOT NULL, project_key SMALLINT NOT NULL,
    batch_key INTEGER NOT NULL, item_id VARCHAR NOT NULL, ts TIMESTAMP_MS, action UTINYINT NOT NULL, units DECIMAL(9,3) NOT NULL,
    prelabelled_units DECIMAL(9,3), seconds DECIMAL(9,3), wall_s DECIMAL(12,3), clock UTINYINT, round USMALLINT, version BIGINT, extra VARCHAR,
    load_id INTEGER NOT NULL);
CREATE TABLE review_version (source_key SMALLINT NOT NULL, review_id VARCHAR NOT NULL, worker_key INTEGER NOT NULL, project_key SMALLINT NOT NULL,
    batch_key INTEGER, item_id VARCHAR NOT NULL, event_id VARCHAR, ts TIMESTAMP_MS, reviewer_key INTEGER, stage UTINYINT NOT NULL,
    round_given USMALLINT, verdict UTINYINT NOT NULL, inspected_units DECIMAL(9,3), error_units DECIMAL(9,3), error_type VARCHAR,
    sampled_why VARCHAR, version BIGINT, extra VARCHAR, load_id INTEGER NOT NULL);
CREATE TABLE reference_said (load_id INTEGER NOT NULL, target VARCHAR NOT NULL, key VARCHAR NOT NULL, said VARCHAR NOT NULL);
COMMENT ON TABLE work_version IS 'Versions of work rows that are not in the log: replaced by a newer one, outdated when they came, or the same again from another file';
COMMENT ON COLUMN work_version.source_key IS '→ source';
COMMENT ON COLUMN work_version.event_id IS 'id of the fact within its source';
COMMENT ON COLUMN work_version.worker_key IS '→ worker, as the source named it';
COMMENT ON COLUMN work_version.project_key IS '→ project';
COMMENT ON COLUMN work_version.batch_key IS '→ batch; 0 none';
COMMENT ON COLUMN work_version.item_id IS 'item';
COMMENT ON COLUMN work_version.ts IS 'submission, UTC';
COMMENT ON COLUMN work_version.action IS 'as in work';
COMMENT ON COLUMN work_version.units IS 'units in it';
COMMENT ON COLUMN work_version.prelabelled_units IS 'as in work';
COMMENT ON COLUMN work_version.seconds IS 'as in work';
COMMENT ON COLUMN work_version.wall_s IS 'as in work';
COMMENT ON COLUMN work_version.clock IS 'as in work';
COMMENT ON COLUMN work_version.round IS 'attempt, where the source said';
COMMENT ON COLUMN work_version.version IS 'version of the source';
COMMENT ON COLUMN work_version.extra IS 'as in work';
COMMENT ON COLUMN work_version.load_id IS '→ load that said it';
COMMENT ON TABLE review_version IS 'Versions of review rows that are not in the log: replaced by a newer one, outdated when they came, or the same again from another file';
COMMENT ON COLUMN review_version.source_key IS '→ source';
COMMENT ON COLUMN review_version.review_id IS 'id of the fact within its source';
COMMENT ON COLUMN review_version.worker_key IS '→ worker: author, as the source named it';
COMMENT ON COLUMN review_version.project_key IS '→ project';
COMMENT ON COLUMN review_version.batch_key IS '→ batch, where the source said';
COMMENT ON COLUMN review_version.item_id IS 'item';
COMMENT ON COLUMN review_version.event_id IS 'event judged, where the source said';
COMMENT ON COLUMN review_version.ts IS 'instant of the verdict, UTC';
COMMENT ON COLUMN review_version.reviewer_key IS '→ worker who checked, as the source named it';
COMMENT ON COLUMN review_version.stage IS 'as in review';
COMMENT ON COLUMN review_version.round_given IS 'attempt, where the source said';
COMMENT ON COLUMN review_version.verdict IS 'as in review';
COMMENT ON COLUMN review_version.inspected_units IS 'as in review';
COMMENT ON COLUMN review_version.error_units IS 'as in review';
COMMENT ON COLUMN review_version.error_type IS 'as in review';
COMMENT ON COLUMN review_version.sampled_why IS 'as in review';
COMMENT ON COLUMN review_version.version IS 'version of the source';
COMMENT ON COLUMN review_version.extra IS 'as in review';
COMMENT ON COLUMN review_version.load_id IS '→ load that said it';
COMMENT ON TABLE reference_said IS 'What each load said of people, projects, prices …: the row of a table is what its loads said, the latest last';
COMMENT ON COLUMN reference_said.load_id IS '→ load; 0 what the store held before it kept this';
COMMENT ON COLUMN reference_said.target IS 'table';
COMMENT ON COLUMN reference_said.key IS 'values of its key columns, a JSON array';
COMMENT ON COLUMN reference_said.said IS 'values by column, a JSON object';
-- Loads before this one cannot be taken back: what they replaced was not kept.
INSERT INTO meta SELECT 'undo_since', coalesce(max(load_id), 0)::VARCHAR FROM load;
