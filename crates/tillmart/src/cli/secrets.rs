//! `secrets`.

use crate::settings;
use clap::Subcommand;
use std::path::PathBuf;

pub(super) const SECRETS_HELP: &str = "\
The master key is a passphrase or a key file: TILLMART_MASTER_KEY, or TILLMART_MASTER_KEY_FILE
with the path of a file that holds it, or typed at a prompt. It is never an argument: those are
seen by every user of the machine.

Examples:
  tillmart secrets key ~/tillmart.key                           make a random key file
  tillmart secrets encrypt --setting database.password --write  ask, and put it into tillmart.toml
  tillmart secrets encrypt --setting database.password < file   print the value for tillmart.toml
  tillmart secrets rotate                                       go over to another master key

Exit codes:
   0  all done
   1  check: a secret stands in the settings file in clear text
   2  could not do it; check: a secret does not decrypt";

/// Commands of `secrets`.
#[derive(Debug, Subcommand)]
pub(crate) enum SecretsCommand {
    /// Encrypt the value of a setting, which is read from stdin or typed at a prompt.
    #[command(after_help = SECRETS_HELP)]
    Encrypt {
        /// The setting, e.g. database.password. The value opens for this setting only.
        #[arg(long, value_name = "NAME", value_parser = secret_setting)]
        setting: String,
        /// Put it into tillmart.toml (with --env NAME into [env.NAME]) rather than print it.
        #[arg(long)]
        write: bool,
    },
    /// Print the value of a secret setting in clear text.
    #[command(after_help = SECRETS_HELP)]
    Decrypt {
        /// The setting, e.g. database.password.
        #[arg(long, value_name = "NAME", value_parser = secret_setting)]
        setting: String,
    },
    /// Encrypt every encrypted value of tillmart.toml anew, under a new master key, in one step.
    #[command(after_help = ROTATE_HELP)]
    Rotate,
    /// Tell for each secret where it comes from, whether it decrypts, and whether it is in clear text.
    #[command(after_help = SECRETS_HELP)]
    Check,
    /// Make a file with a random master key, which only you can read.
    #[command(after_help = SECRETS_HELP)]
    Key {
        /// The new file. One that is there is never overwritten.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

const ROTATE_HELP: &str = "\
The master key so far comes from TILLMART_MASTER_KEY, TILLMART_MASTER_KEY_FILE or a prompt; the
new one from TILLMART_NEW_MASTER_KEY, TILLMART_NEW_MASTER_KEY_FILE or a prompt. The file is replaced
in one step: it holds only values of the old key, or only values of the new one.

Exit codes:
   0  all done
   2  could not do it; the file is as it was";

/// The name of a setting whose value is a secret.
fn secret_setting(name: &str) -> Result<String, String> {
    let names = settings::secret_names();
    if names.iter().any(|known| known == name) {
        return Ok(name.to_owned());
    }
    let list = format!("expected one of {}", names.join(", "));
    let near = tillmart_model::nearest(name, names.iter().map(String::as_str));
    Err(near.map_or(list.clone(), |near| format!("{list}; did you mean {near}?")))
}
