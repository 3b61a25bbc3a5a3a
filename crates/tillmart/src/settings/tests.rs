use super::keys::{Spec, paths, rule_paths, variable};
use super::values::duration;
use super::*;
use std::collections::BTreeSet;
use tillmart_model::{BlankCustomer, Column, Encoding, ExtraColumns, Orphans, SalesColumn, Ties};

pub(super) fn read(text: &str) -> Result<Settings> {
    parse(Path::new("shop"), "tillmart.toml", text, None, [])
}

pub(super) fn read_with(text: &str, environment: Option<&str>, variables: &[(&str, &str)]) -> Result<Settings> {
    let variables = variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    parse(Path::new("shop"), "tillmart.toml", text, environment, variables)
}

/// Every fault of a text as `place what`, in the order they are told.
pub(super) fn faults(result: Result<Settings>) -> Vec<String> {
    let fault = result.expect_err("the settings are wrong");
    let tell = |fault: &Fault| {
        let place = fault.place.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{place} {}", fault.what)
    };
    std::iter::once(tell(&fault)).chain(fault.others.iter().map(tell)).collect()
}

/// What is told about a text with one fault.
pub(super) fn told(text: &str) -> String {
    let fault = read(text).expect_err(text);
    assert!(fault.others.is_empty(), "one fault only: {fault}");
    fault.to_string()
}

#[test]
fn an_empty_file_means_the_defaults() {
    let settings = read("").unwrap();
    let feed = &settings.feed;
    assert_eq!(feed.name, "sales");
    assert_eq!(feed.contract, Contract::default());
    assert_eq!((feed.redelivery, feed.archive), (Redelivery::Append, ArchivePolicy::Move));
    assert_eq!(feed.max_reject_ratio_millionths, 100_000);
    assert_eq!(feed.min_age, Duration::from_secs(1));
    assert_eq!((feed.batch_files_max, feed.batch_bytes_max), (10_000, 64_000_000_000));
    assert_eq!(feed.time_zone, Tz::UTC);
    assert_eq!(settings.storage_folder(), Some(PathBuf::from("shop/storage")));
    assert_eq!(settings.storage.incoming, "sales_data");
    assert_eq!(settings.storage.processed, "sales_data_processed");
    assert_eq!(settings.storage.error, "sales_data_error");
    assert_eq!(settings.storage.manifests, "_tillmart");
    assert_eq!(settings.database_file(), Some(PathBuf::from("shop/tillmart.db")));
    assert_eq!(settings.marts_folder(), PathBuf::from("shop/marts"));
    assert_eq!(settings.marts.customer_buckets, 16);
    assert!(settings.marts.leave_out.is_empty());
    assert_eq!(settings.marts.incentive, Incentive::default());
    assert_eq!(settings.run, RunSettings { tasks: 0, split_bytes: 256 << 20, memory_mib: 512, lease_seconds: 60 });
    let optimize = OptimizeSettings { files_min: 8, target_file_mib: 128, vacuum_age_hours: 168 };
    assert_eq!(settings.optimize, optimize);
    assert!(settings.origins.is_empty());
}

#[test]
fn the_example_holds_every_key_with_its_default_and_help() {
    let committed = include_str!("../../../../config/example.toml");
    if std::env::var_os("TILLMART_WRITE_EXAMPLE").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/example.toml"), example(Form::Live)).unwrap();
        return;
    }
    assert!(
        committed == example(Form::Live),
        "config/example.toml is not what the register says; run this test with TILLMART_WRITE_EXAMPLE=1 to write it anew"
    );
    let words = committed.replace("\n#   ", " ").replace("\n# ", " ");
    for (path, key) in paths().into_iter().chain(rule_paths("NAME")) {
        let Spec { help, default, .. } = key.spec();
        assert!(words.contains(help), "the help of {path}");
        assert!(words.contains(&format!("default {default}")), "the default of {path}");
    }
    for mart in tillmart_pipeline::MAY_BE_LEFT_OUT {
        assert!(words.contains(mart), "the help of marts.leave_out names {mart}");
    }
    let live = read(committed).unwrap();
    assert_eq!(Settings { origins: BTreeMap::new(), ..live.clone() }, read("").unwrap());
    let expected: BTreeSet<String> = paths().into_iter().map(|(path, _)| path).collect();
    let stated: BTreeSet<String> = live.origins.into_keys().collect();
    let unstated: Vec<&String> = expected.difference(&stated).collect();
    assert!(unstated.iter().all(|path| path.starts_with("feed.columns.")), "{unstated:?}");
}

