-- The store: one DuckDB file. Instants are UTC, durations seconds, money DECIMAL, text keys as the source gives them.
-- Key 0 of site, team and batch means "not known"; a missing business date means the row has no timestamp.
-- Every table and column carries a comment (COMMENT ON below, and inline here); tests hold that.

-- Who and where -------------------------------------------------------------------------------------------------------
CREATE TABLE meta (key VARCHAR PRIMARY KEY, value VARCHAR);
CREATE TABLE source (source_key SMALLINT PRIMARY KEY, name VARCHAR UNIQUE NOT NULL);
CREATE TABLE site (site_key SMALLINT PRIMARY KEY, site_id VARCHAR UNIQUE NOT NULL, name VARCHAR, name_en VARCHAR,
    zone VARCHAR NOT NULL, day_start_minute SMALLINT NOT NULL DEFAULT 0, seats INTEGER, minimum_wage DECIMAL(18,6),
    stub BOOLEAN NOT NULL DEFAULT false);
CREATE TABLE team (team_key SMALLINT PRIMARY KEY, team_id VARCHAR UNIQUE NOT NULL, name VARCHAR, name_en VARCHAR,
    site_key SMALLINT NOT NULL DEFAULT 0, lead_worker_id VARCHAR, modality VARCHAR, stub BOOLEAN NOT NULL DEFAULT false);
CREATE TABLE worker (worker_key INTEGER PRIMARY KEY, worker_id VARCHAR UNIQUE NOT NULL, name VARCHAR,
    longest_interval_s DECIMAL(18,3) NOT NULL DEFAULT 0, stub BOOLEAN NOT NULL DEFAULT false, extra VARCHAR, same_as INTEGER);
CREATE TABLE employment (worker_key INTEGER NOT NULL, hired DATE NOT NULL, left_on DATE, leave_reason VARCHAR,
    voluntary BOOLEAN, contract VARCHAR, channel VARCHAR, PRIMARY KEY (worker_key, hired));
CREATE TABLE assignment (worker_key INTEGER NOT NULL, valid_from DATE NOT NULL, site_key SMALLINT NOT NULL,
    team_key SMALLINT NOT NULL, role VARCHAR, skill_level TINYINT, valid_from_ts TIMESTAMP NOT NULL,
    PRIMARY KEY (worker_key, valid_from));
CREATE TABLE attendance (worker_key INTEGER NOT NULL, work_date DATE NOT NULL, rostered_minutes INTEGER,
    clock_in TIMESTAMP, clock_out TIMESTAMP, leave VARCHAR, seat VARCHAR, PRIMARY KEY (worker_key, work_date));

-- What for ------------------------------------------------------------------------------------------------------------
CREATE TABLE project (project_key SMALLINT PRIMARY KEY, project_id VARCHAR UNIQUE NOT NULL, name VARCHAR, name_en VARCHAR,
    client VARCHAR, client_en VARCHAR, modality VARCHAR, task_type VARCHAR, unit VARCHAR, ordered_units DECIMAL(18,3),
    due_date DATE, quality_limit DECIMAL(9,6), tier TINYINT, upstream VARCHAR, stub BOOLEAN NOT NULL DEFAULT false,
    extra VARCHAR);
CREATE TABLE batch (batch_key INTEGER PRIMARY KEY, project_key SMALLINT NOT NULL, batch_id VARCHAR NOT NULL,
    units DECIMAL(18,3), delivered_at TIMESTAMP, decided_at TIMESTAMP, decision VARCHAR, inspected DECIMAL(18,3),
    defects DECIMAL(18,3), resubmission_of VARCHAR, accepted_on DATE, governed BOOLEAN NOT NULL DEFAULT false,
    stub BOOLEAN NOT NULL DEFAULT false, UNIQUE (project_key, batch_id));
CREATE TABLE price (project_key SMALLINT NOT NULL, batch_key INTEGER NOT NULL DEFAULT 0, valid_from DATE NOT NULL,
    amount DECIMAL(18,6) NOT NULL, currency VARCHAR NOT NULL DEFAULT 'CNY', PRIMARY KEY (project_key, batch_key, valid_from));
CREATE TABLE rate (project_key SMALLINT NOT NULL, batch_key INTEGER NOT NULL DEFAULT 0, action VARCHAR NOT NULL,
    valid_from DATE NOT NULL, amount DECIMAL(18,6) NOT NULL, currency VARCHAR NOT NULL DEFAULT 'CNY',
    pay_on VARCHAR NOT NULL DEFAULT 'submit', PRIMARY KEY (project_key, batch_key, action, valid_from));
CREATE TABLE standard (project_key SMALLINT NOT NULL, valid_from DATE NOT NULL, seconds_per_unit DECIMAL(12,3) NOT NULL,
    PRIMARY KEY (project_key, valid_from));
CREATE TABLE quota (project_key SMALLINT NOT NULL, site_key SMALLINT NOT NULL DEFAULT 0, work_date DATE NOT NULL,
    units DECIMAL(18,3) NOT NULL, PRIMARY KEY (project_key, site_key, work_date));
CREATE TABLE cost (site_key SMALLINT NOT NULL, month DATE NOT NULL, kind VARCHAR NOT NULL, amount DECIMAL(18,6) NOT NULL,
    currency VARCHAR NOT NULL DEFAULT 'CNY', PRIMARY KEY (site_key, month, kind));
CREATE TABLE note (note_id VARCHAR PRIMARY KEY, site_key SMALLINT NOT NULL DEFAULT 0, project_key SMALLINT,
    from_date DATE NOT NULL, to_date DATE, kind VARCHAR NOT NULL, text VARCHAR NOT NULL, text_en VARCHAR);

