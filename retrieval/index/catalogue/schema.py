"""The schema: the tables of an index's catalogue."""

FORMAT = 5
"""The number of the format that this version writes. It rises when an older version could not read it."""

SUMMED = 3
"""The first format whose pages and arrays have checksums."""

MADE_BY_OTHERS = "SELECT 1 FROM sqlite_master WHERE type NOT IN ('table', 'index') LIMIT 1"
"""Finds a view or a trigger: we make none, and one could compute for ever when one of our tables is asked."""

ARCHIVES_SINCE = 4
"""The first format whose images may be in an archive and not in a folder."""

PRIVACY = {"hash": "1", "names": "plain", "thumbnails": "on"}
"""What ``meta`` says of an index that was made before it could say otherwise."""

APPLICATION = 0x53454D42
"""What marks an SQLite file as the catalogue of an index: ``SEMB``."""

ROOT = """CREATE TABLE root (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path BLOB NOT NULL,                    -- absolute, as the file system spells it
    displaced INTEGER NOT NULL DEFAULT 0,  -- 1: something else is at its path now, such as another disc
    folder TEXT,                           -- device and inode of the folder when it was scanned last
    scanned_ns INTEGER                     -- when that was, since 1970
)"""
"""The table of indexed folders; two discs that had one path are two."""

ARCHIVE = """CREATE TABLE archive (
    root INTEGER PRIMARY KEY REFERENCES root,  -- where its files are while they are read
    address BLOB NOT NULL,                 -- encrypted: its filters may name a patient
    cursor TEXT,                           -- how far its changes were seen
    keeps_files INTEGER NOT NULL           -- 1: they stay in the folder
)"""
"""The table of the roots that are archives and not folders."""

TABLES = (
    f"{ROOT};{ARCHIVE};"
    + """
CREATE UNIQUE INDEX root_path ON root (path) WHERE displaced = 0;

CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE source (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    root INTEGER NOT NULL REFERENCES root,
    path BLOB NOT NULL,                    -- relative to the root, as the file system spells it
    name TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,                 -- bytes
    mtime_ns INTEGER NOT NULL,
    state TEXT NOT NULL,                   -- see retrieval.index.catalogue.files.State
    reason TEXT NOT NULL DEFAULT '',       -- why it is not a picture of the index
    inode INTEGER,                         -- these four are NULL until an update has looked at the file
    ctime_ns INTEGER,
    part BLOB,                             -- keyed hashes, see retrieval.index.catalogue.contents
    whole BLOB,
    UNIQUE (root, path)
);
CREATE INDEX source_state ON source (state);

CREATE TABLE picture (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given twice
    name TEXT NOT NULL UNIQUE,
    source INTEGER NOT NULL REFERENCES source,
    rows INTEGER NOT NULL,                 -- pixels
    cols INTEGER NOT NULL,
    row_spacing REAL,                      -- millimetres
    col_spacing REAL,
    groups TEXT NOT NULL,                  -- JSON object of text
    metadata TEXT NOT NULL,                -- JSON object of text and numbers
    draw INTEGER NOT NULL DEFAULT 0,       -- its place in the drawing of samples: a keyed hash of its name
    burned_in INTEGER NOT NULL DEFAULT 0   -- bits, see retrieval.index.catalogue.privacy.TextMark
);
CREATE INDEX picture_source ON picture (source);
CREATE INDEX picture_draw ON picture (draw);

-- What the user took out, by a keyed hash of its name, so that reading its file again does not bring it back.
CREATE TABLE removed (name TEXT PRIMARY KEY, source INTEGER NOT NULL) WITHOUT ROWID;

-- What a label table says of a picture, or of all frames of a file.
CREATE TABLE label (
    name TEXT PRIMARY KEY,
    labels TEXT NOT NULL,                  -- JSON list of text
    columns TEXT NOT NULL,                 -- JSON object of text
    roots TEXT NOT NULL DEFAULT '[]'       -- JSON list: the folders that the table was given for
) WITHOUT ROWID;

CREATE TABLE representation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    is_next INTEGER NOT NULL,              -- 1: fitted anew, replaces the present one when complete;
                                           -- below 0: set aside, as its settings were changed; minus its id
    settings TEXT NOT NULL,                -- canonical JSON
    recipe TEXT,                           -- hash; NULL until it is fitted
    model TEXT,                            -- folder of what was learnt
    n_fitted INTEGER NOT NULL DEFAULT 0,   -- pictures that it learnt from
    n_sources INTEGER NOT NULL DEFAULT 0,  -- files of the index at that time
    report TEXT NOT NULL DEFAULT '{}',     -- JSON object, what it says of its fit
    UNIQUE (name, is_next)
);

-- Which files each representation has encoded whole.
CREATE TABLE encoded (
    source INTEGER NOT NULL,
    representation INTEGER NOT NULL,
    PRIMARY KEY (source, representation)
) WITHOUT ROWID;

CREATE TABLE segment (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    representation INTEGER,                -- NULL: thumbnails
    folder TEXT NOT NULL UNIQUE,
    n INTEGER NOT NULL,                    -- pictures, those since deleted included
    size INTEGER NOT NULL,                 -- bytes
    checksum TEXT NOT NULL,
    is_summed INTEGER NOT NULL DEFAULT 0   -- 1: its blocks have checksums, beside it
);
"""
)
