//! From what the server or the network says to what a person can act on.

use crate::refusal::{database, missing_table};
use mysql_async::{DriverError, Error, ServerError};
use tillmart_model::Fault;

/// What can go wrong below the traits: told as faults at the edge, where the server is known.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The server refused; the connection is sound.
    Server(ServerError),
    /// The server refused what another transaction was faster with: done again, the work finds what that one kept.
    Overtaken(ServerError),
    /// The connection is lost, and with it the answer.
    Lost(String),
    /// Nobody answers at the server's address.
    Absent(Box<Fault>),
    Fault(Box<Fault>),
}

pub(crate) type Tried<T> = Result<T, Trouble>;

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            // Shutting down, killed from outside, idle for too long, too many connections: the server is there, and will
            // be again.
            Error::Server(error) if matches!(error.code, 1040 | 1053 | 1077 | 1078 | 1079 | 1927 | 3169 | 4031) => {
                Trouble::Lost(error.to_string())
            }
            Error::Server(error) => Trouble::Server(error),
            lost @ (Error::Io(_) | Error::Driver(DriverError::ConnectionClosed)) => Trouble::Lost(lost.to_string()),
            // The client's own refusals stay the same however often it is asked.
            other => database("the database's client and its server do not understand each other")
                .found(other)
                .hint("look whether Tillmart supports this server, see docs/mysql.md; nothing was kept by halves")
                .into(),
        }
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Trouble::Fault(Box::new(fault))
    }
}

impl From<Box<Fault>> for Trouble {
    fn from(fault: Box<Fault>) -> Self {
        Trouble::Fault(fault)
    }
}

impl Trouble {
    /// How often the whole transaction is worth a try, as it may succeed when it is done again: after a deadlock, a record
    /// that changed, a lost connection, a user's limit; not as often after a lock that took too long, which was waited for.
    pub(super) fn tries(&self) -> u32 {
        match self {
            Trouble::Server(error) if matches!(error.code, 1213 | 1020 | 3572 | 1203 | 1226) => 12,
            Trouble::Server(error) if error.code == 1205 => 3,
            Trouble::Overtaken(_) | Trouble::Lost(_) | Trouble::Absent(_) => 12,
            Trouble::Server(_) | Trouble::Fault(_) => 1,
        }
    }

    /// A key, foreign key, CHECK or NOT NULL constraint refused.
    pub(super) fn constraint(&self) -> Option<&ServerError> {
        self.server(&[1048, 1062, 1451, 1452, 3819, 4025])
    }

    /// For a key that only other writers of the same can have put there since it was looked for.
    pub(super) fn or_overtaken(self) -> Self {
        match self {
            Trouble::Server(error) if error.code == 1062 => Trouble::Overtaken(error),
            other => other,
        }
    }

    /// A key was there already.
    pub(super) fn doubled(&self) -> Option<&ServerError> {
        self.server(&[1062])
    }

    /// A number that its column cannot hold.
    pub(super) fn out_of_range(&self) -> Option<&ServerError> {
        self.server(&[1264, 1690])
    }

    /// A value that its column cannot hold: too long, out of range, in another form, of other letters, or NULL.
    pub(super) fn misfit(&self) -> Option<&ServerError> {
        self.server(&[1048, 1264, 1265, 1292, 1366, 1406, 1690])
    }

    pub(super) fn server(&self, codes: &[u16]) -> Option<&ServerError> {
        match self {
            Trouble::Server(error) if codes.contains(&error.code) => Some(error),
            _ => None,
        }
    }

    /// The fault a person reads; `place` is the server and its database, `user` who logged in.
    pub(super) fn told(self, place: &str, user: &str) -> Fault {
        match self {
            Trouble::Fault(fault) if fault.place.is_none() && fault.kind == tillmart_model::FaultKind::Database => {
                fault.at(place)
            }
            Trouble::Absent(fault) => fault.at(place),
            Trouble::Fault(fault) => *fault,
            Trouble::Server(error) | Trouble::Overtaken(error) => tell(&error, user).at(place),
            Trouble::Lost(said) => database("the connection to the database was lost")
                .found(said)
                .hint("nothing was kept by halves: run again when the database is back")
                .at(place),
        }
    }
}

