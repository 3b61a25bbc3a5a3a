use super::*;
use chrono::NaiveDate;
use clap::{CommandFactory, error::ErrorKind};

fn parse(arguments: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once("tillmart").chain(arguments.split(' ')))
}

/// The help of every command that does something, with its full name.
fn helps() -> Vec<(String, String)> {
    fn walk(command: &mut clap::Command, name: &str, helps: &mut Vec<(String, String)>) {
        helps.push((name.to_owned(), command.render_long_help().to_string()));
        let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
        for sub in names.into_iter().filter(|sub| sub != "help") {
            if let Some(command) = command.find_subcommand_mut(&sub) {
                walk(command, &format!("{name} {sub}"), helps);
            }
        }
    }
    let mut helps = Vec::new();
    let mut command = Cli::command();
    command.build();
    walk(&mut command, "tillmart", &mut helps);
    helps
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn help_names_the_exit_codes() {
    let helps = helps();
    let (_, top) = &helps[0];
    for code in ["0  all done", "1  done, but something was rejected", "2  could not do it", "75  another run"] {
        assert!(top.contains(code), "{code}: {top}");
    }
    for (name, help) in &helps {
        assert!(help.contains("Exit codes:"), "{name}: {help}");
    }
}

#[test]
fn every_argument_has_a_help_line() {
    fn walk(command: &clap::Command) {
        assert!(command.get_about().is_some(), "{}", command.get_name());
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
        }
        command.get_subcommands().for_each(walk);
    }
    walk(&Cli::command());
}

#[test]
fn arguments_become_values() {
    let cli = parse("run --dry-run --project shop --json --env prod").unwrap();
    assert_eq!((cli.project, cli.json, cli.env.as_deref()), (PathBuf::from("shop"), true, Some("prod")));
    assert!(matches!(cli.command, Command::Run(RunArgs { dry_run: true, .. })));
    let cli = parse("--project shop rejects replay --file 3 --file 4 --reason unknown_customer").unwrap();
    let Command::Rejects(RejectsCommand::Replay { which }) = cli.command else { unreachable!("{cli:?}") };
    assert_eq!(which, RejectsFilter { files: vec![3, 4], reasons: vec![RowReason::UnknownCustomer] });
    let cli = parse("generate --size 1.5GB --day 2024-06-03 --dirty 2.5%").unwrap();
    let Command::Generate(generate) = cli.command else { unreachable!("{cli:?}") };
    assert_eq!((generate.size, generate.dirty, generate.rows), (Some(1_500_000_000), 25_000, None));
    assert_eq!((generate.customers, generate.stores, generate.sales_persons, generate.products), (50, 5, 15, 14));
    assert_eq!(generate.day, NaiveDate::from_ymd_opt(2024, 6, 3));
}

/// `--to` is the last day, or the place: told apart by what it looks like, and neither twice.
#[test]
fn a_period_ends_and_files_go_somewhere() {
    let generate = |line: &str| match parse(line).unwrap().command {
        Command::Generate(generate) => generate,
        other => unreachable!("{other:?}"),
    };
    let july = NaiveDate::from_ymd_opt(2024, 7, 1).unwrap();
    let new_year = NaiveDate::from_ymd_opt(2024, 12, 31).unwrap();
    for (line, day, place) in [
        ("generate", july, None),
        ("generate --to 2024-12-31", new_year, None),
        ("generate --day 2024-12-31 --to s3://mart/x", new_year, Some("s3://mart/x")),
        ("generate --to 2024-12-31 --to s3://mart/x", new_year, Some("s3://mart/x")),
        ("generate --to /srv/till", july, Some("/srv/till")),
        ("generate --out s3://mart/x", july, Some("s3://mart/x")),
    ] {
        let args = generate(line);
        assert_eq!((args.last_day().unwrap(), args.place().unwrap()), (day, place), "{line}");
    }
    assert!(generate("generate --day 2024-06-03 --to 2024-12-31").last_day().is_err());
    assert!(generate("generate --out here --to there").place().is_err());
    assert!(parse("generate --to 2024-13-31").is_err(), "no folder of that name is meant");
}

#[test]
fn what_contradicts_itself_is_refused() {
    for wrong in [
        "query --csv --json x",
        "generate --rows 1 --size 1GB",
        "generate --day 2024-06-03 --from 2024-01-01",
        "generate --files 2 --file-size 1MB",
        "generate --dimensions-only --no-dimensions",
    ] {
        assert_eq!(parse(wrong).unwrap_err().kind(), ErrorKind::ArgumentConflict, "{wrong}");
    }
}

#[test]
fn wrong_values_say_what_is_right() {
    for (wrong, right) in [
        ("rejects list --reason unknown_custmer", "unknown_customer, unknown_store"),
        ("rejects list --reason missing_column", "delivered again"),
        ("generate --size 0", "more than nothing"),
        ("generate --size much", "64GB"),
        ("generate --dirty 2", "10 %"),
        ("generate --day 2024-02-30", "2024-02-30"),
        ("files revoke 0", "0"),
        ("files revoke", "<ID>"),
    ] {
        let error = parse(wrong).unwrap_err();
        assert!(error.to_string().contains(right), "{wrong}: {error}");
        assert_eq!(error.exit_code(), 2, "{wrong}");
    }
}
