//! From what a person wrote to a value that cannot be wrong: sizes, durations, shares, money, words.
//! The command line reads its sizes, durations and shares with the same functions.

use chrono::{NaiveDate, NaiveDateTime};
use chrono_tz::Tz;
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;
use tillmart_database::TIERS_MAX;
use tillmart_model::money::{DecimalFault, parse_decimal};
use tillmart_model::{ColumnType, SalesColumn, Secret, nearest};
use tillmart_pipeline::{MAY_BE_LEFT_OUT, WrittenReport};
use url::Url;

/// A value as it stood in the settings file or in a variable, before anybody judged it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Raw {
    /// A TOML string, without its quotes.
    Text(String),
    /// A TOML integer or float, digit for digit: a float would not keep the money exact.
    Number(String),
    /// A TOML boolean.
    Flag(bool),
    /// A TOML date or time, as written.
    Moment(String),
    /// A TOML array.
    List(Vec<Raw>),
    /// A TOML table where a value was wanted.
    Table,
    /// The text of a variable, which has no type of its own.
    Untyped(String),
    /// What stands in the place of a secret; `None` if it is no text.
    Secret(Option<Secret>),
}

impl Raw {
    /// How the value is told back to the person who wrote it.
    pub(super) fn show(&self) -> String {
        match self {
            Raw::Text(text) | Raw::Untyped(text) => format!("{text:?}"),
            Raw::Number(text) | Raw::Moment(text) => text.clone(),
            Raw::Flag(flag) => flag.to_string(),
            Raw::List(items) => format!("[{}]", items.iter().map(Raw::show).collect::<Vec<_>>().join(", ")),
            Raw::Table => "a table".to_owned(),
            Raw::Secret(Some(_)) => "a text (not repeated: it may be the secret)".to_owned(),
            Raw::Secret(None) => "something else (not repeated: it may be the secret)".to_owned(),
        }
    }

    /// What sort of value it is, for places where the value itself may be a credential.
    pub(super) fn sort(&self) -> &'static str {
        match self {
            Raw::Text(_) | Raw::Untyped(_) => "a text",
            Raw::Number(_) => "a number",
            Raw::Flag(_) => "true or false",
            Raw::Moment(_) => "a date or time",
            Raw::List(_) => "a list",
            Raw::Table => "a table",
            Raw::Secret(_) => "a secret",
        }
    }

    /// The same as a secret, which is never told back.
    pub(super) fn veiled(self) -> Raw {
        match self {
            Raw::Text(text) | Raw::Untyped(text) => Raw::Secret(Some(Secret::new(text))),
            _ => Raw::Secret(None),
        }
    }

    /// The text of a string or variable.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Raw::Text(text) | Raw::Untyped(text) => Some(text),
            _ => None,
        }
    }

    /// The digits of a number, or the text of a string or variable.
    pub(super) fn text_or_digits(&self) -> Option<String> {
        match self {
            Raw::Number(digits) => Some(digits.replace('_', "")),
            other => other.text().map(|text| text.trim().to_owned()),
        }
    }

    /// The items of a list; a variable lists them with commas.
    pub(super) fn items(&self) -> Option<Vec<Raw>> {
        match self {
            Raw::List(items) => Some(items.clone()),
            Raw::Untyped(text) if text.trim().is_empty() => Some(Vec::new()),
            Raw::Untyped(text) => Some(text.split(',').map(|item| Raw::Untyped(item.trim().to_owned())).collect()),
            _ => None,
        }
    }
}

/// Why a value was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// What would have been right.
    pub(crate) expected: String,
    /// What to try, where something stands out.
    pub(crate) hint: Option<String>,
}

impl Complaint {
    /// A complaint without a hint.
    pub(super) fn new(expected: impl Into<String>) -> Self {
        Complaint { expected: expected.into(), hint: None }
    }

    /// Adds "did you mean" where one of the allowed words is near.
    pub(super) fn near(mut self, found: &str, words: &[&str]) -> Self {
        self.hint = nearest(found, words.iter().copied()).map(|word| format!("did you mean {word:?}?"));
        self
    }
}

