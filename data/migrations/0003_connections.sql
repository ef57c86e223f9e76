-- Tools that this base is connected to, read by `python -m data sync` and by the server. Secrets are never in here.
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
