//! The shell of `query`, on a pseudo terminal as a person sits at one.

use crate::shop::{Shop, Told};
use rexpect::process::WaitStatus;
use rexpect::session::{Options, PtySession, spawn_with_options};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// After so long it hangs.
const PATIENCE_MS: u64 = 60_000;

const PROMPT: &str = "tillmart> ";

fn loaded() -> Shop {
    let shop = Shop::new();
    shop.deliver_rows(
        "day.csv",
        &[
            "1,1,Tea,2024-05-03,11,2.50,2,5.00",
            ",2,Coffee,2024-05-04,21,4.00,3,12.00",
            "2,1,Tea,2024-06-04,12,2.50,-1,-2.50",
        ],
    );
    shop.run(0);
    shop
}

/// Somebody at a terminal.
struct Person {
    session: PtySession,
}

impl Person {
    /// Opens the shell on a terminal that is so wide, and waits for its first prompt.
    fn sits_down(shop: &Shop, arguments: &[&str], wide: usize) -> Person {
        let mut person = Person::at(shop, arguments, wide);
        person.sees("Ctrl-D ends.\r\n");
        person.prompted();
        person
    }

    fn at(shop: &Shop, arguments: &[&str], wide: usize) -> Person {
        let mut command = Command::new("sh");
        // A new pseudo terminal has no size.
        command.args(["-c", &format!("stty cols {wide} rows 40 && exec \"$@\""), "sh"]);
        let called = shop.command(&[&["query"], arguments].concat());
        command.arg(called.get_program()).args(called.get_args());
        for (name, value) in called.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.env("TERM", "xterm").env("HOME", shop.folder()).env("XDG_STATE_HOME", state(shop));
        let options = Options::new().timeout_ms(Some(PATIENCE_MS));
        Person { session: spawn_with_options(command, options).unwrap() }
    }

    /// What comes before a text that must come.
    #[track_caller]
    fn sees(&mut self, text: &str) -> String {
        self.session.exp_string(text).unwrap_or_else(|error| panic!("{text:?} does not come: {error}"))
    }

    #[track_caller]
    fn prompted(&mut self) -> String {
        self.sees(PROMPT)
    }

    fn types(&mut self, keys: &str) {
        self.session.send(keys).unwrap();
        self.session.flush().unwrap();
    }

    fn presses(&mut self, letter: char) {
        self.session.send_control(letter).unwrap();
    }

    /// Types a line, which is answered with these lines.
    #[track_caller]
    fn asks(&mut self, line: &str, answer: &[&str]) {
        self.types(&format!("{line}\n"));
        for part in answer {
            self.sees(part);
        }
        self.prompted();
    }

    /// Goes away with Ctrl-D.
    #[track_caller]
    fn leaves(mut self) {
        self.presses('d');
        self.session.exp_eof().unwrap();
        assert!(matches!(self.session.process().wait().unwrap(), WaitStatus::Exited(_, 0)));
    }
}

fn state(shop: &Shop) -> PathBuf {
    shop.folder().join("state")
}