/// The part of a message between two marks.
fn between<'m>(message: &'m str, before: &str, after: &str) -> Option<&'m str> {
    let (_, rest) = message.split_once(before)?;
    rest.split_once(after).map(|(part, _)| part)
}

/// The column that a message names.
pub(super) fn column(error: &ServerError) -> Option<&str> {
    between(&error.message, "column '", "'").or_else(|| between(&error.message, "Column '", "'"))
}

/// The key that a message names, which stands last in it; what comes before is the row's values, which may be a customer's.
fn key(error: &ServerError) -> &str {
    error.message.rsplit_once(" for key ").map_or("?", |(_, key)| key)
}

fn tell(error: &ServerError, user: &str) -> Fault {
    match error.code {
        1146 => {
            let table = between(&error.message, "Table '", "'").unwrap_or("?");
            missing_table(table.split_once('.').map_or(table, |(_, table)| table))
        }
        1054 => database("a table of the database has other columns than this Tillmart knows")
            .found(&error.message)
            .hint("run `tillmart db migrate`"),
        1044 | 1142 | 1143 | 1227 | 1370 | 1095 => lacking(error, user),
        1205 | 1213 => database("another program held what this one needed for too long")
            .found(&error.message)
            .hint("look for long transactions with `SHOW FULL PROCESSLIST`, and run again"),
        // What is said of these quotes the value, which may be a customer's.
        1366 | 1292 => database("a table of the database cannot hold a value")
            .found(format!("a value that does not fit column `{}`", column(error).unwrap_or("?")))
            .hint("make the column as wide as the data, in character set utf8mb4"),
        1062 => database("a unique key of the database refused a row")
            .found(format!("another row has the same values in key {}", key(error)))
            .hint("mend the row that is to come or the one that is there; nothing was kept"),
        1264 | 1265 | 1406 => database("a table of the database cannot hold a value")
            .found(&error.message)
            .hint("make the column wide enough and run again"),
        1021 | 1114 => {
            database("the database server's disk is full").found(&error.message).hint("make room, run again")
        }
        1203 | 1226 => database("the database server allows its user no more")
            .found(&error.message)
            .hint("raise the user's limits on the server, or lower `database.connections`"),
        1290 | 1792 | 1836 => database("the database cannot be written to")
            .found(&error.message)
            .hint("point `database.url` at the server that takes writes, not at a replica"),
        _ => database("the database refused").found(error),
    }
}

/// A missing privilege.
fn lacking(error: &ServerError, user: &str) -> Fault {
    let command = error.message.split_whitespace().next().unwrap_or("that");
    let what = match error.code {
        1142 | 1143 => format!("the database user `{user}` may not {command}"),
        _ => format!("the database user `{user}` lacks a privilege"),
    };
    database(what)
        .expected(
            "the privileges SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, REFERENCES and CREATE TEMPORARY TABLES \
             on the database",
        )
        .found(&error.message)
        .hint("ask whoever runs the database to GRANT it, or name another user in `database.url`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_server(code: u16) -> Trouble {
        Error::Server(ServerError { code, message: String::new(), state: String::new() }).into()
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for code in [1203, 1205, 1213, 1226, 4031] {
            assert!(of_server(code).tries() > 1, "{code}");
        }
        assert!(matches!(of_server(4031), Trouble::Lost(_)));
        assert_eq!(of_server(1146).tries(), 1);
        assert_eq!(of_server(1062).tries(), 1);
        assert!(of_server(1062).or_overtaken().tries() > 1);
        assert_eq!(of_server(1146).or_overtaken().tries(), 1);
        assert!(matches!(Trouble::from(Error::Driver(DriverError::ConnectionClosed)), Trouble::Lost(_)));
        assert_eq!(Trouble::from(Error::Driver(DriverError::MixedParams)).tries(), 1);
    }
}