#[test]
fn what_init_writes_states_nothing() {
    let starter = example(Form::Commented);
    assert_eq!(read(&starter).unwrap(), read("").unwrap());
    assert!(starter.contains("\n# max_reject_ratio = 0.10\n"), "{starter}");
}

#[test]
fn all_faults_are_told_at_once_with_their_places() {
    let text =
        "[feed]\nnmae = \"x\"\nredelivery = \"repalce\"\nbatch_files_max = \"many\"\n\n[run]\n  memory_mib = 1\n";
    assert_eq!(
        faults(read_with(text, None, &[("TILLMART_RUN_TASKS", "all")])),
        [
            "tillmart.toml:2:1 unknown key `feed.nmae`",
            "tillmart.toml:3:14 `feed.redelivery` is wrong",
            "tillmart.toml:4:19 `feed.batch_files_max` is wrong",
            "tillmart.toml:7:16 `run.memory_mib` is wrong",
            "variable TILLMART_RUN_TASKS `run.tasks` is wrong",
        ]
    );
}

#[test]
fn a_fault_names_what_was_expected_found_and_meant() {
    assert_eq!(
        told("[feed]\nredelivery = \"repalce\""),
        "`feed.redelivery` is wrong\n  --> tillmart.toml:2:14\n   |  expected one of \"append\", \"replace\"\n   \
         |  found    \"repalce\"\nhint: did you mean \"replace\"?"
    );
    assert!(
        told("[marts]\nleave_out = [\"product_day_mart\"]").ends_with("hint: did you mean \"product_day_data_mart\"?")
    );
    assert!(told("[feed]\nmax_reject_ration = 1").ends_with("hint: did you mean `max_reject_ratio`?"));
    assert!(told("[feed]\ntasks = 1").ends_with("hint: did you mean `run.tasks`?"));
    assert!(told("[optimise]\nfiles_min = 9").ends_with("hint: did you mean `optimize`?"));
    assert!(told("[feed]\ntime_zone = \"Europe/Berln\"").ends_with("hint: did you mean \"Europe/Berlin\"?"));
    assert!(told("[feed.columns.sales_dat]\nsource = \"d\"").ends_with("hint: did you mean `sales_date`?"));
    assert!(told("[feed.columns.colour]").contains("folded into additional_column by itself"));
    assert!(told("[feed]\nname = ").starts_with("the settings file is not TOML\n  --> tillmart.toml:2:"));
}

#[test]
fn columns_are_counted_in_characters() {
    assert!(told("[feed.columns]\nprice = { source = \"Präis\", type = \"float\" }").contains("tillmart.toml:2:36"));
}

