//! A table whose rows lie in another order than its mart's key tells: written anew, once.

use super::statements;
use super::tables::{Layout, quoted};
use super::trouble::Tried;
use crate::refusal::database;
use rusqlite::Connection;

/// What the table is called until it takes the place of the one before.
const NEW: &str = "tillmart_rekeyed";

/// Writes a table of the same columns and key columns anew, in the order of its key, with the indexes and triggers that were made for it.
///
/// It takes about as long as publishing all of its rows, and needs as much room in the file, once. A table that others refer to by foreign keys is refused: to take
/// it away would be to delete what they hold to.
pub(super) fn rekey(connection: &Connection, layout: &Layout) -> Tried<()> {
    let referring =
        connection.prepare(statements::REFERRING)?.query_row([&layout.name], |row| row.get::<_, Option<String>>(0))?;
    if let Some(tables) = referring {
        let fault = database(format!(
            "table `{}` lies in another order than its mart's key, and cannot be written anew",
            layout.name
        ))
        .expected(format!("primary key ({}), or no foreign key that refers to it", layout.key_columns()?))
        .found(format!("foreign keys of {tables}"))
        .hint("drop those tables or their foreign keys, run again, and make them anew");
        return Err(fault.into());
    }
    let made_for_it: Vec<String> = connection
        .prepare(statements::MADE_FOR)?
        .query_map([&layout.name], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let (old, new) = (quoted(&layout.name)?, quoted(NEW)?);
    let (columns, key) = (layout.kept_columns()?, layout.key_columns()?);
    connection.execute_batch(&layout.ddl(NEW)?)?;
    connection.execute(&format!("INSERT INTO {new} ({columns}) SELECT {columns} FROM {old} ORDER BY {key}"), [])?;
    connection.execute_batch(&format!("DROP TABLE {old}"))?;
    // Views name the table that is gone for a moment; the newer way to rename would refuse for that.
    connection.pragma_update(None, "legacy_alter_table", true)?;
    let renamed = connection.execute_batch(&format!("ALTER TABLE {new} RENAME TO {old}"));
    connection.pragma_update(None, "legacy_alter_table", false)?;
    renamed?;
    for statement in made_for_it {
        connection.execute_batch(&statement)?;
    }
    Ok(())
}
