-- Accounts in tools that are one person.
CREATE TABLE identity (account_key INTEGER NOT NULL, worker_key INTEGER NOT NULL, same BOOLEAN NOT NULL, decided_at TIMESTAMP NOT NULL, decided_by VARCHAR NOT NULL);
COMMENT ON TABLE identity IS 'What people decided about whose accounts are whose; the latest decision on a pair holds';
COMMENT ON COLUMN identity.account_key IS '→ worker: an account in a tool';
COMMENT ON COLUMN identity.worker_key IS '→ worker: the person';
COMMENT ON COLUMN identity.same IS 'true: this account is that person; false: it is not, or no longer';
COMMENT ON COLUMN identity.decided_at IS 'UTC';
COMMENT ON COLUMN identity.decided_by IS 'account of who decided';
