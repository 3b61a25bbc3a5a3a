//! Reading the layers: the settings file, one of its `[env.NAME]` tables, variables.
//!
//! A later layer wins key by key, and every value remembers where it was written, so that a fault
//! points at the line or variable that a person has to change.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use tillmart_model::{Fault, FaultKind, Result, nearest};
use toml_edit::{Document, Item, TableLike, Value};

use super::FILE_NAME;
use super::coupons::rules_in;
use super::keys::{AnyKey, Key, RULES, paths, rule_paths, variable};
use super::secret::{self, SecretText};
use super::values::{Complaint, Raw, Read};
use crate::secrets::known;

/// Variables of that prefix are settings, except the one that selects an environment.
const PREFIX: &str = "TILLMART_";
/// Selects an environment where the command line does not.
const ENVIRONMENT_VARIABLE: &str = "TILLMART_ENV";
/// Variables that hold or name a master key are no settings, and are looked at by nobody but `secrets::master`.
const MASTER_KEY_VARIABLES: [&str; 2] = ["TILLMART_MASTER_KEY", "TILLMART_NEW_MASTER_KEY"];

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// In the settings file, at this line and column (both 1-based, columns in characters).
    File {
        /// The environment whose table it stands in; `None` for the base.
        environment: Option<String>,
        /// Line.
        line: u64,
        /// Column.
        column: u64,
    },
    /// In this variable.
    Variable(String),
}

impl Origin {
    /// Gives a fault its place.
    pub(crate) fn place(&self, fault: Fault, file: &str) -> Fault {
        match self {
            Origin::File { line, column, .. } => fault.at_column(file, *line, *column),
            Origin::Variable(name) => fault.at(variable_place(name)),
        }
    }

    /// Where it is in words. The file goes by its name: who looks at a project's settings knows which project.
    pub(crate) fn from(&self) -> String {
        match self {
            Origin::File { environment: None, line, .. } => format!("{FILE_NAME}:{line}"),
            Origin::File { environment: Some(name), line, .. } => format!("{FILE_NAME}:{line} [env.{name}]"),
            Origin::Variable(name) => variable_place(name),
        }
    }
}

/// A secret that somebody stated, whether it is in effect or not.
#[derive(Debug, Clone)]
pub(crate) struct StatedSecret {
    /// The setting's name.
    pub(crate) setting: String,
    /// What stands in the place of the value, or why it cannot.
    pub(crate) text: Read<SecretText>,
    /// Where.
    pub(crate) origin: Origin,
    /// Whether its layer is one of those that were selected. The last such one of a setting wins.
    pub(crate) applies: bool,
}

/// A value and where it was written.
#[derive(Debug, Clone)]
struct Stated {
    raw: Raw,
    origin: Origin,
}

/// The layers of one project, merged, with the faults found so far.
pub(super) struct Layers {
    file: String,
    environment: Option<String>,
    secrets: Vec<StatedSecret>,
    stated: BTreeMap<String, Stated>,
    /// Tables that were opened, even if nothing stands in them, and where that was first.
    tables: BTreeMap<String, Origin>,
    /// Paths whose value was refused: judgements that need them are left out.
    refused: BTreeSet<String>,
    faults: Vec<Fault>,
}

/// The walk through one settings file.
struct Walk<'a> {
    file: &'a str,
    text: &'a str,
    keys: BTreeMap<String, &'static dyn AnyKey>,
    sections: BTreeSet<String>,
    faults: Vec<Fault>,
}

/// What one table of the file says: values by path, and the tables opened in it.
#[derive(Default)]
struct Layer {
    values: Vec<(String, Stated)>,
    tables: BTreeMap<String, Origin>,
}