-- What happened -------------------------------------------------------------------------------------------------------
-- An id stands in two parts, what comes before the number at its end and that number (data/ids.py); its text is worked out when read.
CREATE TABLE work (business_date DATE, worker_key INTEGER NOT NULL, ts TIMESTAMP_MS, source_key SMALLINT NOT NULL,
    event_head VARCHAR NOT NULL, event_no BIGINT NOT NULL, project_key SMALLINT NOT NULL, batch_key INTEGER NOT NULL,
    item_head VARCHAR NOT NULL, item_no BIGINT NOT NULL,
    action UTINYINT NOT NULL, round USMALLINT NOT NULL, round_given BOOLEAN NOT NULL, units DECIMAL(9,3) NOT NULL,
    prelabelled_units DECIMAL(9,3), seconds DECIMAL(9,3), wall_s DECIMAL(12,3), overlap_s DECIMAL(12,3) NOT NULL,
    clock UTINYINT, hour UTINYINT, site_key SMALLINT NOT NULL, team_key SMALLINT NOT NULL, version BIGINT,
    load_id INTEGER NOT NULL, extra VARCHAR, repeat_of INTEGER, given_key INTEGER,
    event_id VARCHAR AS (event_head || coalesce(nullif(event_no, 0)::VARCHAR, '')),
    item_id VARCHAR AS (item_head || coalesce(nullif(item_no, 0)::VARCHAR, '')));
