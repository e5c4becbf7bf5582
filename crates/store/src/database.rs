//! Opening the database file: settings of the connection, the check for damage, and the schema's number.

use crate::error::StoreError;
use domain::script;
use rusqlite::config::DbConfig;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, Migrations};
use std::path::Path;
use std::time::Duration;

const SCHEMAS: [M<'static>; 17] = [
    M::up(include_str!("migrations/0001_initial.sql")),
    M::up(include_str!("migrations/0002_warming.sql")),
    M::up(include_str!("migrations/0003_habits.sql")),
    M::up(include_str!("migrations/0004_projects.sql")),
    M::up(include_str!("migrations/0005_condensing.sql")),
    M::up(include_str!("migrations/0006_embeddings.sql")),
    M::up(include_str!("migrations/0007_yours.sql")),
    M::up(include_str!("migrations/0008_batches.sql")),
    M::up(include_str!("migrations/0009_batch_marks.sql")),
    M::up(include_str!("migrations/0010_doomed.sql")),
    M::up(include_str!("migrations/0011_apart.sql")),
    M::up(include_str!("migrations/0012_marks.sql")),
    M::up(include_str!("migrations/0013_vocabulary.sql")),
    M::up(include_str!("migrations/0014_sketches.sql")),
    M::up(include_str!("migrations/0015_origins.sql")),
    M::up(include_str!("migrations/0016_refusals.sql")),
    M::up(include_str!("migrations/0017_vain.sql")),
];

/// How many free pages are given back at a time.
const PAGES: u32 = 500;
/// A database of so many bytes is written anew in about a second.
const SMALL: i64 = 64 << 20;
/// A database of so many bytes is looked through in about a second.
const LOOKED_THROUGH: i64 = 1 << 30;

/// How long a statement waits for the other connection. Readers never wait for the writer in WAL mode, so this is only met
/// in checkpoints and recovery.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many statements stay prepared: a search alone has two dozen.
const STATEMENTS: usize = 128;

/// The writer's connection to `file`, which exists: checked, and brought to the newest schema.
pub(crate) fn open_for_writing(file: &Path) -> Result<Connection, StoreError> {
    let open = || -> Result<Connection, StoreError> {
        let mut database = connect(file)?;
        refuse_newer(&database, file)?;
        database.pragma_update(None, "auto_vacuum", "incremental")?;
        database.pragma_update(None, "journal_mode", "wal")?;
        check_up_to(LOOKED_THROUGH, &database, file)?;
        migrate(&mut database)?;
        let_pages_go(&database)?;
        Ok(database)
    };
    open().map_err(|error| error.about(file))
}

/// A reader's connection: any attempt to write through it is an error.
pub(crate) fn open_for_reading(file: &Path) -> Result<Connection, StoreError> {
    let open = || -> Result<Connection, StoreError> {
        let database = connect(file)?;
        database.pragma_update(None, "query_only", true)?;
        Ok(database)
    };
    open().map_err(|error| error.about(file))
}

/// Looks at `file` as a start would, and changes nothing of it: the number of its schema.
pub(crate) fn look(file: &Path) -> Result<i64, StoreError> {
    let look = || -> Result<i64, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let database = Connection::open_with_flags(file, flags)?;
        database.busy_timeout(PATIENCE)?;
        refuse_newer(&database, file)?;
        check(&database, file)?;
        Ok(database.query_row("PRAGMA user_version", [], |row| row.get(0))?)
    };
    look().map_err(|error| error.about(file))
}

/// A database that lives as long as its connection.
pub(crate) fn open_in_memory() -> Result<Connection, StoreError> {
    let mut database = Connection::open_in_memory()?;
    set_up(&database)?;
    migrate(&mut database)?;
    Ok(database)
}

fn connect(file: &Path) -> Result<Connection, StoreError> {
    // Neither CREATE, since a file made by SQLite would be readable by others, nor URI, since a folder may be called "file:".
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(file, flags)?;
    set_up(&database)?;
    Ok(database)
}

fn set_up(database: &Connection) -> rusqlite::Result<()> {
    database.busy_timeout(PATIENCE)?;
    // FULL: what was acknowledged is on the disk, not only safe from a killed process but from a power cut too.
    database.pragma_update(None, "synchronous", "full")?;
    database.pragma_update(None, "foreign_keys", true)?;
    database.pragma_update(None, "secure_delete", true)?;
    // Sorting must not leave texts in files outside the data folder.
    database.pragma_update(None, "temp_store", "memory")?;
    // A file that somebody handed us must not be able to run more than we wrote into it.
    database.pragma_update(None, "trusted_schema", false)?;
    database.pragma_update(None, "cell_size_check", true)?;
    // Else a statement with a parameter behind LIMIT is prepared anew each time it is used.
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    database.set_prepared_statement_cache_capacity(STATEMENTS);
    set_signs_apart(database)
}