impl Layers {
    /// Reads all layers. Faults are collected, not returned: [`Layers::faults`] tells them at the end.
    pub(super) fn read(
        file: &str,
        text: &str,
        environment: Option<&str>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Layers> {
        let document = Document::parse(text).map_err(|error| syntax_fault(file, text, &error))?;
        let variables: BTreeMap<String, String> =
            variables.into_iter().filter(|(name, _)| name.starts_with(PREFIX)).collect();
        let mut walk = Walk::new(file, text, &rules_in(document.as_table()));
        let (mut base, mut environments) = (Layer::default(), BTreeMap::new());
        walk.root(document.as_table(), &mut base, &mut environments);
        let selected = environment.or(variables.get(ENVIRONMENT_VARIABLE).map(String::as_str));
        let mut layers = Layers {
            file: file.to_owned(),
            environment: selected.map(str::to_owned),
            secrets: Vec::new(),
            stated: BTreeMap::new(),
            tables: BTreeMap::new(),
            refused: BTreeSet::new(),
            faults: Vec::new(),
        };
        let names: Vec<String> = environments.keys().cloned().collect();
        layers.take(base, &walk);
        for (name, layer) in environments {
            if Some(name.as_str()) == selected {
                layers.take(layer, &walk);
            } else {
                // Judged all the same: a fault in [env.prod] is cheaper to find on a laptop.
                layers.judge(&layer, &walk, false);
            }
        }
        layers.faults.append(&mut walk.faults);
        if let Some(name) = selected.filter(|name| !names.iter().any(|known| known == name)) {
            layers.faults.push(unknown_environment(file, name, &names));
        }
        layers.variables(&variables, &walk);
        Ok(layers)
    }

    /// Merges a layer over what is there.
    fn take(&mut self, layer: Layer, walk: &Walk<'_>) {
        self.judge(&layer, walk, true);
        self.stated.extend(layer.values);
        for (path, origin) in layer.tables {
            self.tables.entry(path).or_insert(origin);
        }
    }

    /// Judges every value of a layer by its key, and keeps what it says of secrets.
    fn judge(&mut self, layer: &Layer, walk: &Walk<'_>, applies: bool) {
        for (path, stated) in &layer.values {
            if let Raw::Secret(value) = &stated.raw {
                value.iter().for_each(known::remember);
                let (setting, origin) = (path.clone(), stated.origin.clone());
                self.secrets.push(StatedSecret { setting, text: secret::read(&stated.raw), origin, applies });
            }
            if let Some(Err(complaint)) = walk.keys.get(path).map(|key| key.judge(&stated.raw)) {
                self.refuse_stated(path, stated, complaint);
            }
        }
    }

    /// Lays the variables on top.
    fn variables(&mut self, variables: &BTreeMap<String, String>, walk: &Walk<'_>) {
        let known: BTreeMap<String, &String> = walk.keys.keys().map(|path| (variable(path), path)).collect();
        let mut layer = Layer::default();
        for (name, text) in variables {
            if let Some(path) = known.get(name) {
                let raw = walk.veiled(path, Raw::Untyped(text.clone()));
                layer.values.push(((*path).clone(), Stated { raw, origin: Origin::Variable(name.clone()) }));
            } else if name != ENVIRONMENT_VARIABLE
                && !MASTER_KEY_VARIABLES.contains(&name.strip_suffix("_FILE").unwrap_or(name))
            {
                self.unknown_variable(name, known.keys().map(String::as_str), walk);
            }
        }
        self.take(layer, walk);
    }

    /// A variable that is no setting is refused where it looks like one; others may be another tool's business.
    fn unknown_variable<'a>(&mut self, name: &str, known: impl Iterator<Item = &'a str>, walk: &Walk<'_>) {
        let in_section = walk.sections.iter().any(|section| name.starts_with(&format!("{}_", variable(section))));
        // Without the prefix: it would make any two of these names look alike.
        let near =
            nearest(name.strip_prefix(PREFIX).unwrap_or(name), known.filter_map(|known| known.strip_prefix(PREFIX)));
        if in_section || near.is_some() {
            let mut fault =
                Fault::new(FaultKind::Settings, format!("unknown variable `{name}`")).at(variable_place(name));
            fault.hint = near.map(|near| format!("did you mean `{PREFIX}{near}`?"));
            self.faults.push(fault);
        }
    }

