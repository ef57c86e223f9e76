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
    longest_interval_s DECIMAL(18,3) NOT NULL DEFAULT 0, stub BOOLEAN NOT NULL DEFAULT false, extra VARCHAR);
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
CREATE TABLE work (business_date DATE, worker_key INTEGER NOT NULL, ts TIMESTAMP_MS, source_key SMALLINT NOT NULL,
    event_id VARCHAR NOT NULL, project_key SMALLINT NOT NULL, batch_key INTEGER NOT NULL, item_id VARCHAR NOT NULL,
    action UTINYINT NOT NULL, round USMALLINT NOT NULL, round_given BOOLEAN NOT NULL, units DECIMAL(9,3) NOT NULL,
    prelabelled_units DECIMAL(9,3), seconds DECIMAL(9,3), wall_s DECIMAL(12,3), overlap_s DECIMAL(12,3) NOT NULL,
    clock UTINYINT, hour UTINYINT, site_key SMALLINT NOT NULL, team_key SMALLINT NOT NULL, version BIGINT,
    load_id INTEGER NOT NULL, extra VARCHAR);
CREATE TABLE review (work_date DATE, review_date DATE, worker_key INTEGER NOT NULL, ts TIMESTAMP_MS,
    source_key SMALLINT NOT NULL, review_id VARCHAR NOT NULL, event_id VARCHAR, event_given BOOLEAN NOT NULL,
    project_key SMALLINT NOT NULL, batch_key INTEGER NOT NULL, batch_given BOOLEAN NOT NULL, item_id VARCHAR NOT NULL, reviewer_key INTEGER,
    stage UTINYINT NOT NULL, round USMALLINT NOT NULL, round_given USMALLINT, verdict UTINYINT NOT NULL,
    inspected_units DECIMAL(9,3), error_units DECIMAL(9,3), error_type VARCHAR, sampled_why VARCHAR,
    linked BOOLEAN NOT NULL, work_source_key SMALLINT, work_action UTINYINT, work_units DECIMAL(9,3), is_first BOOLEAN NOT NULL,
    is_last BOOLEAN NOT NULL, stage_first BOOLEAN NOT NULL, stage_last BOOLEAN NOT NULL, overturned BOOLEAN NOT NULL,
    site_key SMALLINT NOT NULL, team_key SMALLINT NOT NULL, version BIGINT, load_id INTEGER NOT NULL, extra VARCHAR);

-- How it got in -------------------------------------------------------------------------------------------------------
CREATE TABLE load (load_id INTEGER NOT NULL, started_at TIMESTAMP NOT NULL, finished_at TIMESTAMP NOT NULL,
    source VARCHAR NOT NULL, file VARCHAR, table_name VARCHAR NOT NULL, rows BIGINT NOT NULL, new BIGINT NOT NULL,
    updated BIGINT NOT NULL, duplicates BIGINT NOT NULL, rejected BIGINT NOT NULL, undated BIGINT NOT NULL, PRIMARY KEY (load_id, table_name));
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
    role VARCHAR, skill_level TINYINT, modality VARCHAR);
CREATE TABLE cost_day (site_key SMALLINT NOT NULL, business_date DATE NOT NULL, kind VARCHAR NOT NULL, amount DECIMAL(18,6) NOT NULL);

-- Rolled up: all additive; at any moment equal to a recomputation from the log (python -m data verify) --------------------
CREATE TABLE work_day (business_date DATE, worker_key INTEGER NOT NULL, team_key SMALLINT NOT NULL, site_key SMALLINT NOT NULL,
    project_key SMALLINT NOT NULL, batch_key INTEGER NOT NULL, action UTINYINT NOT NULL, round USMALLINT NOT NULL, clock UTINYINT,
    row_count INTEGER NOT NULL, unit_count DECIMAL(18,3) NOT NULL, prelabelled_count DECIMAL(18,3) NOT NULL,
    timed_rows INTEGER NOT NULL, timed_units DECIMAL(18,3) NOT NULL, seconds DECIMAL(18,3) NOT NULL,
    merged_units DECIMAL(18,3) NOT NULL, merged_s DECIMAL(18,3) NOT NULL, repeat_rows INTEGER NOT NULL, negative_rows INTEGER NOT NULL);
