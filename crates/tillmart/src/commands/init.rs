//! `init`: a project is a folder.

use super::Outcome;
use crate::cli::{Cli, InitArgs};
use crate::{screen, settings, wiring};
use std::path::Path;
use tillmart_model::{Fault, FaultKind, Result};

/// An example of a mart of one's own, put into every new project's `marts/`.
const EXAMPLE_MART: &str = include_str!("../../../../sql/examples/daily_product_sales.sql");

pub(crate) fn run(cli: &Cli, args: &InitArgs) -> Result<Outcome> {
    let folder = &args.folder;
    make(cli, folder, &[])?;
    if cli.json {
        screen::json(&serde_json::json!({ "project": folder.display().to_string() }))?;
    }
    screen::talk(&format!(
        "Made a project in {folder}.\n\
         settings   {folder}/tillmart.toml (every key explained)\n\
         incoming   {folder}/storage/sales_data/\n\
         marts      {folder}/marts/ (one of your own to start from)\n\
         Next: tillmart dimensions load FOLDER --project {folder}",
        folder = folder.display()
    ));
    Ok(Outcome::Done)
}

/// Writes settings and the example mart, makes areas and database. What is there is never overwritten. `variables` are settings
/// on top of those of the environment.
pub(crate) fn make(cli: &Cli, folder: &Path, variables: &[(String, String)]) -> Result<()> {
    let settings_file = folder.join(settings::FILE_NAME);
    if settings_file.exists() {
        return Err(Fault::new(FaultKind::Settings, "there is a project here already")
            .at(settings_file.display().to_string())
            .hint("choose another folder, or go on with this one: nothing was changed"));
    }
    let marts = folder.join("marts");
    make_folder(&marts)?;
    write(&settings_file, &settings::example(settings::Form::Commented))?;
    write(&marts.join("daily_product_sales.sql"), EXAMPLE_MART)?;
    let project = wiring::open_with(folder, cli, variables)?;
    let storage = &project.settings.storage;
    if let Some(root) = project.settings.storage_folder() {
        for area in [&storage.incoming, &storage.processed, &storage.error] {
            make_folder(&root.join(area))?;
        }
    }
    project.runtime.block_on(project.database.schema.migrate())?;
    Ok(())
}

fn make_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))
}

fn write(file: &Path, text: &str) -> Result<()> {
    std::fs::write(file, text).map_err(|error| unwritable(file, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Fault {
    Fault::new(FaultKind::Settings, "the project cannot be written")
        .at(path.display().to_string())
        .found(error)
        .hint("choose a folder that you may write to")
}