/// What every reader of a value returns.
pub(super) type Read<T> = Result<T, Complaint>;

/// Any text but a blank one.
pub(super) fn text(raw: &Raw) -> Read<String> {
    match raw.text() {
        Some(text) if !text.trim().is_empty() => Ok(text.to_owned()),
        _ => Err(Complaint::new("a text that is not blank")),
    }
}

/// A feed's name: it becomes part of table rows, keys and logs.
pub(super) fn name(raw: &Raw) -> Read<String> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    match raw.text() {
        Some(text) if (1..=64).contains(&text.len()) && text.bytes().all(allowed) => Ok(text.to_owned()),
        _ => Err(Complaint::new("a name of 1 to 64 lower-case letters, digits and underscores")),
    }
}

/// `true` or `false`.
pub(super) fn flag(raw: &Raw) -> Read<bool> {
    match (raw, raw.text()) {
        (Raw::Flag(flag), _) => Ok(*flag),
        (Raw::Untyped(_), Some("true")) => Ok(true),
        (Raw::Untyped(_), Some("false")) => Ok(false),
        _ => Err(Complaint::new("true or false, without quotes")),
    }
}

/// One of a few words; each stands for a value.
pub(super) fn word<T: Copy>(raw: &Raw, words: &[(&str, T)]) -> Read<T> {
    let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
    let found = raw.text().unwrap_or_default();
    words.iter().find(|(name, _)| *name == found).map(|(_, value)| *value).ok_or_else(|| {
        let quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
        Complaint::new(format!("one of {}", quoted.join(", "))).near(found, &names)
    })
}

/// A whole number within bounds.
pub(super) fn whole(raw: &Raw, bounds: RangeInclusive<u32>) -> Read<u32> {
    let number = match raw {
        Raw::Number(_) | Raw::Untyped(_) => raw.text_or_digits().and_then(|digits| u32::from_str(&digits).ok()),
        _ => None,
    };
    number.filter(|number| bounds.contains(number)).ok_or_else(|| {
        Complaint::new(format!("a whole number from {} to {}", grouped(*bounds.start()), grouped(*bounds.end())))
    })
}

/// Digits in groups of three, as TOML and Rust write them.
fn grouped(number: u32) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('_');
        }
        text.push(digit);
    }
    text
}

/// Units of [`bytes`], longest first so that `KiB` is not read as `B`.
const SIZE_UNITS: [(&str, u64); 9] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("B", 1),
];

/// A size such as `64GB`, `1.5 MiB` or `4096` (bytes). `KB` is 1,000 bytes, `KiB` 1,024.
pub(crate) fn bytes(text: &str) -> Result<u64, Complaint> {
    let complaint = || Complaint::new("a size in whole bytes such as \"64GB\", \"128 MiB\" or 4096");
    let text = text.trim();
    let (digits, unit) = SIZE_UNITS
        .iter()
        .find_map(|(unit, bytes)| strip_unit(text, unit).map(|digits| (digits, *bytes)))
        .unwrap_or((text, 1));
    let (precision, scale) = (18, 6);
    let number = parse_decimal(digits.trim().as_bytes(), b'.', precision, scale).map_err(|_| complaint())?;
    let millionths = number.checked_mul(i128::from(unit)).ok_or_else(complaint)?;
    if millionths % 1_000_000 != 0 {
        return Err(complaint());
    }
    u64::try_from(millionths / 1_000_000).map_err(|_| complaint())
}

/// Takes the unit off, in any case of letters.
fn strip_unit<'a>(text: &'a str, unit: &str) -> Option<&'a str> {
    let at = text.len().checked_sub(unit.len())?;
    let (digits, found) = (text.get(..at)?, text.get(at..)?);
    found.eq_ignore_ascii_case(unit).then_some(digits)
}