#[test]
fn values_of_the_wrong_shape_are_refused() {
    for wrong in [
        "feed = 3",
        "[[feed]]",
        "env = 3",
        "[env]\nprod = 3",
        "[feed.name]\nx = 1",
        "[feed]\nname = \"Sales\"",
        "[feed]\nname = \"\"",
        "[feed]\nname = 7",
        "[feed]\ndelimiter = \";;\"",
        "[feed]\ndelimiter = \"\\n\"",
        "[feed]\ndelimiter = \"§\"",
        "[feed]\ndelimiter = \"'\"\nquote = \"'\"",
        "[feed]\nquote = \",\"",
        "[feed]\ndecimal_comma = \"true\"",
        "[feed]\nencoding = \"utf8\"",
        "[feed]\nmax_reject_ratio = 1.01",
        "[feed]\nmax_reject_ratio = -0.1",
        "[feed]\nmax_reject_ratio = 1e-2",
        "[feed]\nmax_reject_ratio = 0.0000001",
        "[feed]\nmin_age = 1",
        "[feed]\nmin_age = \"31d\"",
        "[feed]\nmin_age = \"99999999999999999999d\"",
        "[feed]\nbatch_bytes_max = \"0\"",
        "[feed]\nbatch_bytes_max = \"12 parsecs\"",
        "[feed]\nbatch_files_max = 0",
        "[feed]\nbatch_files_max = 1.0",
        "[feed]\ntotal_tolerance = 0.005",
        "[feed]\ntotal_tolerance = \"-1.00\"",
        "[feed]\nkey = [\"store\"]",
        "[feed]\nkey = [\"store_id\", \"store_id\"]",
        "[feed]\nkey = [\"transaction_id\"]",
        "[feed]\nkey = \"store_id\"",
        "[feed]\nrecord_bytes_max = \"1GB\"",
        "[storage]\nroot = \"\"",
        "[storage]\nroot = \"s3://\"",
        "[storage]\nincoming = \"/sales\"",
        "[storage]\nerror = \"a/../b\"",
        "[storage]\nprocessed = \"sales_data/done\"",
        "[storage]\nerror = \"sales_rejects\"",
        "[database]\nurl = \"sqlite:\"",
        "[database]\nurl = \"tillmart.db\"",
        "[marts]\nleave_out = \"product_day_data_mart\"",
        "[marts]\nleave_out = [\"sales_data_mart\"]",
        "[marts]\nleave_out = [\"product_day_data_mart\", \"product_day_data_mart\"]",
        "[marts.incentive]\nties = \"none\"",
        "[marts.incentive]\nrate = \"101 %\"",
        "[marts.incentive]\nrates = \"some\"",
        "[marts.incentive]\nrates = [\"1 %\", 2]",
        "[marts.incentive]\nrate = \"1 %\"\nrates = [\"1 %\"]",
        "[marts.incentive]\ntop = 3\nrates = [\"2 %\", \"1 %\"]",
        "[marts.incentive]\ntiers = [\"10000\"]",
        "[marts.incentive]\ntiers = [\"0: 2 %\"]",
        "[marts.incentive]\ntiers = [\"100.001: 2 %\"]",
        "[marts.incentive]\ntiers = [\"200: 2 %\", \"100: 3 %\"]",
        "[marts.incentive]\ntiers = [\"200: 2 %\", \"200: 3 %\"]",
        "[marts.incentive]\ntop = 3\ntiers = [\"200: 2 % / 1 %\"]",
        "[marts.incentive]\ntier_rates = \"all\"",
        "[marts.incentive]\nminimum = \"-1.00\"",
        "[marts.incentive]\noverrides = [\"110 %\"]",
        "[marts.incentive]\noverrides = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]",
        "[marts.incentive]\ncap = \"0.00\"",
        "[marts.incentive]\ncap = \"some\"",
        "[env.qa.run]\ntasks = \"x\"",
    ] {
        let fault = told(wrong);
        assert!(fault.contains("tillmart.toml:"), "{wrong}: {fault}");
    }
}

#[test]
fn a_plan_is_read_from_its_keys() {
    let plan = |text: &str| read(&format!("[marts.incentive]\n{text}")).expect(text).marts.incentive.to_string();
    assert_eq!(plan(""), "top 1: 1 %; ties all");
    assert_eq!(plan("rates = [\"1 %\", 0.005]\nties = \"split\""), "top 2: 1 %, 0.5 %; ties split");
    assert_eq!(plan("rates = [\"1 %\", \"0.5 %\"]\ntop = 2"), "top 2: 1 %, 0.5 %; ties all");
    let tiers = "top = 2\ntiers = [\"10_000: 1.5 %\", \"20000.50: 2 % / 1 %\"]";
    assert_eq!(plan(tiers), "top 2: 1 %; ties all; whole from 10000.00: 1.5 %; whole from 20000.50: 2 %, 1 %");
    let marginal = "tiers = [\"5000: 2 %\"]\ntier_rates = \"marginal\"";
    assert_eq!(plan(marginal), "top 1: 1 %; ties all; marginal from 5000.00: 2 %");
    let rest = "minimum = \"500\"\noverrides = [\"10 %\", \"5 %\"]\ncap = 750.5";
    assert_eq!(plan(rest), "top 1: 1 %; ties all; minimum 500.00; overrides 10 %, 5 %; cap 750.50");
    let variables = [
        ("TILLMART_MARTS_INCENTIVE_RATES", "1 %, 0.5 %"),
        ("TILLMART_MARTS_INCENTIVE_TIERS", "100: 2 %, 200: 3 % / 2 %"),
        ("TILLMART_MARTS_INCENTIVE_CAP", ""),
    ];
    let settings = read_with("", None, &variables).expect("a plan in variables");
    let told = "top 2: 1 %, 0.5 %; ties all; whole from 100.00: 2 %; whole from 200.00: 3 %, 2 %";
    assert_eq!(settings.marts.incentive.to_string(), told);
}

