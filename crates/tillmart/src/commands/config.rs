//! `config show`.

use super::Outcome;
use crate::cli::{Cli, ConfigCommand};
use crate::{screen, settings};
use tillmart_model::Result;

pub(crate) fn run(cli: &Cli, command: &ConfigCommand) -> Result<Outcome> {
    let ConfigCommand::Show = command;
    let look = settings::look(&cli.project, cli.env.as_deref(), settings::variables())?;
    if cli.json {
        let fault = look.fault.as_ref().map(ToString::to_string);
        screen::json(&serde_json::json!({ "env": look.environment, "settings": look.settings, "fault": fault }))?;
    } else {
        let rows: Vec<Vec<String>> =
            look.settings.iter().map(|one| vec![one.setting.clone(), one.value.clone(), one.from.clone()]).collect();
        screen::data(&screen::table::table(&["setting", "value", "from"], &[], &rows));
        match &look.environment {
            Some(name) => screen::talk(&format!("With [env.{name}] on top.")),
            None => screen::talk("Without an environment; `--env NAME` lays [env.NAME] on top."),
        }
    }
    match look.fault {
        // A program has it in its object already.
        Some(fault) => {
            screen::failure(&fault, false);
            Ok(Outcome::NotGood)
        }
        None => Ok(Outcome::Done),
    }
}
