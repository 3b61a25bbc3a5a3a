//! Why a row or a file was rejected. The order of the variants is the order of judgement:
//! a row with several faults carries the first and names the others in its message.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! codes {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $code:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $code)] $variant,)+ }

        impl $name {
            /// Every code, in the order of judgement.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The code as it stands in tables, logs and docs.
            pub const fn code(self) -> &'static str {
                match self { $($name::$variant => $code),+ }
            }

            /// The reason of a code, if there is one of that name.
            pub fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some($name::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.code()) }
        }
    };
}

codes! {
    /// Why a row was rejected; each code has an example in `docs/rejects.md`.
    RowReason {
        /// A mandatory value is blank; the reject names the column.
        MissingValue = "missing_value",
        /// Not a whole number.
        BadInteger = "bad_integer",
        /// Not a decimal number.
        BadDecimal = "bad_decimal",
        /// Not a date in any of the column's formats.
        BadDate = "bad_date",
        /// A number that its type cannot hold exactly.
        OutOfRange = "out_of_range",
        /// Fewer fields than the header.
        TooFewFields = "too_few_fields",
        /// More fields than the header.
        TooManyFields = "too_many_fields",
        /// Quotes that do not follow RFC 4180.
        BadQuoting = "bad_quoting",
        /// Bytes that are no text in the feed's encoding.
        BadEncoding = "bad_encoding",
        /// A price below zero.
        NegativePrice = "negative_price",
        /// `total_cost` is not price × quantity rounded half-up, beyond the tolerance.
        TotalMismatch = "total_mismatch",
        /// Dated after the batch's claim date.
        FutureDate = "future_date",
        /// The contract's key appeared earlier in the same file.
        DuplicateKey = "duplicate_key",
        /// No such customer in the dimension table.
        UnknownCustomer = "unknown_customer",
        /// No such store in the dimension table.
        UnknownStore = "unknown_store",
        /// No such sales person in the dimension table.
        UnknownSalesPerson = "unknown_sales_person",
    }
}

impl RowReason {
    /// Orphans wait for a dimension row; they do not count in `max_reject_ratio`.
    pub const fn is_orphan(self) -> bool {
        matches!(self, RowReason::UnknownCustomer | RowReason::UnknownStore | RowReason::UnknownSalesPerson)
    }
}

codes! {
    /// Why a whole file was rejected: no row of it lands.
    FileReason {
        /// A mandatory column is not in the header.
        MissingColumn = "missing_column",
        /// A foreign file type.
        NotASalesFile = "not_a_sales_file",
        /// The bytes could not be read to their end as the format they claim to be.
        Unreadable = "unreadable",
        /// More than `max_reject_ratio` of its rows were rejected.
        TooManyRejects = "too_many_rejects",
        /// No byte, or nothing but blank lines.
        Empty = "empty",
        /// Overwritten while it was read: the new bytes are a new source file for the next run.
        Overwritten = "overwritten",
    }
}