#[test]
fn all_faults_of_a_plan_are_told_at_once() {
    let text = "[marts.incentive]\nrate = 2\ntop = 0\ntiers = [\"5: 1%\", \"4: 1 %\"]\noverrides = 0.1\ncap = -1\nmaximum = 3\n";
    let wrong = |place: &str, key: &str| format!("tillmart.toml:{place} `marts.incentive.{key}` is wrong");
    let expected = [
        wrong("2:8", "rate"),
        wrong("3:7", "top"),
        wrong("4:9", "tiers"),
        wrong("5:13", "overrides"),
        wrong("6:7", "cap"),
        "tillmart.toml:7:1 unknown key `marts.incentive.maximum`".to_owned(),
    ];
    assert_eq!(faults(read(text)), expected);
}

#[test]
fn a_credential_is_not_repeated() {
    for wrong in [
        "[database]\nurl = \"mysql://root:hunter2@host/db\"",
        "[database]\nurl = \"root:hunter2@host\"",
        "[storage]\nroot = \"s3://key:hunter2@bucket\"",
        "[storage]\nroot = \"abfss://box:hunter2@shop.dfs.core.windows.net/x\"",
        "[storage]\nroot = \"s3://bucket/x?X-Amz-Signature=hunter2\"",
        "[storage]\nroot = \"az://box/x#hunter2\"",
    ] {
        assert!(!told(wrong).contains("hunter2"), "{wrong}");
    }
    for (wrong, found) in [
        ("database = \"mysql://root:hunter2@db/till\"", "a text"),
        ("env = \"hunter2\"", "a text"),
        ("[env]\nprod = [\"hunter2\"]", "a list"),
        ("[env.prod]\nstorage = 77777", "a number"),
    ] {
        let fault = told(wrong);
        assert!(fault.contains(&format!("found    {found}")), "{wrong}: {fault}");
        assert!(!fault.contains("hunter2") && !fault.contains("77777"), "{wrong}: {fault}");
    }
}

#[test]
fn a_root_is_a_folder_or_a_url_that_can_be_one() {
    for wrong in ["s3://my bucket/x", "s3://bucket:99999/x", "az://box@shop.dfs.core.windows.net/x"] {
        let fault = told(&format!("[storage]\nroot = {wrong:?}"));
        assert!(fault.contains("`storage.root` is wrong"), "{wrong}: {fault}");
    }
    for root in ["abfss://box@shop.dfs.core.windows.net/x", "s3://bucket/a@b", "a ?#:b"] {
        assert_eq!(read(&format!("[storage]\nroot = {root:?}")).unwrap().storage.root, root);
    }
}

#[test]
fn money_and_shares_are_exact_whatever_way_they_are_written() {
    for text in ["0.1", "0.10", "\"0.1\"", "\"10 %\"", "\"10%\""] {
        let settings = read(&format!("[feed]\nmax_reject_ratio = {text}")).unwrap();
        assert_eq!(settings.feed.max_reject_ratio_millionths, 100_000, "{text}");
    }
    for (text, cents) in [("0", 0), ("0.05", 5), ("\"0.05\"", 5), ("1", 100), ("999999999999.99", 99_999_999_999_999)] {
        let settings = read(&format!("[feed]\ntotal_tolerance = {text}")).unwrap();
        assert_eq!(settings.feed.contract.total_tolerance_cents, cents, "{text}");
    }
    let rate = |text: &str| read(&format!("[marts.incentive]\nrate = {text}")).unwrap().marts.incentive.rates[0];
    assert_eq!((rate("\"1 %\""), rate("0.01"), rate("\"0.0001 %\"")), (10_000, 10_000, 1));
}