CREATE TABLE work_hour (business_date DATE, hour UTINYINT, worker_key INTEGER NOT NULL, team_key SMALLINT NOT NULL,
    site_key SMALLINT NOT NULL, project_key SMALLINT NOT NULL, action UTINYINT NOT NULL, clock UTINYINT,
    row_count INTEGER NOT NULL, unit_count DECIMAL(18,3) NOT NULL, prelabelled_count DECIMAL(18,3) NOT NULL,
    timed_rows INTEGER NOT NULL, timed_units DECIMAL(18,3) NOT NULL, seconds DECIMAL(18,3) NOT NULL,
    merged_units DECIMAL(18,3) NOT NULL, merged_s DECIMAL(18,3) NOT NULL, repeat_rows INTEGER NOT NULL, negative_rows INTEGER NOT NULL);
CREATE TABLE review_day (business_date DATE, review_date DATE, worker_key INTEGER NOT NULL, team_key SMALLINT NOT NULL,
    site_key SMALLINT NOT NULL, reviewer_key INTEGER, project_key SMALLINT NOT NULL, batch_key INTEGER NOT NULL,
    action UTINYINT, round USMALLINT NOT NULL, stage UTINYINT NOT NULL, error_type VARCHAR,
    verdicts INTEGER NOT NULL, rejections INTEGER NOT NULL, unlinked INTEGER NOT NULL, first_rows INTEGER NOT NULL, first_accepts INTEGER NOT NULL,
    last_rows INTEGER NOT NULL, last_accepts INTEGER NOT NULL, stage_first_rows INTEGER NOT NULL, stage_first_accepts INTEGER NOT NULL,
    stage_last_rows INTEGER NOT NULL, stage_last_accepts INTEGER NOT NULL, overturned_rows INTEGER NOT NULL,
    inspected_count DECIMAL(18,3) NOT NULL, error_count DECIMAL(18,3) NOT NULL, passed_units DECIMAL(18,3) NOT NULL);
CREATE TABLE pace_group (business_date DATE, team_key SMALLINT NOT NULL, site_key SMALLINT NOT NULL, project_key SMALLINT NOT NULL,
    batch_key INTEGER NOT NULL, action UTINYINT NOT NULL, round USMALLINT NOT NULL, bucket SMALLINT NOT NULL, row_count INTEGER NOT NULL);
CREATE TABLE pace_worker (business_date DATE, worker_key INTEGER NOT NULL, team_key SMALLINT NOT NULL, site_key SMALLINT NOT NULL,
    project_key SMALLINT NOT NULL, action UTINYINT NOT NULL, bucket SMALLINT NOT NULL, row_count INTEGER NOT NULL);
CREATE TABLE earn_day (business_date DATE, basis VARCHAR NOT NULL, worker_key INTEGER NOT NULL, team_key SMALLINT NOT NULL,
    site_key SMALLINT NOT NULL, project_key SMALLINT NOT NULL, batch_key INTEGER NOT NULL, action UTINYINT NOT NULL, round USMALLINT NOT NULL,
    unit_count DECIMAL(18,3) NOT NULL, pay DECIMAL(18,6) NOT NULL, revenue DECIMAL(18,6) NOT NULL, unpriced_units DECIMAL(18,3) NOT NULL, unrated_units DECIMAL(18,3) NOT NULL);
-- How often a date was added to since its roll-ups were last rebuilt whole (many small additions are folded now and then).
CREATE TABLE rollup_addition (log VARCHAR NOT NULL, business_date DATE, additions INTEGER NOT NULL);