/// What the word indexes ask for of texts ([`script::set_apart`]).
fn set_signs_apart(database: &Connection) -> rusqlite::Result<()> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    database.create_scalar_function("set_apart", 1, flags, |values| {
        let text = values.get_raw(0).as_str_or_null()?;
        Ok(text.map(|text| script::set_apart(text).into_owned()))
    })
}

/// A database that was made before pages could be given back is written anew, once, if that takes no more than a moment; a larger
/// one keeps its free pages for what comes.
fn let_pages_go(database: &Connection) -> rusqlite::Result<()> {
    let is_small = bytes(database)? <= SMALL;
    if pragma(database, "auto_vacuum")? == 0 && is_small { database.execute_batch("VACUUM") } else { Ok(()) }
}

fn bytes(database: &Connection) -> rusqlite::Result<i64> {
    Ok(pragma(database, "page_count")? * pragma(database, "page_size")?)
}

fn pragma(database: &Connection, name: &str) -> rusqlite::Result<i64> {
    database.pragma_query_value(None, name, |row| row.get(0))
}

/// Gives some free pages back to the system, where the database can.
pub(crate) fn give_back(database: &Connection) -> rusqlite::Result<()> {
    let mut statement = database.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}

/// Looks for damage where that takes a moment: agents wait for a start. A larger database is looked through by [`look`], when a
/// person asks, and damage is met by the statement that reads it.
fn check_up_to(most: i64, database: &Connection, file: &Path) -> Result<(), StoreError> {
    if bytes(database)? <= most { check(database, file) } else { Ok(()) }
}

/// Looks at every table and index for damage, which takes about a second for a gigabyte. Word indexes are looked at as the
/// tables they are kept in, not word by word: that takes ten times as long, and they hold nothing that is not elsewhere.
fn check(database: &Connection, file: &Path) -> Result<(), StoreError> {
    for table in tables(database)? {
        let found: String =
            database.query_row(&format!("PRAGMA quick_check(\"{table}\")"), [], |row| row.get(0))?;
        if found != "ok" {
            return Err(StoreError::Corrupt { file: file.to_owned(), reason: found });
        }
    }
    Ok(())
}

/// The tables that have pages of their own; word indexes have none but own some that do.
fn tables(database: &Connection) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0";
    database.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

/// Before anything is written: what a newer program made of the file is not ours to touch.
fn refuse_newer(database: &Connection, file: &Path) -> Result<(), StoreError> {
    let known = SCHEMAS.len() as i64;
    let found: i64 = database.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > known { Err(StoreError::Newer { file: file.to_owned(), found, known }) } else { Ok(()) }
}