    /// The value of a key: as stated, or its default where nothing (or nothing right) was stated.
    ///
    /// # Errors
    /// Only if the default itself is wrong, which a test of the register rules out.
    pub(super) fn get<T>(&self, key: &Key<T>) -> Result<T> {
        if let Some(value) = self.get_at(key, key.spec.path) {
            return Ok(value);
        }
        let broken =
            |why: String| Fault::new(FaultKind::Promise, format!("the default of `{}` is {why}", key.spec.path));
        let text = format!("default = {}", key.spec.default);
        let document = Document::parse(text.as_str()).map_err(|error| broken(error.message().to_owned()))?;
        let raw = document.get("default").map_or(Raw::Table, |item| raw_of(item, &text));
        (key.read)(&raw).map_err(|complaint| broken(format!("not {}", complaint.expected)))
    }

    /// The value stated for one path of a key, if there is one and it is right.
    pub(super) fn get_at<T>(&self, key: &Key<T>, path: &str) -> Option<T> {
        (key.read)(&self.stated.get(path)?.raw).ok()
    }

    /// What was stated for a path, and where.
    pub(super) fn stated(&self, path: &str) -> Option<(&Raw, &Origin)> {
        self.stated.get(path).map(|stated| (&stated.raw, &stated.origin))
    }

    /// Whether somebody stated a value for a path.
    pub(super) fn states(&self, path: &str) -> bool {
        self.stated.contains_key(path)
    }

    /// Every secret that somebody stated, later layers last.
    pub(super) fn secrets(&self) -> &[StatedSecret] {
        &self.secrets
    }

    /// The environment that was selected.
    pub(super) fn environment(&self) -> Option<&str> {
        self.environment.as_deref()
    }

    /// The settings file, as faults name it.
    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// Gives a fault the place where a path was stated, or the file's.
    pub(super) fn at(&self, path: &str, fault: Fault) -> Fault {
        match self.stated.get(path) {
            Some(stated) => stated.origin.place(fault, &self.file),
            None => fault.at(&self.file),
        }
    }

    /// Whether anything was said about a path or below it.
    pub(super) fn speaks_of(&self, path: &str) -> bool {
        let below = format!("{path}.");
        self.tables.contains_key(path) || self.stated.keys().any(|stated| stated.starts_with(&below))
    }

    /// Tables that were opened, and where.
    pub(super) fn tables(&self) -> impl Iterator<Item = (&str, &Origin)> {
        self.tables.iter().map(|(path, origin)| (path.as_str(), origin))
    }

    /// Refuses a table for what it lacks.
    pub(super) fn refuse_table(&mut self, path: &str, complaint: Complaint) {
        self.refused.insert(path.to_owned());
        let fault = Fault::new(FaultKind::Settings, format!("[{path}] is not complete"));
        let fault = match self.tables.get(path) {
            Some(origin) => origin.place(fault, &self.file),
            None => fault.at(&self.file),
        };
        self.faults.push(finish(fault.expected(complaint.expected), complaint.hint));
    }

    /// Whether none of the paths was refused, so that they can be judged together.
    pub(super) fn sound(&self, paths: &[&str]) -> bool {
        !paths.iter().any(|path| self.refused.contains(*path))
    }

    /// Refuses the value of a path for a reason that its key alone does not know.
    pub(super) fn refuse(&mut self, path: &str, complaint: Complaint) {
        match self.stated.get(path).cloned() {
            Some(stated) => self.refuse_stated(path, &stated, complaint),
            None => {
                self.refused.insert(path.to_owned());
                let fault = Fault::new(FaultKind::Settings, format!("`{path}` is wrong")).at(&self.file);
                self.faults.push(finish(fault.expected(complaint.expected).found("nothing stated"), complaint.hint));
            }
        }
    }

    /// Refuses one of two paths that contradict each other: the one that somebody stated, rather than a default.
    pub(super) fn refuse_either(&mut self, paths: [&str; 2], complaint: Complaint) {
        let stated = paths.iter().find(|path| self.stated.contains_key(**path));
        self.refuse(stated.unwrap_or(&paths[0]), complaint);
    }

    /// Adds faults that were found elsewhere.
    pub(super) fn add(&mut self, faults: Vec<Fault>) {
        self.faults.extend(faults);
    }