/// A size of a settings key, within bounds.
pub(super) fn size(raw: &Raw, least: u64, most: u64) -> Read<u64> {
    let text = raw.text_or_digits().ok_or_else(|| Complaint::new("a size such as \"64GB\" or 4096"))?;
    let size = bytes(&text)?;
    if (least..=most).contains(&size) {
        return Ok(size);
    }
    Err(Complaint::new(format!("a size from {least} to {most} bytes")))
}

/// Units of [`duration`], `ms` before `m` and `s`.
const DURATION_UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// A duration such as `500ms`, `1s`, `5m`, `2h` or `7d`.
pub(crate) fn duration(text: &str) -> Result<Duration, Complaint> {
    let complaint = || Complaint::new("a duration such as \"500ms\", \"1s\", \"5m\", \"2h\" or \"7d\"");
    let text = text.trim();
    let (digits, unit) = DURATION_UNITS
        .iter()
        .find_map(|(unit, milliseconds)| text.strip_suffix(unit).map(|digits| (digits, *milliseconds)))
        .ok_or_else(complaint)?;
    let number = u64::from_str(digits.trim()).map_err(|_| complaint())?;
    number.checked_mul(unit).map(Duration::from_millis).ok_or_else(complaint)
}

/// A duration of a settings key, up to a bound.
pub(super) fn duration_up_to(raw: &Raw, days_max: u64) -> Read<Duration> {
    let duration = duration(raw.text().unwrap_or_default())?;
    if duration <= Duration::from_secs(days_max * 86_400) {
        return Ok(duration);
    }
    Err(Complaint::new(format!("a duration of at most \"{days_max}d\"")))
}

/// A share from 0 to 1 in millionths: `0.1` or `10 %`, exact or refused.
pub(crate) fn share(text: &str) -> Result<u32, Complaint> {
    let complaint = || Complaint::new("a share from 0 to 1 such as 0.1 or \"10 %\", in steps of a millionth");
    let text = text.trim();
    let (digits, scale) = match text.strip_suffix('%') {
        Some(percent) => (percent.trim(), 4),
        None => (text, 6),
    };
    let millionths = parse_decimal(digits.as_bytes(), b'.', 12, scale).map_err(|_| complaint())?;
    u32::try_from(millionths).ok().filter(|share| *share <= 1_000_000).ok_or_else(complaint)
}

/// A share of a settings key, in millionths.
pub(super) fn share_of(raw: &Raw) -> Read<u32> {
    share(&raw.text_or_digits().unwrap_or_default())
}

/// Money that is not negative, in cents. Read from the digits as written, never through a float.
pub(super) fn cents(raw: &Raw) -> Read<i64> {
    let complaint = || Complaint::new("an amount of at most two fraction digits such as \"0.05\", not negative");
    let digits = raw.text_or_digits().ok_or_else(complaint)?;
    let cents = parse_decimal(digits.as_bytes(), b'.', 14, 2).map_err(|_| complaint())?;
    i64::try_from(cents).ok().filter(|cents| *cents >= 0).ok_or_else(complaint)
}

/// Amounts at which tiers of spend begin: more than zero, rising, not too many.
pub(super) fn tiers(raw: &Raw) -> Read<Vec<i64>> {
    let complaint = || {
        Complaint::new(format!(
            "a list of at most {TIERS_MAX} amounts above zero, each more than the one before, such as [\"100\", \"500\"]"
        ))
    };
    let items = raw.items().ok_or_else(complaint)?;
    let tiers = items.iter().map(cents).collect::<Read<Vec<i64>>>()?;
    let rising = tiers.first().is_none_or(|first| *first > 0) && tiers.windows(2).all(|pair| pair[0] < pair[1]);
    if rising && tiers.len() <= TIERS_MAX { Ok(tiers) } else { Err(complaint()) }
}

