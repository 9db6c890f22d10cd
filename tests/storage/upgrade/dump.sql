-- The database of a studio at commit 591601e, which was killed while it drew. Job 3f35cc87b1 is done and cached, bc6db0458d was
-- running, 83b7930691 and 19f1b698c7 were queued, and the question e08cdc15ce, about two jobs, was open. Changed since: the data
-- folder is {DATA}, the waiting jobs have 2 steps, the picture is a reduced copy, and the session and the key that signs it are new.
BEGIN TRANSACTION;
CREATE TABLE ask_files (
    job     TEXT NOT NULL REFERENCES asks (job) ON DELETE CASCADE,
    sha256  TEXT NOT NULL,
    path    TEXT NOT NULL
) STRICT;
CREATE TABLE asked (
    request  TEXT PRIMARY KEY,
    until    REAL NOT NULL
) STRICT;
CREATE TABLE asks (
    job    TEXT PRIMARY KEY,
    body   TEXT NOT NULL,
    until  REAL NOT NULL
, question TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO "asks" VALUES('e08cdc15ce','{"id":"e08cdc15ce","command":"imagine","task":"imagine","params":{"prompt":"red car","shape":null,"count":1,"steps":2,"guidance":null,"negative":"","seed":129521779,"width":null,"height":null,"variation":null,"variation_seed":null,"image":null,"strength":null,"mask":null,"extend":null,"control":null,"control_weight":1.0,"model":null,"lora":"","tiling":false},"key":"563389e3ae43443f13812cc3b2af7feecc82ef6a547a08e1763f688f5ce618c4","user":"web:505c51a865ddcc9b14e838f32f79c379","origin":"web","private":true,"language":"en","request":null,"cost":1.0,"weight":1.0,"at_once":4,"in_line":100,"notes":[],"created":1795800312.3477545}',1.79588671234795522685e+09,'e08cdc15ce');
INSERT INTO "asks" VALUES('e08cdc15ce-2','{"id":"e08cdc15ce-2","command":"imagine","task":"imagine","params":{"prompt":"blue car","shape":null,"count":1,"steps":2,"guidance":null,"negative":"","seed":1054926706,"width":null,"height":null,"variation":null,"variation_seed":null,"image":null,"strength":null,"mask":null,"extend":null,"control":null,"control_weight":1.0,"model":null,"lora":"","tiling":false},"key":"eb0c1b789c7ba45759ce64a12a7a1c0792bd5f86bf4f32a6fa690bf4a56e8551","user":"web:505c51a865ddcc9b14e838f32f79c379","origin":"web","private":true,"language":"en","request":null,"cost":1.0,"weight":1.0,"at_once":4,"in_line":100,"notes":[],"created":1795800312.3478734}',1.79588671234795522685e+09,'e08cdc15ce');
CREATE TABLE cache (
    key        TEXT PRIMARY KEY,
    result     TEXT NOT NULL,
    bytes      INTEGER NOT NULL,
    hits       INTEGER NOT NULL DEFAULT 0,
    created    REAL NOT NULL,
    last_used  REAL NOT NULL
) STRICT;
INSERT INTO "cache" VALUES('cd40e167b97af8c86b55c1d0963c19cca9f2edcc78f2320ff476ff8b9ba0678c','{"media":[{"path":"{DATA}/media/30/307ccb4a48b1a38c361b62615b0fec166a4d5e398a92648eee0b334659e0152f.png","mime":"image/png","sha256":"307ccb4a48b1a38c361b62615b0fec166a4d5e398a92648eee0b334659e0152f","bytes":1559,"width":64,"height":64,"seconds":null}],"text":"","notes":[{"template":"Drawn by the embedded pocket model: emoji-like; see README for SDXL.","facts":{}}],"facts":{"prompt":"a red apple","seed":1,"backend":"pocket","tier":"embedded","model":"pocket-383ef35d0593","seconds":11.24}}',1559,0,1.79580032715325641629e+09,1.79580032715325641629e+09);
CREATE TABLE cache_files (
    key     TEXT NOT NULL REFERENCES cache (key) ON DELETE CASCADE,
    sha256  TEXT NOT NULL,
    path    TEXT NOT NULL
) STRICT;
INSERT INTO "cache_files" VALUES('cd40e167b97af8c86b55c1d0963c19cca9f2edcc78f2320ff476ff8b9ba0678c','307ccb4a48b1a38c361b62615b0fec166a4d5e398a92648eee0b334659e0152f','{DATA}/media/30/307ccb4a48b1a38c361b62615b0fec166a4d5e398a92648eee0b334659e0152f.png');
CREATE TABLE cache_totals (
    entries  INTEGER NOT NULL,
    bytes    INTEGER NOT NULL,
    hits     INTEGER NOT NULL,
    misses   INTEGER NOT NULL
) STRICT;
INSERT INTO "cache_totals" VALUES(1,1559,0,4);
CREATE TABLE consents (
    user       TEXT NOT NULL,
    command    TEXT NOT NULL,
    statement  TEXT NOT NULL,
    files      TEXT NOT NULL,
    given      REAL NOT NULL,
    PRIMARY KEY (user, command, statement)
) STRICT;
CREATE TABLE job_files (
    job     TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    sha256  TEXT NOT NULL,
    path    TEXT NOT NULL
) STRICT;
CREATE TABLE jobs (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT NOT NULL UNIQUE,
    command  TEXT NOT NULL,
    task     TEXT NOT NULL,
    params   TEXT NOT NULL,
    key      TEXT NOT NULL,
    user     TEXT NOT NULL,
    origin   TEXT NOT NULL,
    private  INTEGER NOT NULL,
    cost     REAL NOT NULL,
    created  REAL NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('queued', 'running', 'delivering', 'done', 'failed', 'cancelled')),
    worker   TEXT,
    attempt  INTEGER NOT NULL DEFAULT 0,
    stage    TEXT,
    started  REAL,
    ended    REAL,
    seconds  REAL NOT NULL DEFAULT 0,
    cached   INTEGER NOT NULL DEFAULT 0,
    result   TEXT,
    failed   TEXT
, weight REAL NOT NULL DEFAULT 1, at_once INTEGER, in_line INTEGER, language TEXT NOT NULL DEFAULT 'en', request TEXT, notes TEXT NOT NULL DEFAULT '[]') STRICT;
INSERT INTO "jobs" VALUES(1,'3f35cc87b1','imagine','imagine','{"prompt": "a red apple", "shape": null, "count": 1, "steps": null, "guidance": null, "negative": "", "seed": 1, "width": null, "height": null, "variation": null, "variation_seed": null, "image": null, "strength": null, "mask": null, "extend": null, "control": null, "control_weight": 1.0, "model": null, "lora": "", "tiling": false}','cd40e167b97af8c86b55c1d0963c19cca9f2edcc78f2320ff476ff8b9ba0678c','web:505c51a865ddcc9b14e838f32f79c379','web',1,1.0,1.7958003121885941028e+09,'done','cpu',1,'drawing',1.79580031223979401586e+09,1.79580032715325641629e+09,1.47902783890003775013e+01,0,'{"media":[{"path":"{DATA}/media/30/307ccb4a48b1a38c361b62615b0fec166a4d5e398a92648eee0b334659e0152f.png","mime":"image/png","sha256":"307ccb4a48b1a38c361b62615b0fec166a4d5e398a92648eee0b334659e0152f","bytes":1559,"width":64,"height":64,"seconds":null}],"text":"","notes":[{"template":"Drawn by the embedded pocket model: emoji-like; see README for SDXL.","facts":{}}],"facts":{"prompt":"a red apple","seed":1,"backend":"pocket","tier":"embedded","model":"pocket-383ef35d0593","seconds":11.24}}',NULL,1.0,4,100,'en',NULL,'[]');
INSERT INTO "jobs" VALUES(2,'bc6db0458d','imagine','imagine','{"prompt": "a blue fish", "shape": null, "count": 1, "steps": 2, "guidance": null, "negative": "", "seed": 3, "width": null, "height": null, "variation": null, "variation_seed": null, "image": null, "strength": null, "mask": null, "extend": null, "control": null, "control_weight": 1.0, "model": null, "lora": "", "tiling": false}','d5254aadff24aced7a06f505953d403b125ce330826312c6132f60f4ab9884a9','web:505c51a865ddcc9b14e838f32f79c379','web',1,1.0,1.79580033538832378389e+09,'running','cpu',1,'drawing',1.79580033541603231433e+09,NULL,0.0,0,NULL,NULL,1.0,4,100,'en',NULL,'[]');
INSERT INTO "jobs" VALUES(3,'83b7930691','imagine','imagine','{"prompt": "a green tree", "shape": null, "count": 1, "steps": 2, "guidance": null, "negative": "", "seed": 3, "width": null, "height": null, "variation": null, "variation_seed": null, "image": null, "strength": null, "mask": null, "extend": null, "control": null, "control_weight": 1.0, "model": null, "lora": "", "tiling": false}','45e39ac453bdfd12d490ea870db1eb967ae3fa524e4db62276a8813217b8fdbf','web:505c51a865ddcc9b14e838f32f79c379','web',1,1.0,1.79580033545226097103e+09,'queued',NULL,0,NULL,NULL,NULL,0.0,0,NULL,NULL,1.0,4,100,'en',NULL,'[]');
INSERT INTO "jobs" VALUES(4,'19f1b698c7','imagine','imagine','{"prompt": "a cat", "shape": null, "count": 1, "steps": 2, "guidance": null, "negative": "", "seed": 3, "width": null, "height": null, "variation": null, "variation_seed": null, "image": null, "strength": null, "mask": null, "extend": null, "control": null, "control_weight": 1.0, "model": null, "lora": "", "tiling": false}','7cc7bde99a05d600704ee05a331e2f76bb6db039861ba08628f5e6cb95428925','web:505c51a865ddcc9b14e838f32f79c379','web',1,1.0,1.79580033551066470145e+09,'queued',NULL,0,NULL,NULL,NULL,0.0,0,NULL,NULL,1.0,4,100,'en',NULL,'[]');
CREATE TABLE notes (
    name   TEXT PRIMARY KEY,
    value  TEXT NOT NULL
) STRICT;
INSERT INTO "notes" VALUES('web.key','000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');
CREATE TABLE runs (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    task     TEXT NOT NULL,
    model    TEXT NOT NULL,
    size     TEXT NOT NULL,
    device   TEXT NOT NULL,
    seconds  REAL NOT NULL
) STRICT;
INSERT INTO "runs" VALUES(1,'imagine','pocket-383ef35d0593','1 square, steps usual, from words','cpu',1.47901174879998507094e+01);
CREATE TABLE uses (
    identity  TEXT NOT NULL,
    command   TEXT NOT NULL,
    at        REAL NOT NULL,
    until     REAL NOT NULL,
    job       TEXT NOT NULL
) STRICT;
INSERT INTO "uses" VALUES('web:505c51a865ddcc9b14e838f32f79c379','imagine',1.79580031218910551068e+09,1.79580037218910551063e+09,'3f35cc87b1');
INSERT INTO "uses" VALUES('web-address:127.0.0.1','imagine',1.79580031218910551068e+09,1.79580037218910551063e+09,'3f35cc87b1');
INSERT INTO "uses" VALUES('web:505c51a865ddcc9b14e838f32f79c379','imagine',1.79580033538863492008e+09,1.79580039538863492007e+09,'bc6db0458d');
INSERT INTO "uses" VALUES('web-address:127.0.0.1','imagine',1.79580033538863492008e+09,1.79580039538863492007e+09,'bc6db0458d');
INSERT INTO "uses" VALUES('web:505c51a865ddcc9b14e838f32f79c379','imagine',1.79580033545253896706e+09,1.79580039545253896714e+09,'83b7930691');
INSERT INTO "uses" VALUES('web-address:127.0.0.1','imagine',1.79580033545253896706e+09,1.79580039545253896714e+09,'83b7930691');
INSERT INTO "uses" VALUES('web:505c51a865ddcc9b14e838f32f79c379','imagine',1.79580033551093435281e+09,1.79580039551093435289e+09,'19f1b698c7');
INSERT INTO "uses" VALUES('web-address:127.0.0.1','imagine',1.79580033551093435281e+09,1.79580039551093435289e+09,'19f1b698c7');
CREATE INDEX jobs_unfinished ON jobs (number) WHERE state IN ('queued', 'running', 'delivering');
CREATE INDEX jobs_by_time ON jobs (created, command, state, cached, started, ended);
CREATE INDEX job_files_by_job ON job_files (job);
CREATE INDEX job_files_by_content ON job_files (sha256);
CREATE INDEX cache_by_use ON cache (last_used);
CREATE INDEX cache_by_age ON cache (created);
CREATE INDEX cache_files_by_key ON cache_files (key);
CREATE INDEX cache_files_by_content ON cache_files (sha256);
CREATE TRIGGER cache_grows AFTER INSERT ON cache BEGIN
    UPDATE cache_totals SET entries = entries + 1, bytes = bytes + NEW.bytes;
END;
CREATE TRIGGER cache_shrinks AFTER DELETE ON cache BEGIN
    UPDATE cache_totals SET entries = entries - 1, bytes = bytes - OLD.bytes;
END;
CREATE INDEX uses_by_identity ON uses (identity, command, at);
CREATE INDEX uses_by_end ON uses (until);
CREATE INDEX uses_by_job ON uses (job);
CREATE INDEX jobs_unfinished_by_user ON jobs (user, state) WHERE state IN ('queued', 'running', 'delivering');
CREATE INDEX runs_by_kind ON runs (task, model, size, device, number);
CREATE UNIQUE INDEX jobs_by_request ON jobs (request) WHERE request IS NOT NULL;
CREATE INDEX asks_by_end ON asks (until);
CREATE INDEX ask_files_by_job ON ask_files (job);
CREATE INDEX ask_files_by_content ON ask_files (sha256);
CREATE INDEX asks_by_question ON asks (question);
CREATE INDEX asked_by_end ON asked (until);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('jobs',4);
INSERT INTO "sqlite_sequence" VALUES('runs',1);
PRAGMA user_version = 9;
COMMIT;