#[test]
fn sizes_and_durations_have_units() {
    for (text, size) in [("1", 1), ("64GB", 64_000_000_000), ("1 MiB", 1 << 20), ("1.5kb", 1_500), ("0.5KiB", 512)] {
        assert_eq!(bytes(text), Ok(size), "{text}");
    }
    for wrong in ["", "GB", "-1", "1.0001B", "1e3", "1 XB", "99999999999TB", "1é"] {
        assert!(bytes(wrong).is_err(), "{wrong}");
    }
    for (text, milliseconds) in [("500ms", 500), ("1s", 1_000), ("5m", 300_000), ("2h", 7_200_000), ("7d", 604_800_000)]
    {
        assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
    }
    for wrong in ["", "5", "s", "-1s", "1.5s", "1w"] {
        assert!(duration(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_contract_says_where_columns_come_from() {
    let settings = read(
        "[feed]\ndelimiter = \"\\t\"\nquote = \"'\"\nencoding = \"latin-1\"\ndecimal_comma = true\n\
         extra_columns = \"concat\"\nblank_customer = \"reject\"\norphans = \"keep\"\n\
         key = [\"transaction_id\", \"product_name\"]\nrecord_bytes_max = 4096\n\
         [feed.columns.sales_date]\nsource = \" Datum \"\ntype = \"date\"\ndate_formats = [\"%d.%m.%Y\", \"%y%m%d\"]\n\
         [feed.columns.price]\nconstant = \"1,50\"\ntype = \"decimal(14, 4)\"\n\
         [feed.columns.store_id]\nconstant = 42\n[feed.columns.transaction_id]\n",
    );
    let contract = settings.unwrap().feed.contract;
    assert_eq!((contract.delimiter, contract.quote, contract.encoding), (b'\t', b'\'', Encoding::Latin1));
    assert_eq!((contract.extra_columns, contract.orphans), (ExtraColumns::Concat, Orphans::Keep));
    assert_eq!((contract.blank_customer, contract.decimal_comma), (BlankCustomer::Reject, true));
    assert_eq!(contract.key, [SalesColumn::TransactionId, SalesColumn::ProductName]);
    assert_eq!(contract.record_bytes_max, 4_096);
    assert_eq!(contract.columns.len(), 9, "transaction_id is declared");
    let column = |wanted| contract.columns.iter().find(|column| column.column == wanted).unwrap();
    assert_eq!(column(SalesColumn::SalesDate).source, "Datum");
    assert_eq!(column(SalesColumn::SalesDate).date_formats, ["%d.%m.%Y", "%y%m%d"]);
    assert_eq!(column(SalesColumn::Price).constant.as_deref(), Some("1,50"));
    assert_eq!(column(SalesColumn::StoreId).constant.as_deref(), Some("42"));
    assert_eq!(*column(SalesColumn::Quantity), Column::new(SalesColumn::Quantity));
}

#[test]
fn a_column_that_cannot_be_is_refused() {
    for wrong in [
        "[feed.columns.price]\ntype = \"float\"",
        "[feed.columns.price]\nconstant = \"1,50\"",
        "[feed.columns.price]\nconstant = -1",
        "[feed.columns.price]\nconstant = 1.00001",
        "[feed.columns.price]\ndate_formats = [\"%Y-%m-%d\"]",
        "[feed.columns.price]\nsource = \"store_id\"",
        "[feed.columns.store_id]\nconstant = 3_000_000_000",
        "[feed.columns.product_name]\nconstant = \" \"",
        "[feed.columns.sales_date]\nconstant = \"1.1.2024\"",
        "[feed.columns.sales_date]\ndate_formats = [\"%d.%m\"]",
        "[feed.columns.sales_date]\ndate_formats = [\"%Y-%m-%d\", \"%Q\"]",
        "[feed.columns.sales_date]\ndate_formats = [\"%Y-%m-%dT%H:%M:%S%z\"]",
        "[feed.columns.sales_date]\ndate_formats = []",
        "[feed.columns.customer_id]\nconstant = \"x\"",
        "[feed]\nblank_customer = \"reject\"\n[feed.columns.customer_id]\nconstant = \"\"",
    ] {
        assert!(told(wrong).contains("tillmart.toml:"), "{wrong}");
    }
    let anonymous = read("[feed.columns.customer_id]\nconstant = \"\"").unwrap();
    assert_eq!(anonymous.feed.contract.columns[0].constant.as_deref(), Some(""), "a feed without cards");
    let dated = read("[feed.columns.sales_date]\nconstant = 2024-02-29").unwrap();
    assert_eq!(dated.feed.contract.columns[3].constant.as_deref(), Some("2024-02-29"));
}

#[test]
fn later_layers_win_key_by_key_and_are_remembered() {
    let text = "[run]\ntasks = 2\nmemory_mib = 100\nlease_seconds = 10\n[env.prod.run]\nmemory_mib = 2048\nlease_seconds = 20\n";
    let variables = [("TILLMART_RUN_LEASE_SECONDS", "30"), ("TILLMART_FEED_KEY", "store_id, price"), ("HOME", "/x")];
    let settings = read_with(text, Some("prod"), &variables).unwrap();
    assert_eq!(settings.run, RunSettings { tasks: 2, split_bytes: 256 << 20, memory_mib: 2_048, lease_seconds: 30 });
    assert_eq!(settings.feed.contract.key, [SalesColumn::StoreId, SalesColumn::Price]);
    let origin = |path: &str| settings.origins[path].from();
    assert_eq!(origin("run.tasks"), "tillmart.toml:2");
    assert_eq!(origin("run.memory_mib"), "tillmart.toml:6 [env.prod]");
    assert_eq!(origin("run.lease_seconds"), "variable TILLMART_RUN_LEASE_SECONDS");
    assert_eq!(read_with(text, None, &[]).unwrap().run.memory_mib, 100, "no environment, no layer");
    assert_eq!(read_with(text, None, &[("TILLMART_ENV", "prod")]).unwrap().run.memory_mib, 2_048);
    let unknown = read_with(text, Some("prd"), &[]).unwrap_err();
    assert_eq!(unknown.hint.as_deref(), Some("did you mean `prod`?"));
}

#[test]
fn variables_speak_for_every_type() {
    let settings = read_with(
        "",
        None,
        &[
            ("TILLMART_FEED_MAX_REJECT_RATIO", "0.2"),
            ("TILLMART_FEED_DECIMAL_COMMA", "true"),
            ("TILLMART_FEED_BATCH_BYTES_MAX", "1GiB"),
            ("TILLMART_FEED_COLUMNS_TRANSACTION_ID_SOURCE", "basket"),
            ("TILLMART_FEED_COLUMNS_SALES_DATE_DATE_FORMATS", "%d.%m.%Y,%Y-%m-%d"),
            ("TILLMART_MARTS_INCENTIVE_TIES", "split"),
            ("TILLMART_MARTS_LEAVE_OUT", "product_day_data_mart, basket_day_data_mart"),
            ("TILLMART_SEED", "no setting"),
        ],
    )
    .unwrap();
    assert_eq!(settings.feed.max_reject_ratio_millionths, 200_000);
    assert!(settings.feed.contract.decimal_comma);
    assert_eq!(settings.feed.batch_bytes_max, 1 << 30);
    assert_eq!(settings.feed.contract.columns[8].source, "basket");
    assert_eq!(settings.feed.contract.columns[3].date_formats.len(), 2);
    assert_eq!(settings.marts.incentive.ties, Ties::Split);
    assert_eq!(settings.marts.leave_out, ["product_day_data_mart", "basket_day_data_mart"]);
    for (wrong, meant) in [("TILLMART_RUN_TASK", "TILLMART_RUN_TASKS"), ("TILLMART_FED_NAME", "TILLMART_FEED_NAME")] {
        let fault = read_with("", None, &[(wrong, "1")]).unwrap_err();
        assert_eq!(fault.hint, Some(format!("did you mean `{meant}`?")));
    }
    let names: BTreeSet<String> = paths().iter().map(|(path, _)| variable(path)).collect();
    assert_eq!(names.len(), paths().len(), "no two keys share a variable");
}

#[test]
fn a_missing_project_says_what_to_do() {
    let fault = load(Path::new("no/such/folder"), None, []).unwrap_err();
    assert!(fault.to_string().contains("tillmart init DIR"), "{fault}");
}