/// Reports that runs write, none twice.
pub(super) fn written_reports(raw: &Raw) -> Read<Vec<WrittenReport>> {
    let names: Vec<String> = WrittenReport::all().map(|report| report.to_string()).collect();
    let near: Vec<&str> = names.iter().map(String::as_str).collect();
    let complaint = || Complaint::new(format!("a list of reports, none twice, out of {}", names.join(", ")));
    let mut reports = Vec::new();
    for item in raw.items().ok_or_else(complaint)? {
        let found = item.text().unwrap_or_default();
        match WrittenReport::all().find(|report| report.to_string() == found) {
            Some(report) if !reports.contains(&report) => reports.push(report),
            _ => return Err(complaint().near(found, &near)),
        }
    }
    Ok(reports)
}

/// Built-in marts that are not made.
pub(super) fn left_out(raw: &Raw) -> Read<Vec<String>> {
    let complaint = || Complaint::new(format!("a list of marts, none twice, out of {}", MAY_BE_LEFT_OUT.join(", ")));
    let mut marts = Vec::new();
    for item in raw.items().ok_or_else(complaint)? {
        let found = item.text().unwrap_or_default();
        if !MAY_BE_LEFT_OUT.contains(&found) || marts.iter().any(|mart| mart == found) {
            return Err(complaint().near(found, &MAY_BE_LEFT_OUT));
        }
        marts.push(found.to_owned());
    }
    Ok(marts)
}

/// One ASCII character that can stand between or around fields.
pub(super) fn character(raw: &Raw) -> Read<u8> {
    match raw.text().map(str::as_bytes) {
        Some(&[byte]) if byte.is_ascii() && !matches!(byte, b'\r' | b'\n' | 0) => Ok(byte),
        _ => Err(Complaint::new("one ASCII character such as \",\" or \"\\t\", no line break")),
    }
}

/// An IANA time zone.
pub(super) fn zone(raw: &Raw) -> Read<Tz> {
    let found = raw.text().unwrap_or_default();
    Tz::from_str(found).map_err(|_| {
        let names: Vec<&str> = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).collect();
        Complaint::new("an IANA time zone such as \"UTC\" or \"Europe/Berlin\"").near(found, &names)
    })
}

/// Names of sales columns, none twice.
pub(super) fn columns(raw: &Raw) -> Read<Vec<SalesColumn>> {
    let names: Vec<&str> = SalesColumn::ALL.iter().map(|column| column.name()).collect();
    let complaint = || Complaint::new(format!("a list of sales columns, none twice, out of {}", names.join(", ")));
    let mut columns = Vec::new();
    for item in raw.items().ok_or_else(complaint)? {
        let found = item.text().unwrap_or_default();
        match SalesColumn::ALL.into_iter().find(|column| column.name() == found) {
            Some(column) if !columns.contains(&column) => columns.push(column),
            _ => return Err(complaint().near(found, &names)),
        }
    }
    Ok(columns)
}

/// Date formats in `strftime` notation, at least one.
pub(super) fn date_formats(raw: &Raw) -> Read<Vec<String>> {
    let complaint = || Complaint::new("a list of date formats such as [\"%Y-%m-%d\", \"%d.%m.%Y\"]");
    let mut formats = Vec::new();
    for item in raw.items().ok_or_else(complaint)? {
        let format = item.text().ok_or_else(complaint)?;
        if !tells_a_day(format) {
            let mut complaint = complaint();
            complaint.hint = Some(format!("{format:?} must name year, month and day, e.g. %Y, %m and %d"));
            return Err(complaint);
        }
        formats.push(format.to_owned());
    }
    if formats.is_empty() { Err(complaint()) } else { Ok(formats) }
}

/// Whether a format writes a day so that it can be read back: a trial says more than a list of specifiers.
fn tells_a_day(format: &str) -> bool {
    let days = [(2024, 11, 29), (2007, 1, 5)].map(|(year, month, day)| NaiveDate::from_ymd_opt(year, month, day));
    days.into_iter().flatten().all(|day| {
        let Some(noon) = day.and_hms_opt(13, 45, 6) else { return false };
        let mut written = String::new();
        // `write!` and not `to_string`: an unknown specifier is an error, and must not become a panic.
        write!(written, "{}", NaiveDateTime::format(&noon, format)).is_ok()
            && NaiveDate::parse_from_str(&written, format) == Ok(day)
    })
}