fn history(shop: &Shop) -> PathBuf {
    state(shop).join("tillmart/query_history")
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn a_person_asks() {
    let shop = loaded();
    let mut person = Person::sits_down(&shop, &[], 100);

    // Names are completed; a statement is answered at its semicolon.
    person.types("SELECT store_id, \n");
    person.types("sum(units_sold) AS pieces\nFROM store_d\t");
    person.sees("store_day_data_mart");
    person.types("\nGROUP BY 1 ORDER BY 1;\n");
    person.sees(" store_id   pieces ");
    person.sees("\r\n        1        2 \r\n        2        3 \r\n(2 rows, ");
    person.prompted();

    person.asks("\\d", &["\r\n name ", " sales_data_mart ", " store_day_data_mart ", " customer ", " rows, "]);
    person.asks("\\d store", &["\r\n column ", "store_manager_name   text ", "(6 rows, "]);
    person.asks("\\?", &["\\format FORMAT  table, csv, json or jsonl\r\n", "Ctrl-C clears the line"]);

    // A mistake is told, and the next question is answered.
    person.asks(
        "SELECT * FROM stroe; SELECT 1;",
        &["error: there is no table `stroe`\r\n  --> query:1:15\r\n", "did you mean `store`?"],
    );
    person.asks("\\formt csv", &["error: that is no command", "did you mean \\format?"]);
    person.asks("\\limit 1", &["(at most 1 row of an answer)\r\n"]);
    person.asks("\\format csv", &["(answers as csv)\r\n"]);
    person.asks("SELECT id FROM store ORDER BY 1;", &["\r\nid\r\n1\r\n(the first 1 row; \\limit 0 shows all)\r\n"]);
    person.asks("\\limit 0", &["(all rows of an answer)"]);
    person.asks(
        "SELECT id FROM store ORDER BY 1; SELECT 'a;b' AS c;",
        &["\r\nid\r\n1\r\n2\r\n(2 rows, ", "\r\nc\r\na;b\r\n"],
    );

    // Ctrl-C clears what was typed.
    person.types("SELECT nonsense");
    person.sees("nonsense");
    person.presses('c');
    person.prompted();
    person.asks("SELECT 40 + 2 AS answer;", &["\r\nanswer\r\n42\r\n(1 row, "]);
    person.leaves();
}

#[test]
fn a_query_that_is_stopped_is_not_the_end() {
    let shop = loaded();
    let mut person = Person::sits_down(&shop, &["--csv", "--no-history"], 80);
    // The column goes out when the query has begun.
    let endless = "SELECT count(*) AS endless FROM generate_series(1, 1000000000000);\n";
    for _ in 0..2 {
        person.types(endless);
        person.sees("\r\nendless\r\n");
        person.presses('c');
        person.sees("\r\n(stopped)\r\n");
        person.prompted();
        // At the prompt it clears the line, before and after a query was stopped.
        person.types("SELECT nonsense");
        person.sees("nonsense");
        person.presses('c');
        person.prompted();
    }
    person.asks("\\limit 0", &["(all rows of an answer)"]);
    person.types("SELECT value AS number FROM generate_series(1, 1000000000000);\n");
    person.sees("\r\nnumber\r\n1\r\n2\r\n");
    person.presses('c');
    person.sees("\r\n(stopped)\r\n");
    person.prompted();
    person.asks("SELECT 40 + 2 AS answer;", &["\r\nanswer\r\n42\r\n(1 row, "]);
    // Pair by pair, and none of them is wanted: it gives way once in a long while only, and neither the prompt nor the end waits for it.
    person.types(
        "SELECT count(*) AS endless FROM generate_series(1, 3000000) AS a JOIN generate_series(1, 10000000) AS b
         ON a.value + b.value < 0;\n",
    );
    person.sees("\r\nendless\r\n");
    person.presses('c');
    person.sees("\r\n(stopped)\r\n");
    person.prompted();
    person.leaves();
}

#[test]
fn what_was_typed_comes_back_the_next_time() {
    let shop = loaded();
    let mut person = Person::sits_down(&shop, &[], 80);
    person.asks("SELECT 1 + 1\n  AS two;", &[" two ", "(1 row, "]);
    person.asks(" SELECT 'not to be kept';", &["(1 row, "]);
    person.asks("SELECT 3 AS three;", &["(1 row, "]);
    person.leaves();
    let kept = fs::read_to_string(history(&shop)).unwrap();
    assert_eq!(kept, "#V2\nSELECT 1 + 1\\n  AS two;\nSELECT 3 AS three;\n");
    assert_eq!((mode(&history(&shop)), mode(history(&shop).parent().unwrap())), (0o600, 0o700));

    // Two lines up, in another shell.
    let mut person = Person::sits_down(&shop, &[], 80);
    person.types("\x1b[A\x1b[A");
    person.sees("AS two;");
    person.asks("", &[" two ", "(1 row, "]);
    person.leaves();

    // Neither read nor written.
    let before = fs::read(history(&shop)).unwrap();
    let mut person = Person::sits_down(&shop, &["--no-history"], 80);
    person.types("\x1b[A");
    person.asks("SELECT 7 AS seven;", &[" seven ", "(1 row, "]);
    person.leaves();
    assert_eq!(fs::read(history(&shop)).unwrap(), before);
    fs::remove_dir_all(state(&shop)).unwrap();
    let mut person = Person::sits_down(&shop, &["--no-history"], 80);
    person.asks("SELECT 7 AS seven;", &["(1 row, "]);
    person.leaves();
    assert!(!state(&shop).exists());
}

#[test]
fn a_table_fits_the_terminal() {
    let shop = loaded();
    let mut person = Person::sits_down(&shop, &["--no-history"], 80);
    person.types("\\d\n");
    let tables = person.sees(" rows, ");
    assert!(tables.contains(" tillmart_state_sales_person_day_data_mart "), "{tables}");
    // rexpect takes bytes for letters: rules, which count thrice, are left out.
    let letters = tables.lines().filter(|line| line.is_ascii()).map(str::len).max();
    assert!(letters <= Some(80), "{tables}");
    person.prompted();
    // So many columns stand below each other.
    person.types("SELECT * FROM sales_data_mart ORDER BY source_line;\n");
    let row = person.sees(" row 2 ");
    let columns: Vec<Vec<&str>> = row.lines().map(|line| line.split_whitespace().collect()).collect();
    for column in [["customer_id", "1"], ["total_cost", "5.00"], ["sales_person_first_name", "Sam"]] {
        assert!(columns.iter().any(|words| *words == column), "{row}");
    }
    person.sees("(3 rows, ");
    person.prompted();
    person.leaves();
}

#[test]
fn what_cannot_be_read_does_not_keep_the_shell_from_opening() {
    let shop = loaded();
    let log = shop.storage("customer_data_mart/_delta_log/00000000000000000000.json");
    fs::write(log, "no log\n").unwrap();
    let marts = shop.folder().join("marts");
    fs::create_dir(&marts).unwrap();
    fs::write(marts.join("broken.sql"), "SELECT 1\n").unwrap();
    fs::write(
        marts.join("wrong.sql"),
        "-- mart: wrong\n-- about: Names a column that is not there.\n-- grain: one row per sale\n\
         SELECT store_idd FROM sales\n",
    )
    .unwrap();

    // Whoever asks once is refused: the answer could be another one than meant.
    let told = shop.tillmart(&["query", "SELECT id FROM store"]).ended(2);
    assert!(told.err.contains("broken.sql"), "{}", told.err);

    let mut person = Person::at(&shop, &["--csv", "--no-history"], 100);
    let told = person.sees("What is wrong is left out here.");
    assert!(told.contains("broken.sql") && told.contains("wrong.sql"), "{told}");
    person.prompted();
    person.asks("SELECT count(*) AS rows FROM customer_data_mart;", &["error: "]);
    person.asks("\\d customer_data_mart", &["total_cost"]);
    person.asks("SELECT count(*) AS sales FROM sales_data_mart;", &["\r\nsales\r\n3\r\n"]);
    person.types("SELECT count(*) AS sales FROM store_d\t;\n");
    person.sees("\r\nsales\r\n3\r\n");
    person.prompted();
    person.leaves();
}

/// Where nobody types there is no prompt, no history and nothing but the answer.
#[test]
fn without_a_terminal_there_is_no_shell() {
    let shop = loaded();
    let mut command = shop.command(&["query", "--csv"]);
    command.env("TERM", "xterm").env("XDG_STATE_HOME", state(&shop));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"SELECT id FROM store\nORDER BY id;\n").unwrap();
    let told = Told::of(child.wait_with_output().unwrap()).ended(0);
    assert_eq!((told.out.as_str(), told.err.as_str()), ("id\n1\n2\n", ""));

    // The same where only stdin is none.
    let sql = shop.folder().join("question.sql");
    fs::write(&sql, "SELECT id FROM store ORDER BY id;\n").unwrap();
    let called = shop.command(&["query", "--csv"]);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("exec \"$@\" < '{}'", sql.display()), "sh"]);
    command.arg(called.get_program()).args(called.get_args());
    command.env("TERM", "xterm").env("XDG_STATE_HOME", state(&shop));
    let mut session = spawn_with_options(command, Options::new().timeout_ms(Some(PATIENCE_MS))).unwrap();
    assert_eq!(session.exp_eof().unwrap(), "id\r\n1\r\n2\r\n");
    assert!(matches!(session.process().wait().unwrap(), WaitStatus::Exited(_, 0)));
    assert!(!state(&shop).exists());
}