CREATE TABLE review (work_date DATE, review_date DATE, worker_key INTEGER NOT NULL, ts TIMESTAMP_MS,
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

-- How it got in -------------------------------------------------------------------------------------------------------
CREATE TABLE load (load_id INTEGER NOT NULL, started_at TIMESTAMP NOT NULL, finished_at TIMESTAMP NOT NULL,
    source VARCHAR NOT NULL, file VARCHAR, table_name VARCHAR NOT NULL, rows BIGINT NOT NULL, new BIGINT NOT NULL,
    updated BIGINT NOT NULL, duplicates BIGINT NOT NULL, rejected BIGINT NOT NULL, undated BIGINT NOT NULL, undone_at TIMESTAMP, undone_by VARCHAR,
    PRIMARY KEY (load_id, table_name));
CREATE TABLE reject (reject_id BIGINT PRIMARY KEY, load_id INTEGER NOT NULL, file VARCHAR, line BIGINT, table_name VARCHAR NOT NULL,
    code VARCHAR NOT NULL, column_name VARCHAR, value VARCHAR, reason VARCHAR NOT NULL, raw VARCHAR NOT NULL);
CREATE TABLE mapping (name VARCHAR PRIMARY KEY, spec VARCHAR NOT NULL, saved_at TIMESTAMP NOT NULL);

-- Who may look --------------------------------------------------------------------------------------------------------
CREATE TABLE account (name VARCHAR PRIMARY KEY, password_hash VARCHAR NOT NULL, role VARCHAR NOT NULL, site_id VARCHAR,
    team_id VARCHAR, worker_id VARCHAR, failures SMALLINT NOT NULL DEFAULT 0, locked_until TIMESTAMP,
    disabled BOOLEAN NOT NULL DEFAULT false, created_at TIMESTAMP NOT NULL);
CREATE TABLE session (sid_hash VARCHAR PRIMARY KEY, account VARCHAR NOT NULL, created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL);
CREATE TABLE token (token_hash VARCHAR PRIMARY KEY, name VARCHAR UNIQUE NOT NULL, account VARCHAR NOT NULL, may_push BOOLEAN NOT NULL,
    source VARCHAR, created_at TIMESTAMP NOT NULL, revoked_at TIMESTAMP);

-- Derived from who and where: people as contiguous stretches with one site, team, skill and contract ----------------------
CREATE TABLE presence (worker_key INTEGER NOT NULL, from_date DATE NOT NULL, to_date DATE, hired DATE NOT NULL,
    starts_spell BOOLEAN NOT NULL, ends_spell BOOLEAN NOT NULL, voluntary BOOLEAN, leave_reason VARCHAR, contract VARCHAR,
    channel VARCHAR, site_key SMALLINT NOT NULL, team_key SMALLINT NOT NULL, moved_in BOOLEAN NOT NULL, moved_out BOOLEAN NOT NULL,
    role VARCHAR, skill_level TINYINT, modality VARCHAR, counts_until DATE);
CREATE TABLE cost_day (site_key SMALLINT NOT NULL, business_date DATE NOT NULL, kind VARCHAR NOT NULL, amount DECIMAL(18,6) NOT NULL);

-- Rolled up: all additive; at any moment equal to a recomputation from the log (python -m data verify) --------------------
CREATE TABLE work_day (business_date DATE, worker_key INTEGER NOT NULL, team_key SMALLINT NOT NULL, site_key SMALLINT NOT NULL,
    project_key SMALLINT NOT NULL, batch_key INTEGER NOT NULL, action UTINYINT NOT NULL, round USMALLINT NOT NULL, clock UTINYINT,
    row_count INTEGER NOT NULL, unit_count DECIMAL(18,3) NOT NULL, prelabelled_count DECIMAL(18,3) NOT NULL,
    timed_rows INTEGER NOT NULL, timed_units DECIMAL(18,3) NOT NULL, seconds DECIMAL(18,3) NOT NULL,
    merged_units DECIMAL(18,3) NOT NULL, merged_s DECIMAL(18,3) NOT NULL, repeat_rows INTEGER NOT NULL, negative_rows INTEGER NOT NULL,
    lone_rows INTEGER NOT NULL);
CREATE TABLE work_hour (business_date DATE, hour UTINYINT, worker_key INTEGER NOT NULL, team_key SMALLINT NOT NULL,
    site_key SMALLINT NOT NULL, project_key SMALLINT NOT NULL, action UTINYINT NOT NULL, clock UTINYINT,
    row_count INTEGER NOT NULL, unit_count DECIMAL(18,3) NOT NULL, prelabelled_count DECIMAL(18,3) NOT NULL,
    timed_rows INTEGER NOT NULL, timed_units DECIMAL(18,3) NOT NULL, seconds DECIMAL(18,3) NOT NULL,
    merged_units DECIMAL(18,3) NOT NULL, merged_s DECIMAL(18,3) NOT NULL, repeat_rows INTEGER NOT NULL, negative_rows INTEGER NOT NULL,
    lone_rows INTEGER NOT NULL);
CREATE TABLE review_day (business_date DATE, review_date DATE, worker_key INTEGER NOT NULL, team_key SMALLINT NOT NULL,
    site_key SMALLINT NOT NULL, reviewer_key INTEGER, project_key SMALLINT NOT NULL, batch_key INTEGER NOT NULL,
    action UTINYINT, round USMALLINT NOT NULL, stage UTINYINT NOT NULL, error_type VARCHAR,
    verdicts INTEGER NOT NULL, rejections INTEGER NOT NULL, unlinked INTEGER NOT NULL, first_rows INTEGER NOT NULL, first_accepts INTEGER NOT NULL,
    last_rows INTEGER NOT NULL, last_accepts INTEGER NOT NULL, stage_first_rows INTEGER NOT NULL, stage_first_accepts INTEGER NOT NULL,
    stage_last_rows INTEGER NOT NULL, stage_last_accepts INTEGER NOT NULL, overturned_rows INTEGER NOT NULL,
    inspected_count DECIMAL(18,3) NOT NULL, error_count DECIMAL(18,3) NOT NULL, passed_units DECIMAL(18,3) NOT NULL,
    lone_rows INTEGER NOT NULL, lone_rejected_rows INTEGER NOT NULL);
CREATE TABLE judged_day (business_date DATE, worker_key INTEGER NOT NULL, team_key SMALLINT NOT NULL, site_key SMALLINT NOT NULL,
    project_key SMALLINT NOT NULL, batch_key INTEGER NOT NULL, action UTINYINT, round USMALLINT NOT NULL,
    verdicts INTEGER NOT NULL, rejections INTEGER NOT NULL, unlinked INTEGER NOT NULL, first_rows INTEGER NOT NULL, first_accepts INTEGER NOT NULL,
    last_rows INTEGER NOT NULL, last_accepts INTEGER NOT NULL, overturned_rows INTEGER NOT NULL,
    inspected_count DECIMAL(18,3) NOT NULL, error_count DECIMAL(18,3) NOT NULL, item_rows INTEGER NOT NULL, item_rejected_rows INTEGER NOT NULL);
CREATE TABLE judged_item (business_date DATE, worker_key INTEGER NOT NULL, team_key SMALLINT NOT NULL, site_key SMALLINT NOT NULL,
    project_key SMALLINT NOT NULL, batch_key INTEGER NOT NULL, action UTINYINT, round USMALLINT NOT NULL, repeat_of INTEGER NOT NULL,
    verdicts INTEGER NOT NULL, rejections INTEGER NOT NULL);
CREATE TABLE pace_day (business_date DATE, site_key SMALLINT NOT NULL, project_key SMALLINT NOT NULL, batch_key INTEGER NOT NULL,
    action UTINYINT NOT NULL, round USMALLINT NOT NULL, bucket SMALLINT NOT NULL, row_count INTEGER NOT NULL);
CREATE TABLE pace_group (business_date DATE, team_key SMALLINT NOT NULL, site_key SMALLINT NOT NULL, project_key SMALLINT NOT NULL,
    batch_key INTEGER NOT NULL, action UTINYINT NOT NULL, round USMALLINT NOT NULL, bucket SMALLINT NOT NULL, row_count INTEGER NOT NULL);
CREATE TABLE pace_worker (business_date DATE, worker_key INTEGER NOT NULL, team_key SMALLINT NOT NULL, site_key SMALLINT NOT NULL,
    project_key SMALLINT NOT NULL, action UTINYINT NOT NULL, bucket SMALLINT NOT NULL, row_count INTEGER NOT NULL);
CREATE TABLE earn_day (business_date DATE, basis VARCHAR NOT NULL, worker_key INTEGER NOT NULL, team_key SMALLINT NOT NULL,
    site_key SMALLINT NOT NULL, project_key SMALLINT NOT NULL, batch_key INTEGER NOT NULL, action UTINYINT NOT NULL, round USMALLINT NOT NULL,
    unit_count DECIMAL(18,3) NOT NULL, pay DECIMAL(18,6) NOT NULL, revenue DECIMAL(18,6) NOT NULL, unpriced_units DECIMAL(18,3) NOT NULL, unrated_units DECIMAL(18,3) NOT NULL);
-- How often a date was added to since its roll-ups were last rebuilt whole (many small additions are folded now and then).
CREATE TABLE rollup_addition (log VARCHAR NOT NULL, business_date DATE, additions INTEGER NOT NULL);

-- Comments ----------------------------------------------------------------------------------------------------------------
COMMENT ON TABLE meta IS 'Facts about the store itself';
COMMENT ON COLUMN meta.key IS 'schema_version, version, store_id, created_at, zone, currency, demo';
COMMENT ON COLUMN meta.value IS 'as text';
COMMENT ON TABLE source IS 'Where ids come from: a tool or an import; (source, id) names a fact';
COMMENT ON COLUMN source.source_key IS 'small integer for the log';
COMMENT ON COLUMN source.name IS 'name of the source';
COMMENT ON TABLE site IS 'Bases (基地)';
COMMENT ON COLUMN site.site_key IS 'small integer for the log; 0 stands for not known';
COMMENT ON COLUMN site.site_id IS 'id as the source gives it';
COMMENT ON COLUMN site.name IS 'name as given';
COMMENT ON COLUMN site.name_en IS 'name in English';
COMMENT ON COLUMN site.zone IS 'IANA time zone';
COMMENT ON COLUMN site.day_start_minute IS 'when the business day begins, minutes after local midnight';
COMMENT ON COLUMN site.seats IS 'seats for work';
COMMENT ON COLUMN site.minimum_wage IS 'monthly minimum wage, in the store''s currency';
COMMENT ON COLUMN site.stub IS 'true while known by its id only';
COMMENT ON TABLE team IS 'Teams (班组) within a site';
COMMENT ON COLUMN team.team_key IS 'small integer for the log; 0 stands for not known';
COMMENT ON COLUMN team.team_id IS 'id as the source gives it';
COMMENT ON COLUMN team.name IS 'name as given';
COMMENT ON COLUMN team.name_en IS 'name in English';
COMMENT ON COLUMN team.site_key IS '→ site it belongs to; 0 not known';
COMMENT ON COLUMN team.lead_worker_id IS 'worker id of its lead';
COMMENT ON COLUMN team.modality IS 'what it mainly works on: image, audio, …';
COMMENT ON COLUMN team.stub IS 'true while known by its id only';
COMMENT ON TABLE worker IS 'People who annotate, rework or review';
COMMENT ON COLUMN worker.worker_key IS 'small integer for the log';
COMMENT ON COLUMN worker.worker_id IS 'id as the source gives it (工号)';
COMMENT ON COLUMN worker.name IS 'name as given';
COMMENT ON COLUMN worker.longest_interval_s IS 'longest single interval of work so far, s: how far back an overlap can reach';
COMMENT ON COLUMN worker.stub IS 'true while known by its id only';
COMMENT ON COLUMN worker.extra IS 'columns of the file that have no place of their own, a JSON object';
COMMENT ON COLUMN worker.same_as IS '→ worker: the person whose account in a tool this is; null for a person';
COMMENT ON TABLE employment IS 'Spells of employment; a person may have several';
COMMENT ON COLUMN employment.worker_key IS '→ worker';
COMMENT ON COLUMN employment.hired IS 'first day employed';
COMMENT ON COLUMN employment.left_on IS 'first day no longer employed; null while employed';
COMMENT ON COLUMN employment.leave_reason IS 'reason as given';
COMMENT ON COLUMN employment.voluntary IS 'whether leaving was the person''s choice; null when not known';
COMMENT ON COLUMN employment.contract IS 'kind of contract';
COMMENT ON COLUMN employment.channel IS 'where the person was recruited';
COMMENT ON TABLE assignment IS 'Where a person works, dated';
COMMENT ON COLUMN assignment.worker_key IS '→ worker';
COMMENT ON COLUMN assignment.valid_from IS 'first day it holds';
COMMENT ON COLUMN assignment.site_key IS '→ site; 0 not known';
COMMENT ON COLUMN assignment.team_key IS '→ team; 0 not known';
COMMENT ON COLUMN assignment.role IS 'what the person does';
COMMENT ON COLUMN assignment.skill_level IS '1 (lowest) to 5';
COMMENT ON COLUMN assignment.valid_from_ts IS 'instant at which valid_from begins at the site, UTC';
COMMENT ON TABLE attendance IS 'One row a person and day of roster and clock';
COMMENT ON COLUMN attendance.worker_key IS '→ worker';
COMMENT ON COLUMN attendance.work_date IS 'local date of the shift';
COMMENT ON COLUMN attendance.rostered_minutes IS 'planned time, min';
COMMENT ON COLUMN attendance.clock_in IS 'arrival, UTC';
COMMENT ON COLUMN attendance.clock_out IS 'departure, UTC';
COMMENT ON COLUMN attendance.leave IS 'kind of leave';
COMMENT ON COLUMN attendance.seat IS 'seat number';
COMMENT ON TABLE project IS 'Projects (项目)';
COMMENT ON COLUMN project.project_key IS 'small integer for the log';
COMMENT ON COLUMN project.project_id IS 'id as the source gives it';
COMMENT ON COLUMN project.name IS 'name as given';
COMMENT ON COLUMN project.name_en IS 'name in English';
COMMENT ON COLUMN project.client IS 'who pays';
COMMENT ON COLUMN project.client_en IS 'who pays, in English';
COMMENT ON COLUMN project.modality IS 'image, audio, video, text, …';
COMMENT ON COLUMN project.task_type IS 'box, keypoint, polygon, transcription, …';
COMMENT ON COLUMN project.unit IS 'what is counted and paid';
COMMENT ON COLUMN project.ordered_units IS 'units ordered';
COMMENT ON COLUMN project.due_date IS 'day by which they are due';
COMMENT ON COLUMN project.quality_limit IS 'share of defective units the client tolerates, 0–1';
COMMENT ON COLUMN project.tier IS 'subcontract tier: 1 is next to the client';
COMMENT ON COLUMN project.upstream IS 'who hands the work down';
COMMENT ON COLUMN project.stub IS 'true while known by its id only';
COMMENT ON COLUMN project.extra IS 'columns of the file that have no place of their own, a JSON object';
COMMENT ON TABLE batch IS 'Deliveries of a project and what the client decided';
COMMENT ON COLUMN batch.batch_key IS 'small integer for the log; 0 stands for none';
COMMENT ON COLUMN batch.project_key IS '→ project';
COMMENT ON COLUMN batch.batch_id IS 'id as the source gives it, unique within the project';
COMMENT ON COLUMN batch.units IS 'units delivered';
COMMENT ON COLUMN batch.delivered_at IS 'delivery, UTC';
COMMENT ON COLUMN batch.decided_at IS 'decision, UTC';
COMMENT ON COLUMN batch.decision IS 'accept, reject or pending';
COMMENT ON COLUMN batch.inspected IS 'units the client sampled';
COMMENT ON COLUMN batch.defects IS 'defective units among them';
COMMENT ON COLUMN batch.resubmission_of IS 'batch_id this one replaces';
COMMENT ON COLUMN batch.accepted_on IS 'derived: local date of acceptance, its own or of a resubmission';
COMMENT ON COLUMN batch.governed IS 'derived: the batch decides acceptance of its rows, not their last verdict';
COMMENT ON COLUMN batch.stub IS 'true while known by its id only';
COMMENT ON TABLE price IS 'What the client pays a unit, dated';
COMMENT ON COLUMN price.project_key IS '→ project';
COMMENT ON COLUMN price.batch_key IS '→ batch it is meant for; 0 the whole project';
COMMENT ON COLUMN price.valid_from IS 'first day it holds';
COMMENT ON COLUMN price.amount IS 'money per unit';
COMMENT ON COLUMN price.currency IS 'three-letter currency code';
COMMENT ON TABLE rate IS 'What the worker is paid a unit, dated';
COMMENT ON COLUMN rate.project_key IS '→ project';
COMMENT ON COLUMN rate.batch_key IS '→ batch it is meant for; 0 the whole project';
COMMENT ON COLUMN rate.action IS 'annotate, rework, review or clean';
COMMENT ON COLUMN rate.valid_from IS 'first day it holds';
COMMENT ON COLUMN rate.amount IS 'money per unit';
COMMENT ON COLUMN rate.currency IS 'three-letter currency code';
COMMENT ON COLUMN rate.pay_on IS 'when it is earned: submit, pass or accept';
COMMENT ON TABLE standard IS 'Standard time, dated';
COMMENT ON COLUMN standard.project_key IS '→ project';
COMMENT ON COLUMN standard.valid_from IS 'first day it holds';
COMMENT ON COLUMN standard.seconds_per_unit IS 'standard time of a unit, s';
COMMENT ON TABLE quota IS 'Planned output';
COMMENT ON COLUMN quota.project_key IS '→ project';
COMMENT ON COLUMN quota.site_key IS '→ site; 0 all of them';
COMMENT ON COLUMN quota.work_date IS 'business date';
COMMENT ON COLUMN quota.units IS 'units planned';
COMMENT ON TABLE cost IS 'Costs of a month';
COMMENT ON COLUMN cost.site_key IS '→ site; 0 the whole company';
COMMENT ON COLUMN cost.month IS 'first day of the month';
COMMENT ON COLUMN cost.kind IS 'rent, power, management, subsidy, …';
COMMENT ON COLUMN cost.amount IS 'money of the month';
COMMENT ON COLUMN cost.currency IS 'three-letter currency code';
COMMENT ON TABLE note IS 'Events to draw on charts';
COMMENT ON COLUMN note.note_id IS 'id as the source gives it';
COMMENT ON COLUMN note.site_key IS '→ site; 0 all of them';
COMMENT ON COLUMN note.project_key IS '→ project; null all of them';
COMMENT ON COLUMN note.from_date IS 'first day';
COMMENT ON COLUMN note.to_date IS 'last day; null for a single day';
COMMENT ON COLUMN note.kind IS 'guideline, outage, holiday, …';
COMMENT ON COLUMN note.text IS 'what happened';
COMMENT ON COLUMN note.text_en IS 'what happened, in English';
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
COMMENT ON TABLE load IS 'One row a table of each load: the history of imports and pushes';
COMMENT ON COLUMN load.load_id IS 'number of the load';
COMMENT ON COLUMN load.started_at IS 'UTC';
COMMENT ON COLUMN load.finished_at IS 'UTC';
COMMENT ON COLUMN load.source IS 'name of the source';
COMMENT ON COLUMN load.file IS 'file name; null for a push';
COMMENT ON COLUMN load.table_name IS 'canonical table';
COMMENT ON COLUMN load.rows IS 'rows read = new + updated + duplicates + rejected';
COMMENT ON COLUMN load.new IS 'rows not known before';
COMMENT ON COLUMN load.updated IS 'rows that replaced an older version';
COMMENT ON COLUMN load.duplicates IS 'rows known already';
COMMENT ON COLUMN load.rejected IS 'rows refused';
COMMENT ON COLUMN load.undated IS 'rows without a time';
COMMENT ON COLUMN load.undone_at IS 'when it was taken back, UTC; null while it stands';
COMMENT ON COLUMN load.undone_by IS 'account that took it back';
COMMENT ON TABLE reject IS 'Rows that were refused';
COMMENT ON COLUMN reject.reject_id IS 'running number';
COMMENT ON COLUMN reject.load_id IS '→ load that brought the row';
COMMENT ON COLUMN reject.file IS 'file name; null for a push';
COMMENT ON COLUMN reject.line IS 'line or row in the file; index from 0 in a push';
COMMENT ON COLUMN reject.table_name IS 'canonical table';
COMMENT ON COLUMN reject.code IS 'why, as a code of data/tables.py';
COMMENT ON COLUMN reject.column_name IS 'the column at fault';
COMMENT ON COLUMN reject.value IS 'what it held';
COMMENT ON COLUMN reject.reason IS 'why, as an English sentence';
COMMENT ON COLUMN reject.raw IS 'the whole row as it came';
COMMENT ON TABLE mapping IS 'Saved mappings from the columns of a file to canonical ones';
COMMENT ON COLUMN mapping.name IS 'name of the mapping';
COMMENT ON COLUMN mapping.spec IS 'the mapping as JSON';
COMMENT ON COLUMN mapping.saved_at IS 'UTC';
COMMENT ON TABLE account IS 'People who may sign in';
COMMENT ON COLUMN account.name IS 'account name, lower case';
COMMENT ON COLUMN account.password_hash IS 'argon2id';
COMMENT ON COLUMN account.role IS 'admin, executive, site_manager, hr, team_lead, reviewer or annotator';
COMMENT ON COLUMN account.site_id IS 'site it looks after';
COMMENT ON COLUMN account.team_id IS 'team it looks after';
COMMENT ON COLUMN account.worker_id IS 'worker it is';
COMMENT ON COLUMN account.failures IS 'failed attempts in a row';
COMMENT ON COLUMN account.locked_until IS 'shut until then, UTC';
COMMENT ON COLUMN account.disabled IS 'true when shut out';
COMMENT ON COLUMN account.created_at IS 'UTC';
COMMENT ON TABLE session IS 'Who is signed in';
COMMENT ON COLUMN session.sid_hash IS 'SHA-256 of the cookie';
COMMENT ON COLUMN session.account IS '→ account.name';
COMMENT ON COLUMN session.created_at IS 'UTC';
COMMENT ON COLUMN session.expires_at IS 'UTC';
COMMENT ON TABLE token IS 'Keys of programs';
COMMENT ON COLUMN token.token_hash IS 'SHA-256 of the token';
COMMENT ON COLUMN token.name IS 'name of the token';
COMMENT ON COLUMN token.account IS '→ account.name whose eyes it reads with; empty for none';
COMMENT ON COLUMN token.may_push IS 'whether it may push rows';
COMMENT ON COLUMN token.source IS 'source its rows belong to';
COMMENT ON COLUMN token.created_at IS 'UTC';
COMMENT ON COLUMN token.revoked_at IS 'UTC; null while it holds';
COMMENT ON TABLE presence IS 'Derived: stretches of employment with constant site, team, skill and contract, [from_date, to_date)';
COMMENT ON COLUMN presence.worker_key IS '→ worker';
COMMENT ON COLUMN presence.from_date IS 'first day';
COMMENT ON COLUMN presence.to_date IS 'first day no longer; null while it lasts';
COMMENT ON COLUMN presence.hired IS 'first day of the spell it belongs to';
COMMENT ON COLUMN presence.starts_spell IS 'begins with being hired';
COMMENT ON COLUMN presence.ends_spell IS 'ends with leaving';
COMMENT ON COLUMN presence.voluntary IS 'as in employment, on the stretch that ends the spell';
COMMENT ON COLUMN presence.leave_reason IS 'as in employment, on the stretch that ends the spell';
COMMENT ON COLUMN presence.contract IS 'kind of contract';
COMMENT ON COLUMN presence.channel IS 'where the person was recruited';
COMMENT ON COLUMN presence.site_key IS '→ site; 0 not known';
COMMENT ON COLUMN presence.team_key IS '→ team; 0 not known';
COMMENT ON COLUMN presence.moved_in IS 'begins with a change of site or team within the spell';
COMMENT ON COLUMN presence.moved_out IS 'ends with a change of site or team within the spell';
COMMENT ON COLUMN presence.role IS 'what the person does';
COMMENT ON COLUMN presence.skill_level IS '1 (lowest) to 5';
COMMENT ON COLUMN presence.modality IS 'that of the team';
COMMENT ON COLUMN presence.counts_until IS 'first day whose work no longer counts to it: the day after leaving, else the next stretch';
COMMENT ON TABLE cost_day IS 'Derived: monthly costs spread over the days of their month, to the cent';
COMMENT ON COLUMN cost_day.site_key IS '→ site; 0 the whole company';
COMMENT ON COLUMN cost_day.business_date IS 'day';
COMMENT ON COLUMN cost_day.kind IS 'as in cost';
COMMENT ON COLUMN cost_day.amount IS 'money of the day';
COMMENT ON TABLE work_day IS 'Roll-up of work by day';
COMMENT ON COLUMN work_day.business_date IS 'date on which the shift began, in the site''s zone; null for undated rows';
COMMENT ON COLUMN work_day.worker_key IS '→ worker: who did it';
COMMENT ON COLUMN work_day.team_key IS '→ team at that time; 0 not known';
COMMENT ON COLUMN work_day.site_key IS '→ site at that time; 0 not known';
COMMENT ON COLUMN work_day.project_key IS '→ project';
COMMENT ON COLUMN work_day.batch_key IS '→ batch; 0 none';
COMMENT ON COLUMN work_day.action IS '0 annotate, 1 rework, 2 review, 3 clean';
COMMENT ON COLUMN work_day.round IS 'attempt: 1 first pass, 2 and up rework';
COMMENT ON COLUMN work_day.clock IS 'how the tool measured seconds: 0 reported, 1 gap_100s, 2 lead_time, 3 active, 4 wall; null without seconds';
COMMENT ON COLUMN work_day.row_count IS 'rows of the log';
COMMENT ON COLUMN work_day.unit_count IS 'units in them';
COMMENT ON COLUMN work_day.prelabelled_count IS 'pre-labelled units in them';
COMMENT ON COLUMN work_day.timed_rows IS 'rows that have a duration';
COMMENT ON COLUMN work_day.timed_units IS 'units of rows that have a duration';
COMMENT ON COLUMN work_day.seconds IS 'sum of durations, s';
COMMENT ON COLUMN work_day.merged_units IS 'units of rows whose interval is known';
COMMENT ON COLUMN work_day.merged_s IS 'length of the intervals with overlaps counted once, s';
COMMENT ON COLUMN work_day.repeat_rows IS 'annotate rows that are not the item''s first attempt';
COMMENT ON COLUMN work_day.negative_rows IS 'rows that end before they start';
COMMENT ON COLUMN work_day.lone_rows IS 'submissions that are the only ones of their item';
COMMENT ON TABLE work_hour IS 'Roll-up of work by hour';
COMMENT ON COLUMN work_hour.business_date IS 'date on which the shift began, in the site''s zone; null for undated rows';
COMMENT ON COLUMN work_hour.hour IS 'hour of the local clock, 0–23; null for undated rows';
COMMENT ON COLUMN work_hour.worker_key IS '→ worker: who did it';
COMMENT ON COLUMN work_hour.team_key IS '→ team at that time; 0 not known';
COMMENT ON COLUMN work_hour.site_key IS '→ site at that time; 0 not known';
COMMENT ON COLUMN work_hour.project_key IS '→ project';
COMMENT ON COLUMN work_hour.action IS '0 annotate, 1 rework, 2 review, 3 clean';
COMMENT ON COLUMN work_hour.clock IS 'how the tool measured seconds: 0 reported, 1 gap_100s, 2 lead_time, 3 active, 4 wall; null without seconds';
COMMENT ON COLUMN work_hour.row_count IS 'rows of the log';
COMMENT ON COLUMN work_hour.unit_count IS 'units in them';
COMMENT ON COLUMN work_hour.prelabelled_count IS 'pre-labelled units in them';
COMMENT ON COLUMN work_hour.timed_rows IS 'rows that have a duration';
COMMENT ON COLUMN work_hour.timed_units IS 'units of rows that have a duration';
COMMENT ON COLUMN work_hour.seconds IS 'sum of durations, s';
COMMENT ON COLUMN work_hour.merged_units IS 'units of rows whose interval is known';
COMMENT ON COLUMN work_hour.merged_s IS 'length of the intervals with overlaps counted once, s';
COMMENT ON COLUMN work_hour.repeat_rows IS 'annotate rows that are not the item''s first attempt';
COMMENT ON COLUMN work_hour.negative_rows IS 'rows that end before they start';
COMMENT ON COLUMN work_hour.lone_rows IS 'submissions that are the only ones of their item';
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
COMMENT ON TABLE review_day IS 'Roll-up of review by day of the work and day of the review';
COMMENT ON COLUMN review_day.business_date IS 'date of the work, of the review when the work is not known; null for undated rows';
COMMENT ON COLUMN review_day.review_date IS 'business date of the review; null for undated rows';
COMMENT ON COLUMN review_day.worker_key IS '→ worker: the author of the work';
COMMENT ON COLUMN review_day.team_key IS '→ team at that time; 0 not known';
COMMENT ON COLUMN review_day.site_key IS '→ site at that time; 0 not known';
COMMENT ON COLUMN review_day.reviewer_key IS '→ worker who checked; null when not known';
COMMENT ON COLUMN review_day.project_key IS '→ project';
COMMENT ON COLUMN review_day.batch_key IS '→ batch; 0 none';
COMMENT ON COLUMN review_day.action IS 'action of the work, as in work; null when the work is not known';
COMMENT ON COLUMN review_day.round IS 'attempt: 1 first pass, 2 and up rework';
COMMENT ON COLUMN review_day.stage IS '0 self, 1 qc1, 2 qc2, 3 client, 4 gold';
COMMENT ON COLUMN review_day.error_type IS 'kind of error';
COMMENT ON COLUMN review_day.verdicts IS 'reviews';
COMMENT ON COLUMN review_day.rejections IS 'reviews with verdict reject';
COMMENT ON COLUMN review_day.unlinked IS 'reviews whose work is not known';
COMMENT ON COLUMN review_day.first_rows IS 'work rows by their first verdict';
COMMENT ON COLUMN review_day.first_accepts IS 'of first_rows, accepted';
COMMENT ON COLUMN review_day.last_rows IS 'work rows by their last verdict';
COMMENT ON COLUMN review_day.last_accepts IS 'of last_rows, accepted';
COMMENT ON COLUMN review_day.stage_first_rows IS 'work rows by their first verdict of the stage';
COMMENT ON COLUMN review_day.stage_first_accepts IS 'of stage_first_rows, accepted';
COMMENT ON COLUMN review_day.stage_last_rows IS 'work rows by their last verdict of the stage';
COMMENT ON COLUMN review_day.stage_last_accepts IS 'of stage_last_rows, accepted';
COMMENT ON COLUMN review_day.overturned_rows IS 'rejections accepted later without rework';
COMMENT ON COLUMN review_day.lone_rows IS 'reviews that are the only ones of their item';
COMMENT ON COLUMN review_day.lone_rejected_rows IS 'of lone_rows, with verdict reject';
COMMENT ON COLUMN review_day.inspected_count IS 'units checked';
COMMENT ON COLUMN review_day.error_count IS 'units found wrong';
COMMENT ON COLUMN review_day.passed_units IS 'units of work rows whose last verdict is accept';
COMMENT ON TABLE pace_day IS 'Histogram of seconds per unit by project and batch';
COMMENT ON COLUMN pace_day.business_date IS 'date on which the shift began, in the site''s zone; null for undated rows';
COMMENT ON COLUMN pace_day.site_key IS '→ site at that time; 0 not known';
COMMENT ON COLUMN pace_day.project_key IS '→ project';
COMMENT ON COLUMN pace_day.batch_key IS '→ batch; 0 none';
COMMENT ON COLUMN pace_day.action IS '0 annotate, 1 rework, 2 review, 3 clean';
COMMENT ON COLUMN pace_day.round IS 'attempt: 1 first pass, 2 and up rework';
COMMENT ON COLUMN pace_day.bucket IS 'log-spaced bucket of seconds per unit (data/codes.py, PACE_GAMMA)';
COMMENT ON COLUMN pace_day.row_count IS 'rows of the log';
COMMENT ON TABLE pace_group IS 'Histogram of seconds per unit by team, project and batch';
COMMENT ON COLUMN pace_group.business_date IS 'date on which the shift began, in the site''s zone; null for undated rows';
COMMENT ON COLUMN pace_group.team_key IS '→ team at that time; 0 not known';
COMMENT ON COLUMN pace_group.site_key IS '→ site at that time; 0 not known';
COMMENT ON COLUMN pace_group.project_key IS '→ project';
COMMENT ON COLUMN pace_group.batch_key IS '→ batch; 0 none';
COMMENT ON COLUMN pace_group.action IS '0 annotate, 1 rework, 2 review, 3 clean';
COMMENT ON COLUMN pace_group.round IS 'attempt: 1 first pass, 2 and up rework';
COMMENT ON COLUMN pace_group.bucket IS 'log-spaced bucket of seconds per unit (data/codes.py, PACE_GAMMA)';
COMMENT ON COLUMN pace_group.row_count IS 'rows of the log';
COMMENT ON TABLE pace_worker IS 'Histogram of seconds per unit by person';
COMMENT ON COLUMN pace_worker.business_date IS 'date on which the shift began, in the site''s zone; null for undated rows';
COMMENT ON COLUMN pace_worker.worker_key IS '→ worker: who did it';
COMMENT ON COLUMN pace_worker.team_key IS '→ team at that time; 0 not known';
COMMENT ON COLUMN pace_worker.site_key IS '→ site at that time; 0 not known';
COMMENT ON COLUMN pace_worker.project_key IS '→ project';
COMMENT ON COLUMN pace_worker.action IS '0 annotate, 1 rework, 2 review, 3 clean';
COMMENT ON COLUMN pace_worker.bucket IS 'log-spaced bucket of seconds per unit (data/codes.py, PACE_GAMMA)';
COMMENT ON COLUMN pace_worker.row_count IS 'rows of the log';
COMMENT ON TABLE earn_day IS 'What was earned on a day';
COMMENT ON COLUMN earn_day.business_date IS 'day it was earned; null for undated rows';
COMMENT ON COLUMN earn_day.basis IS 'by what: submit, pass or accept';
COMMENT ON COLUMN earn_day.worker_key IS '→ worker: who did it';
COMMENT ON COLUMN earn_day.team_key IS '→ team at that time; 0 not known';
COMMENT ON COLUMN earn_day.site_key IS '→ site at that time; 0 not known';
COMMENT ON COLUMN earn_day.project_key IS '→ project';
COMMENT ON COLUMN earn_day.batch_key IS '→ batch; 0 none';
COMMENT ON COLUMN earn_day.action IS '0 annotate, 1 rework, 2 review, 3 clean';
COMMENT ON COLUMN earn_day.round IS 'attempt: 1 first pass, 2 and up rework';
COMMENT ON COLUMN earn_day.unit_count IS 'units in it';
COMMENT ON COLUMN earn_day.pay IS 'owed to the worker by rates of this basis, money';
COMMENT ON COLUMN earn_day.revenue IS 'owed by the client, money (basis accept only)';
COMMENT ON COLUMN earn_day.unpriced_units IS 'accepted units without a price';
COMMENT ON COLUMN earn_day.unrated_units IS 'submitted units without a rate';
COMMENT ON TABLE rollup_addition IS 'Additions to a date since its roll-ups were last rebuilt whole';
COMMENT ON COLUMN rollup_addition.log IS 'work or review';
COMMENT ON COLUMN rollup_addition.business_date IS 'date; null for undated rows';
COMMENT ON COLUMN rollup_addition.additions IS 'how many';

-- Connected tools -----------------------------------------------------------------------------------------------------------
CREATE TABLE connection (name VARCHAR PRIMARY KEY, tool VARCHAR NOT NULL, source VARCHAR UNIQUE NOT NULL, address VARCHAR NOT NULL,
    credential VARCHAR NOT NULL, hook_secret VARCHAR, settings VARCHAR NOT NULL, every_s INTEGER NOT NULL, cursor VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL, attempted_at TIMESTAMP, caught_up_at TIMESTAMP, swept_at TIMESTAMP, newest_at TIMESTAMP,
    failures INTEGER NOT NULL DEFAULT 0, error VARCHAR, error_zh VARCHAR, seen BIGINT NOT NULL DEFAULT 0, new BIGINT NOT NULL DEFAULT 0,
    updated BIGINT NOT NULL DEFAULT 0, rejected BIGINT NOT NULL DEFAULT 0);
COMMENT ON TABLE connection IS 'Tools that this base is connected to, and how far each has been read';
COMMENT ON COLUMN connection.name IS 'what people call it';
COMMENT ON COLUMN connection.tool IS 'which connector reads it';
COMMENT ON COLUMN connection.source IS 'source under which its ids stand in the log';
COMMENT ON COLUMN connection.address IS 'where the tool is, without credentials';
COMMENT ON COLUMN connection.credential IS 'where the credential is to be found: env:NAME or file:/path';
COMMENT ON COLUMN connection.hook_secret IS 'where the secret of its webhooks is to be found; null refuses them';
COMMENT ON COLUMN connection.settings IS 'projects, people and what else was set, a JSON object';
COMMENT ON COLUMN connection.every_s IS 'seconds from one pull to the next';
COMMENT ON COLUMN connection.cursor IS 'how far it has been read, a JSON object; changes with the facts in one transaction';
COMMENT ON COLUMN connection.created_at IS 'when it was added, UTC';
COMMENT ON COLUMN connection.attempted_at IS 'end of the last pull, whether it succeeded or not, UTC';
COMMENT ON COLUMN connection.caught_up_at IS 'beginning of the last pull that read everything: what happened in the tool before is here, UTC';
COMMENT ON COLUMN connection.swept_at IS 'beginning of the last pull that also looked for what vanished, UTC';
COMMENT ON COLUMN connection.newest_at IS 'latest instant read from the tool, by its own clock, UTC';
COMMENT ON COLUMN connection.failures IS 'failed pulls since the last that succeeded';
COMMENT ON COLUMN connection.error IS 'what went wrong last, in English; null after a pull that succeeded';
COMMENT ON COLUMN connection.error_zh IS 'the same in Chinese';
COMMENT ON COLUMN connection.seen IS 'records of the tool read so far, those read again included';
COMMENT ON COLUMN connection.new IS 'rows it brought so far';
COMMENT ON COLUMN connection.updated IS 'rows it changed so far';
COMMENT ON COLUMN connection.rejected IS 'rows of it refused so far';

-- So that a load can be taken back: what else the loads said ------------------------------------------------------------------
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

-- One person, several accounts ---------------------------------------------------------------------------------------------------
CREATE TABLE identity (account_key INTEGER NOT NULL, worker_key INTEGER NOT NULL, same BOOLEAN NOT NULL, decided_at TIMESTAMP NOT NULL, decided_by VARCHAR NOT NULL);
COMMENT ON TABLE identity IS 'What people decided about whose accounts are whose; the latest decision on a pair holds';
COMMENT ON COLUMN identity.account_key IS '→ worker: an account in a tool';
COMMENT ON COLUMN identity.worker_key IS '→ worker: the person';
COMMENT ON COLUMN identity.same IS 'true: this account is that person; false: it is not, or no longer';
COMMENT ON COLUMN identity.decided_at IS 'UTC';
COMMENT ON COLUMN identity.decided_by IS 'account of who decided';