/// The value of a column that is absent from the file, as it would stand there.
pub(super) fn constant(raw: &Raw) -> Read<String> {
    match raw {
        Raw::Text(text) | Raw::Number(text) | Raw::Moment(text) | Raw::Untyped(text) => Ok(text.clone()),
        _ => Err(Complaint::new("the value as it would stand in the file")),
    }
}

/// The name of a column's type, as settings state it.
pub(super) fn type_name(kind: ColumnType) -> String {
    match kind {
        ColumnType::Int32 => "int32".to_owned(),
        ColumnType::Int64 => "int64".to_owned(),
        ColumnType::Decimal { precision, scale } => format!("decimal({precision},{scale})"),
        ColumnType::Date => "date".to_owned(),
        ColumnType::Text => "text".to_owned(),
    }
}

/// A path below a root: no absolute path, no `..`, `/` between its parts.
pub(super) fn area(raw: &Raw) -> Read<String> {
    let part = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains(['\\', '\0']);
    match raw.text().map(|text| text.strip_suffix('/').unwrap_or(text)) {
        Some(path) if path.split('/').all(part) => Ok(path.to_owned()),
        _ => Err(Complaint::new("a path below the storage root such as \"sales_data\", without \"..\"")),
    }
}

/// The storage root: a path, or a URL with its scheme and nothing in it that may be a credential.
pub(super) fn root(raw: &Raw) -> Read<String> {
    let complaint =
        || Complaint::new("a folder (relative to the project, or absolute) or a URL such as \"s3://bucket/prefix\"");
    let root = raw.text().map(str::trim).filter(|text| !text.is_empty()).ok_or_else(complaint)?;
    let Some((scheme, rest)) = root.split_once("://") else { return Ok(root.to_owned()) };
    let hinted = |hint: String| Complaint { hint: Some(hint), ..complaint() };
    if !is_scheme(scheme) || rest.is_empty() {
        return Err(complaint());
    }
    if rest.contains(['?', '#']) {
        return Err(hinted("a URL here must hold no query and no fragment, which may be a signature".to_owned()));
    }
    // abfss://CONTAINER@ACCOUNT…: what stands in the place of the user names a container.
    let is_container = |user: &str| matches!(scheme, "abfs" | "abfss") && !user.contains([':', '@']);
    let host = rest.split('/').next().unwrap_or_default();
    if host.rsplit_once('@').is_some_and(|(user, _)| !is_container(user)) {
        return Err(hinted("a URL here must hold no user or password".to_owned()));
    }
    Url::parse(root).map(|_| root.to_owned()).map_err(|error| hinted(format!("this is no URL: {error}")))
}

/// The scheme of a URL, as RFC 3986 has it, in lower case.
pub(super) fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte))
}

/// Judges a constant against its column's type, and tells what would have been right.
pub(super) fn judge_constant(column: SalesColumn, text: &str, point: u8, formats: &[String]) -> Read<()> {
    let text = text.trim();
    let right = match column.kind() {
        ColumnType::Int32 => i32::from_str(text).is_ok(),
        ColumnType::Int64 => i64::from_str(text).is_ok(),
        ColumnType::Decimal { precision, scale } => {
            let number: Result<i128, DecimalFault> = parse_decimal(text.as_bytes(), point, precision, scale);
            number.is_ok_and(|number| column != SalesColumn::Price || number >= 0)
        }
        ColumnType::Date => formats.iter().any(|format| NaiveDate::parse_from_str(text, format).is_ok()),
        ColumnType::Text => !text.is_empty(),
    };
    if right {
        return Ok(());
    }
    Err(Complaint::new(match column.kind() {
        ColumnType::Date => format!("a date in one of the column's formats: {}", formats.join(", ")),
        ColumnType::Text => "a text that is not blank".to_owned(),
        _ if column == SalesColumn::Price => format!("a {} that is not negative", type_name(column.kind())),
        kind => format!("a value of type {}", type_name(kind)),
    }))
}
