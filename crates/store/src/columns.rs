//! How words of the domain stand in columns: enums and ids under the names they have in answers, counts as whole numbers.

use domain::conversation::Usage;
use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::Serialize;
use serde::de::value::{Error as WordError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};

/// Anything that serde writes as one string: an enum without fields, or an id. So a name is spelled in one place only.
pub(crate) struct Word<T>(pub(crate) T);

impl<T: Serialize> ToSql for Word<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match serde_json::to_value(&self.0) {
            Ok(serde_json::Value::String(word)) => Ok(word.into()),
            Ok(other) => Err(rusqlite::Error::ToSqlConversionFailure(format!("not a word: {other}").into())),
            Err(error) => Err(rusqlite::Error::ToSqlConversionFailure(error.into())),
        }
    }
}

impl<T: DeserializeOwned> FromSql for Word<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let word: StrDeserializer<'_, WordError> = value.as_str()?.into_deserializer();
        T::deserialize(word).map(Self).map_err(FromSqlError::other)
    }
}

/// Reads column `name` as a word.
pub(crate) fn word<T: DeserializeOwned>(row: &Row<'_>, name: &str) -> rusqlite::Result<T> {
    row.get::<_, Word<T>>(name).map(|word| word.0)
}

/// The largest count that is kept. No number of tokens comes near it, and a sum over all rows there will ever be does not
/// overflow, whatever a provider claims.
const LARGEST: u64 = 1 << 40;

/// A number that is never negative. Past the largest that is kept it stays there.
pub(crate) struct Count(pub(crate) u64);

impl ToSql for Count {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok((self.0.min(LARGEST) as i64).into())
    }
}

impl FromSql for Count {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        i64::column_result(value).map(|number| Self(u64::try_from(number).unwrap_or(0)))
    }
}

/// Reads column `name` as a count.
pub(crate) fn count(row: &Row<'_>, name: &str) -> rusqlite::Result<u64> {
    row.get::<_, Count>(name).map(|count| count.0)
}

/// Reads the five columns of a usage.
pub(crate) fn usage(row: &Row<'_>) -> rusqlite::Result<Usage> {
    Ok(Usage {
        input: count(row, "input")?,
        cache_read: count(row, "cache_read")?,
        cache_write_5m: count(row, "cache_write_5m")?,
        cache_write_1h: count(row, "cache_write_1h")?,
        output: count(row, "output")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::SessionId;
    use domain::provider::Dialect;
    use rusqlite::Connection;

    #[test]
    fn words_come_back_as_they_went_and_unknown_ones_are_errors() {
        let database = Connection::open_in_memory().unwrap();
        let back = |sql: &str| {
            database
                .query_row(sql, [Word(Dialect::OpenAiChat)], |row| word::<Dialect>(row, "it"))
                .map_err(drop)
        };
        assert_eq!(back("SELECT ?1 AS it"), Ok(Dialect::OpenAiChat));
        assert_eq!(back("SELECT 'gossip' || substr(?1, 9, 0) AS it"), Err(()));
        let id: SessionId =
            database.query_row("SELECT 'abc' AS it", [], |row| word(row, "it")).expect("an id is a word");
        assert_eq!(id.as_str(), "abc");
    }

    #[test]
    fn a_count_past_the_largest_stays_there() {
        let database = Connection::open_in_memory().unwrap();
        let back = database.query_row("SELECT ?1 AS it", [Count(u64::MAX)], |row| count(row, "it"));
        assert_eq!(back.unwrap(), LARGEST);
    }
}
