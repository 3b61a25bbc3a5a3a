//! The settings file as a person first sees it, written from the register.

use tillmart_model::SalesColumn;

use super::keys::{RULES, Spec, paths, rule_paths, variable};

/// How keys stand in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// With their defaults, ready to be changed: `config/example.toml`.
    #[cfg(test)]
    Live,
    /// Commented out, so that a project takes part in better defaults of later releases: what `init` writes.
    Commented,
}

/// A settings file that holds every key with its default, unit, help and variable.
pub(crate) fn example(form: Form) -> String {
    let mut text = String::from(HEAD);
    let mut section = String::new();
    for (path, key) in paths() {
        let Some((of, name)) = path.rsplit_once('.') else { continue };
        if key.spec().path.contains('*') {
            continue;
        }
        if of != section {
            if section == "feed" {
                text.push_str(&columns());
            }
            if section == "coupons.score" {
                text.push_str(&rules());
            }
            section = of.to_owned();
            text.push_str(&format!("[{section}]\n"));
        }
        describe(&mut text, &path, key.spec());
        let comment = match form {
            Form::Commented => "# ",
            #[cfg(test)]
            Form::Live => "",
        };
        text.push_str(&format!("{comment}{name} = {}\n\n", key.spec().default));
    }
    text.push_str(FOOT);
    text
}

const HEAD: &str = "\
# Settings of a Tillmart project: the file `tillmart.toml` in the project's folder.
#
# Every key is shown with its default; a key that is left out has that value. Unknown keys are refused.
# What wins, key by key: this file, then one [env.NAME] table (see the end), then variables (named at each key).

";

const FOOT: &str = "\
# Environments. A table [env.NAME] mirrors the file; `--env NAME` (or TILLMART_ENV=NAME) lays its keys on top.
#
# [env.prod.feed]
# min_age = \"5m\"
#
# [env.prod.run]
# memory_mib = 2048
#
# The environment `prod` does not start with plain http to the object store, without TLS to a database server, or with a
# secret in clear text in this file; run.allow_insecure lists what it may start with all the same.
";

/// Help, unit, default and variable of a key, as comments.
fn describe(text: &mut String, path: &str, spec: &Spec) {
    for line in wrap(spec.help, 110) {
        text.push_str(&format!("# {line}\n"));
    }
    text.push_str(&format!("# ({}; default {}; variable {})\n", spec.unit, spec.default, variable(path)));
}

/// The keys of columns: shown once, with an example.
fn columns() -> String {
    let mut text = String::from(
        "# Columns. Each of the sales feed is expected under its own name. A table [feed.columns.NAME] says where else\n\
         # it comes from. NAME is one of these, with their types:\n",
    );
    for column in SalesColumn::ALL {
        let optional = if column == SalesColumn::TransactionId {
            ", optional: in the contract if declared; then reports count baskets"
        } else {
            ""
        };
        text.push_str(&format!("#   {} {}{optional}\n", column.name(), super::values::type_name(column.kind())));
    }
    text.push_str("#\n");
    for (path, key) in paths() {
        if let Some(name) = path.strip_prefix("feed.columns.sales_date.") {
            text.push_str(&format!("# {name} ({}; default {})\n", key.spec().unit, key.spec().default));
            for line in wrap(key.spec().help, 108) {
                text.push_str(&format!("#   {line}\n"));
            }
        }
    }
    text.push_str(
        "#\n# [feed.columns.sales_date]\n# source = \"Datum\"\n# type = \"date\"\n# date_formats = [\"%d.%m.%Y\", \"%Y-%m-%d\"]\n\
         #\n# [feed.columns.store_id]\n# constant = 42\n#\n# [feed.columns.transaction_id]\n# source = \"basket\"\n\n",
    );
    text
}

/// The keys of coupon rules: their names are the user's.
fn rules() -> String {
    let mut text = String::from(
        "# Coupon rules. A table [coupons.rules.NAME] is a rule; NAME is of lower-case letters, digits and underscores, and stands in\n\
         # lists and exports. Where rules compete, the first of the file comes first. See docs/coupons.md.\n#\n",
    );
    for (path, key) in rule_paths("NAME") {
        let Some(name) = path.strip_prefix(RULES).and_then(|rest| rest.strip_prefix(".NAME.")) else { continue };
        text.push_str(&format!("# {name} ({}; default {})\n", key.spec().unit, key.spec().default));
        for line in wrap(key.spec().help, 108) {
            text.push_str(&format!("#   {line}\n"));
        }
    }
    text.push_str(
        "#\n# [coupons.rules.best_customers]\n# who = \"spend\"\n# spend_from = \"500.00\"\n# percent = \"10 %\"\n\
         # max_discount = \"20.00\"\n# min_basket = \"50.00\"\n# valid_days = 30\n# budget = \"5000.00\"\n# hold_out = \"10 %\"\n\
         #\n# [coupons.rules.come_back]\n# who = \"lapsed\"\n# days = 90\n# days_to = 365\n# amount = \"5.00\"\n\
         # min_basket = \"25.00\"\n# valid_days = 45\n# budget_coupons = 1000\n\n",
    );
    text
}

/// Breaks a paragraph into lines of at most `width` characters.
fn wrap(paragraph: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in paragraph.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