    fn refuse_stated(&mut self, path: &str, stated: &Stated, complaint: Complaint) {
        self.refused.insert(path.to_owned());
        let found = secret::told_back(path, &stated.raw);
        let fault = Fault::new(FaultKind::Settings, format!("`{path}` is wrong"));
        let fault = stated.origin.place(fault, &self.file);
        self.faults.push(finish(fault.expected(complaint.expected).found(found), complaint.hint));
    }

    /// All faults, in the order of the file, and where each stated value comes from.
    pub(super) fn finish(mut self) -> (Vec<Fault>, BTreeMap<String, Origin>) {
        self.faults.sort_by_key(|fault| {
            fault.place.as_ref().map(|place| (place.line.unwrap_or(u64::MAX), place.column.unwrap_or(u64::MAX)))
        });
        (self.faults, self.stated.into_iter().map(|(path, stated)| (path, stated.origin)).collect())
    }
}

impl<'a> Walk<'a> {
    fn new(file: &'a str, text: &'a str, rules: &BTreeSet<String>) -> Self {
        let of_rules = rules.iter().flat_map(|rule| rule_paths(rule));
        let keys: BTreeMap<_, _> = paths().into_iter().chain(of_rules).collect();
        let mut sections = BTreeSet::from([RULES.to_owned()]);
        for path in keys.keys() {
            sections.extend(path.match_indices('.').map(|(at, _)| path[..at].to_owned()));
        }
        Walk { file, text, keys, sections, faults: Vec::new() }
    }

    /// The top of the file: sections, and `[env.NAME]` tables that mirror them.
    fn root(&mut self, table: &dyn TableLike, base: &mut Layer, environments: &mut BTreeMap<String, Layer>) {
        self.table(table, "", None, base);
        let Some(item) = table.get("env") else { return };
        let Some(env) = item.as_table_like() else {
            let fault = Fault::new(FaultKind::Settings, "`env` is wrong").expected("tables such as [env.prod.run]");
            let fault = self.place(fault, item.span()).found(raw_of(item, self.text).sort());
            return self.faults.push(fault);
        };
        for (name, item) in env.iter() {
            let mut layer = Layer::default();
            match item.as_table_like() {
                Some(table) => self.table(table, "", Some(name), &mut layer),
                None => {
                    let fault = Fault::new(FaultKind::Settings, format!("`env.{name}` is wrong"));
                    let fault = fault.expected(format!("a table such as [env.{name}.run]"));
                    let fault = self.place(fault, item.span()).found(raw_of(item, self.text).sort());
                    self.faults.push(fault);
                }
            }
            environments.insert(name.to_owned(), layer);
        }
    }

    /// One table: values are taken, sections are walked, the rest is unknown.
    fn table(&mut self, table: &dyn TableLike, prefix: &str, environment: Option<&str>, layer: &mut Layer) {
        for (name, item) in table.iter() {
            if prefix.is_empty() && environment.is_none() && name == "env" {
                continue;
            }
            let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
            let key_span = table.key(name).and_then(toml_edit::Key::span);
            if self.keys.contains_key(&path) {
                let span = item.span().filter(|_| item.is_value()).or(key_span);
                let (line, column) = position(self.text, span.map_or(0, |span| span.start));
                let origin = Origin::File { environment: environment.map(str::to_owned), line, column };
                let raw = self.veiled(&path, raw_of(item, self.text));
                layer.values.push((path, Stated { raw, origin }));
            } else if self.sections.contains(&path) {
                let (line, column) = position(self.text, key_span.clone().map_or(0, |span| span.start));
                let origin = Origin::File { environment: environment.map(str::to_owned), line, column };
                layer.tables.insert(path.clone(), origin);
                match item.as_table_like() {
                    Some(table) => self.table(table, &path, environment, layer),
                    None => {
                        let fault = Fault::new(FaultKind::Settings, format!("`{path}` is wrong"));
                        let fault = fault.expected(format!("a table: [{path}] and its keys on lines of their own"));
                        // Not the value: a URL in the place of its table may hold a password.
                        let found = if item.is_array_of_tables() { "[[ ]]" } else { raw_of(item, self.text).sort() };
                        let fault = self.place(fault, key_span).found(found);
                        self.faults.push(fault);
                    }
                }
            } else {
                let fault = self.unknown(prefix, name);
                let fault = self.place(fault, key_span);
                self.faults.push(fault);
            }
        }
    }