fn migrate(database: &mut Connection) -> Result<(), StoreError> {
    Migrations::from_slice(&SCHEMAS).to_latest(database).map_err(|error| match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => err.into(),
        other => StoreError::Database(Box::new(other)),
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// How a statement is done in an empty database, step by step.
    pub(crate) fn plan(sql: &str) -> Vec<String> {
        let database = open_in_memory().unwrap();
        let mut plan = database.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let values = vec![None::<i64>; plan.parameter_count()];
        let steps = plan.query_map(rusqlite::params_from_iter(values), |row| row.get("detail")).unwrap();
        steps.map(Result::unwrap).collect()
    }

    #[test]
    fn the_schemas_are_sound() {
        open_in_memory().unwrap();
    }

    /// A database as an older program left it.
    fn at_schema(number: usize) -> Connection {
        let mut database = Connection::open_in_memory().unwrap();
        set_up(&database).unwrap();
        Migrations::from_slice(&SCHEMAS).to_version(&mut database, number).unwrap();
        database
    }

    #[test]
    fn what_was_kept_before_there_were_projects_belongs_to_its_folder() {
        let mut database = at_schema(2);
        let kept = "INSERT INTO session (id, principal, client, provider, dialect, model, upstream_origin, directory, head, created,
                last_activity) VALUES ('s', 'p', 'c', 'anthropic', 'd', 'm', 'o', '/oven', x'', 1, 1);
            INSERT INTO knowledge (id, version, principal, directory, session, category, title, folded_title, content, confidence,
                created, updated) VALUES ('k1', 1, 'p', '/oven', 's', 'decision', 'Flour', 'flour', 'rye', 1, 1, 1)";
        database.execute_batch(kept).unwrap();
        migrate(&mut database).unwrap();
        let sql = "SELECT session.project, knowledge.project, promoted FROM session JOIN knowledge ON session = session.id";
        let found = database.query_row(sql, [], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, bool>(2)?))
        });
        assert_eq!(found.unwrap(), ("/oven".to_owned(), "/oven".to_owned(), false));
    }

    #[test]
    fn a_database_too_large_to_be_looked_through_while_agents_wait_opens_and_a_look_on_demand_finds_its_damage()
     {
        let home = tempfile::TempDir::new().unwrap();
        let file = home.path().join("it");
        let made = Connection::open(&file).unwrap();
        let fill = "CREATE TABLE loaf (word TEXT); WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
            INSERT INTO loaf SELECT 'sourdough ' || i FROM n";
        made.execute_batch(fill).unwrap();
        drop(made);
        let mut damaged = std::fs::read(&file).unwrap();
        damaged[3 * 4096..4 * 4096].fill(0x5a);
        std::fs::write(&file, damaged).unwrap();
        let database = connect(&file).unwrap();
        let size = bytes(&database).unwrap();
        assert!(check_up_to(size - 1, &database, &file).is_ok());
        assert!(matches!(check_up_to(size, &database, &file), Err(StoreError::Corrupt { .. })));
        assert!(matches!(look(&file), Err(StoreError::Corrupt { .. })));
    }

    #[test]
    fn what_lay_in_batches_before_they_had_marks_is_known_by_the_provider_s_name() {
        let mut database = at_schema(8);
        let kept = "INSERT INTO batch (id, principal, provider, origin, dialect, at) VALUES ('msgbatch_1', 'p', 'anthropic', 'o', 'd', 1);
            INSERT INTO batch_item (batch, place, session, model, sources, size) VALUES ('msgbatch_1', 0, 's', 'm', '[1]', 9)";
        database.execute_batch(kept).unwrap();
        migrate(&mut database).unwrap();
        let sql = "SELECT mark, id, session FROM batch JOIN batch_item ON batch = mark";
        let found = database.query_row(sql, [], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
        });
        assert_eq!(found.unwrap(), ("msgbatch_1".to_owned(), "msgbatch_1".to_owned(), "s".to_owned()));
        database.execute_batch("PRAGMA foreign_keys = on; DELETE FROM batch").unwrap();
        let left: i64 = database.query_row("SELECT count(*) FROM batch_item", [], |row| row.get(0)).unwrap();
        assert_eq!(left, 0, "calls still go with their batch");
    }

    #[test]
    fn entries_of_before_there_were_origins_come_from_here_and_of_those_that_are_gone_the_id_is_known() {
        let mut database = at_schema(13);
        let kept = "INSERT INTO knowledge (id, version, principal, category, title, folded_title, content, confidence, created, updated)
                VALUES ('k1', 1, 'p', 'gotcha', 'Rye', 'rye', 'It bites.', 1, 5, 9);
            INSERT INTO tombstone (id, principal, reason, at) VALUES ('k2', 'p', 'old', 7)";
        database.execute_batch(kept).unwrap();
        migrate(&mut database).unwrap();
        let sql = "SELECT knowledge.origin, tombstone.origin, forgotten FROM knowledge JOIN tombstone ON knowledge.principal = tombstone.principal";
        let found = database.query_row(sql, [], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, bool>(2)?))
        });
        assert_eq!(found.unwrap(), ("k1@5".to_owned(), "k2".to_owned(), false));
    }

    const TWO_MESSAGES: &str = "INSERT INTO every_session (id, principal, client, provider, dialect, model, upstream_origin, head, created,
            last_activity) VALUES ('s', 'p', 'c', 'anthropic', 'd', 'm', 'o', x'', 1, 1);
        INSERT INTO message (session, digest, role, tokens, calls_tool, from_tool, at, text)
            VALUES ('s', x'01', 'user', 9, 0, 0, 1, '数据库迁移 ข้อมูล'), ('s', x'02', 'user', 9, 0, 0, 1, 'sourdough')";

    /// How many messages have two signs of Han, two Thai letters, a word with blanks around it.
    fn found(database: &Connection) -> [i64; 3] {
        let sql = "SELECT count(*) FROM message_words WHERE message_words MATCH ?1";
        ["\"据\u{200b}库\"", "\"อ\u{200b}ม\"", "sourdough"]
            .map(|word| database.query_row(sql, [word], |row| row.get(0)).unwrap())
    }

    /// Keeps the two messages, of which so many are found at first, and brings the schema to the newest.
    fn are_found_once_migrated(mut database: Connection, at_first: [i64; 3]) {
        database.execute_batch(TWO_MESSAGES).unwrap();
        assert_eq!(found(&database), at_first);
        migrate(&mut database).unwrap();
        assert_eq!(found(&database), [1, 1, 1]);
        database.execute_batch("DELETE FROM message").unwrap();
        assert_eq!(found(&database), [0, 0, 0]);
    }

    #[test]
    fn what_was_kept_before_signs_were_set_apart_is_found_by_them() {
        are_found_once_migrated(at_schema(10), [0, 0, 1]);
    }

    #[test]
    fn what_was_kept_before_signs_with_marks_were_set_apart_is_found_by_them() {
        let database = at_schema(11);
        let as_before = "DROP TRIGGER message_written;
            CREATE TRIGGER message_written AFTER INSERT ON message BEGIN
                INSERT INTO message_words (rowid, text)
                    VALUES (new.id, replace(new.text, '数据库迁移', '数\u{200b}据\u{200b}库\u{200b}迁\u{200b}移'));
            END";
        database.execute_batch(as_before).unwrap();
        are_found_once_migrated(database, [1, 0, 1]);
    }

    #[test]
    fn observations_and_entries_of_before_are_found_by_signs_with_marks_too() {
        for (title, content) in [("ข้อมูล", "a"), ("a", "ข้อมูล")] {
            let mut database = at_schema(11);
            let unseen = format!(
                "PRAGMA foreign_keys = off;
                DROP TRIGGER observation_written;
                DROP TRIGGER knowledge_written;
                INSERT INTO observation (session, distillation, at, text) VALUES ('s', 1, 1, 'ข้อมูล');
                INSERT INTO knowledge (id, version, principal, category, title, folded_title, content, confidence, created, updated)
                    VALUES ('k1', 1, 'p', 'fact', '{title}', '', '{content}', 1, 1, 1)"
            );
            database.execute_batch(&unseen).unwrap();
            migrate(&mut database).unwrap();
            for index in ["observation_words", "knowledge_words"] {
                let sql = format!("SELECT count(*) FROM {index} WHERE {index} MATCH '\"อ\u{200b}ม\"'");
                let found: i64 = database.query_row(&sql, [], |row| row.get(0)).unwrap();
                assert_eq!(found, 1, "{index}: {title} {content}");
            }
        }
    }

    #[test]
    fn a_connection_syncs_every_commit_wipes_what_is_deleted_and_keeps_texts_out_of_other_files() {
        let home = tempfile::TempDir::new().unwrap();
        let file = home.path().join("it");
        std::fs::write(&file, "").unwrap();
        let (writer, reader) = (open_for_writing(&file).unwrap(), open_for_reading(&file).unwrap());
        let of = |database: &Connection, name: &str| {
            database.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0)).unwrap()
        };
        assert_eq!(of(&reader, "journal_mode"), "wal".to_owned().into());
        for (name, number) in
            [("synchronous", 2), ("secure_delete", 1), ("foreign_keys", 1), ("temp_store", 2)]
        {
            assert_eq!(of(&writer, name), i64::into(number), "{name}");
        }
        assert_eq!((of(&writer, "query_only"), of(&reader, "query_only")), (0.into(), 1.into()));
    }

    #[test]
    fn a_statement_stays_prepared_whatever_its_parameters_are() {
        let database = open_in_memory().unwrap();
        let mut statement = database.prepare("SELECT id FROM message WHERE id > ?1 LIMIT ?2").unwrap();
        for number in 1..4 {
            assert!(!statement.exists([number, number]).unwrap());
        }
        assert_eq!(statement.get_status(rusqlite::StatementStatus::RePrepare), 0);
    }

    #[test]
    fn the_linked_library_is_past_the_bug_that_could_spoil_a_log() {
        // SQLite before 3.51.3 could lose pages when the write-ahead log was reset.
        assert!(rusqlite::version_number() >= 3_051_003, "SQLite {}", rusqlite::version());
    }
    #[test]
    fn connections_share_no_cache_and_no_count_so_none_waits_for_another() {
        let database = open_in_memory().unwrap();
        let mut statement = database.prepare("PRAGMA compile_options").unwrap();
        let options = statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<Vec<String>, _>>();
        let options = options.unwrap();
        assert!(!options.iter().any(|it| it.contains("MEMORY_MANAGEMENT")), "{options:?}");
        assert!(options.iter().any(|it| it == "DEFAULT_MEMSTATUS=0"), "{options:?}");
    }
}
