/** Moves with every change below; a file of another version is made anew, as all of it can be fetched again. */
export const SCHEMA_VERSION = 1;

/**
 * The catalogue on disk. A listing is kept for each source that has it, so that no source can change what another one
 * says (T17). `words` holds no text of its own: what was indexed is not needed again.
 */
export const SCHEMA_SQL = `
CREATE TABLE sources (
  id INTEGER PRIMARY KEY,
  url TEXT NOT NULL UNIQUE,
  shape TEXT,
  -- Listings carry the generation of the run that saw them last.
  generation INTEGER NOT NULL DEFAULT 0,
  began_ms INTEGER,
  -- Where a run that broke off goes on; null where the last one ended.
  resume_at INTEGER,
  completed_ms INTEGER,
  checked_ms INTEGER,
  lease_ms INTEGER NOT NULL DEFAULT 0,
  dropped INTEGER NOT NULL DEFAULT 0,
  why TEXT
) STRICT;
CREATE TABLE pages (
  source_id INTEGER NOT NULL,
  position INTEGER NOT NULL,
  etag TEXT,
  modified TEXT,
  items INTEGER NOT NULL,
  total INTEGER,
  dropped INTEGER NOT NULL,
  PRIMARY KEY (source_id, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE listings (
  id INTEGER PRIMARY KEY,
  source_id INTEGER NOT NULL,
  position INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  url TEXT NOT NULL,
  method TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  host TEXT NOT NULL,
  category TEXT,
  usd_min INTEGER,
  usd_max INTEGER,
  -- Payable networks between blanks; empty where all offers are foreign, null where none is listed.
  networks TEXT,
  calls INTEGER,
  payers INTEGER,
  last_called_ms INTEGER,
  curated INTEGER NOT NULL,
  trust REAL NOT NULL,
  digest TEXT NOT NULL,
  UNIQUE (source_id, url, method)
) STRICT;
CREATE INDEX listings_page ON listings (source_id, position);
-- Apart, as it is most of a listing and never searched by.
CREATE TABLE details (listing_id INTEGER PRIMARY KEY, detail TEXT NOT NULL) STRICT;
CREATE INDEX listings_endpoint ON listings (endpoint);
CREATE INDEX listings_host ON listings (host);
CREATE INDEX listings_category ON listings (category, trust);
CREATE TABLE payees (
  listing_id INTEGER NOT NULL,
  pay_to TEXT NOT NULL,
  site TEXT NOT NULL,
  PRIMARY KEY (pay_to, site, listing_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX payees_listing ON payees (listing_id);
CREATE TABLE hosts (
  host TEXT PRIMARY KEY,
  site TEXT NOT NULL,
  folded TEXT NOT NULL,
  -- Null where it was there when we first looked: then nobody knows how old it is.
  first_seen_ms INTEGER,
  payers INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX hosts_folded ON hosts (folded);
CREATE VIRTUAL TABLE words USING fts5(
  title, tags, about, path, fields,
  content = '', contentless_delete = 1, tokenize = 'porter unicode61 remove_diacritics 2'
);
`;