    /// The value of a secret setting, out of everybody's sight; any other as it is.
    fn veiled(&self, path: &str, raw: Raw) -> Raw {
        if self.keys.get(path).is_some_and(|key| key.is_secret()) { raw.veiled() } else { raw }
    }

    /// A key or section that does not exist, with the one that was probably meant.
    fn unknown(&self, prefix: &str, name: &str) -> Fault {
        let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        if prefix == RULES {
            return Fault::new(FaultKind::Settings, "a coupon rule has a name that cannot be used")
                .expected("1 to 64 lower-case letters, digits and underscores")
                .found(format!("{name:?}"));
        }
        let all = || self.keys.keys().chain(&self.sections).map(String::as_str);
        let siblings: BTreeSet<&str> = all()
            .filter_map(
                |known| if prefix.is_empty() { Some(known) } else { known.strip_prefix(prefix)?.strip_prefix('.') },
            )
            .filter_map(|rest| rest.split('.').next())
            .collect();
        let elsewhere = || all().find(|known| known.rsplit('.').next() == Some(name) && !known.contains(".columns."));
        let mut fault = Fault::new(FaultKind::Settings, format!("unknown key `{path}`"));
        let list = siblings.iter().copied().collect::<Vec<_>>().join(", ");
        fault.hint = Some(match (nearest(name, siblings.iter().copied()), elsewhere()) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, Some(known)) => format!("did you mean `{known}`?"),
            (None, None) if prefix == "feed.columns" => {
                format!("columns are {list}; any other is folded into additional_column by itself")
            }
            (None, None) if prefix.is_empty() => format!("sections are {list}, env"),
            (None, None) => format!("keys of [{prefix}] are {list}"),
        });
        fault
    }

    fn place(&self, fault: Fault, span: Option<Range<usize>>) -> Fault {
        match span {
            Some(span) => {
                let (line, column) = position(self.text, span.start);
                fault.at_column(self.file, line, column)
            }
            None => fault.at(self.file),
        }
    }
}

/// A TOML item as the person wrote it. Numbers are taken from the text: a float would lose digits.
fn raw_of(item: &Item, text: &str) -> Raw {
    match item.as_value() {
        Some(value) => raw_value(value, text),
        None => Raw::Table,
    }
}

fn raw_value(value: &Value, text: &str) -> Raw {
    let written = || value.span().and_then(|span| text.get(span)).unwrap_or_default().to_owned();
    match value {
        Value::String(string) => Raw::Text(string.value().clone()),
        Value::Integer(_) | Value::Float(_) => Raw::Number(written()),
        Value::Boolean(flag) => Raw::Flag(*flag.value()),
        Value::Datetime(_) => Raw::Moment(written()),
        Value::Array(array) => Raw::List(array.iter().map(|item| raw_value(item, text)).collect()),
        Value::InlineTable(_) => Raw::Table,
    }
}

/// Line and column (in characters) of a byte offset, both 1-based.
fn position(text: &str, offset: usize) -> (u64, u64) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before.chars().rev().take_while(|character| *character != '\n').count() + 1;
    (line as u64, column as u64)
}

pub(crate) fn syntax_fault(file: &str, text: &str, error: &toml_edit::TomlError) -> Fault {
    let (line, column) = position(text, error.span().map_or(0, |span| span.start));
    Fault::new(FaultKind::Settings, "the settings file is not TOML")
        .at_column(file, line, column)
        .found(error.message().trim())
}

fn unknown_environment(file: &str, name: &str, names: &[String]) -> Fault {
    let fault = Fault::new(FaultKind::Settings, format!("no environment `{name}` in the settings")).at(file);
    if names.is_empty() {
        return fault.hint(format!("write its keys below [env.{name}], e.g. [env.{name}.run]"));
    }
    match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => fault.hint(format!("did you mean `{near}`?")),
        None => fault.hint(format!("there are: {}", names.join(", "))),
    }
}

fn variable_place(name: &str) -> String {
    format!("variable {name}")
}

fn finish(fault: Fault, hint: Option<String>) -> Fault {
    match hint {
        Some(hint) => fault.hint(hint),
        None => fault,
    }
}
