//! Coupons over the whole real sales: planned, issued twice and by two at once, redeemed by two tills at once.

use crate::Outcome;
use crate::project::{ALL_DONE, Project, REJECTED};
use crate::real_sales::Bench;
use std::fs;

/// How many coupons are redeemed by two tills at the same moment: the conformance cases of the database do it a hundred times.
const REDEMPTIONS: usize = 20;

/// The four rules whose customers `real_sales_check.py` counts from the files.
const RULES: &str = "
[coupons.rules.big_spenders]
who = \"spend\"
spend_from = \"1000.00\"
percent = \"10 %\"
max_discount = \"20.00\"
min_basket = \"50.00\"
valid_days = 30
budget = \"2000.00\"
hold_out = \"10 %\"
[coupons.rules.less]
who = \"drop\"
drop = \"30 %\"
amount = \"5.00\"
valid_days = 30
[coupons.rules.welcome]
who = \"first_purchase\"
amount = \"5.00\"
valid_days = 45
budget_coupons = 100
[coupons.rules.come_back]
who = \"lapsed\"
days = 90
days_to = 365
amount = \"7.50\"
min_basket = \"30.00\"
valid_days = 45
hold_out = \"20 %\"
";

impl Bench {
    /// Issue 5, point 2.
    pub(crate) fn coupons(&self, project: &Project) -> Outcome {
        let file = project.folder.join("tillmart.toml");
        let text = fs::read_to_string(&file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        let secret = "[coupons]\nsecret = \"the secret of a test of real sales\"\n";
        let text = text.replacen("[coupons]\n", secret, 1) + RULES;
        fs::write(&file, text).map_err(|error| format!("cannot write {}: {error}", file.display()))?;

        let plan = project.folder.join("plan.json");
        let told = project.call(&["coupons", "plan", "--month", "2011-11", "--json", "--limit", "0"], ALL_DONE)?;
        fs::write(&plan, told).map_err(|error| format!("cannot write {}: {error}", plan.display()))?;
        self.judge("coupons", &[&plan, &self.prepared])?;

        let list = ["coupons", "list", "--month", "2011-11", "--json", "--limit", "0"];
        let issue = ["coupons", "issue", "--month", "2011-11"];
        project.call(&issue, ALL_DONE)?;
        let first = project.call(&list, ALL_DONE)?;
        let again = project.call(&issue, ALL_DONE)?;
        if !again.contains("Nothing new was issued for 2011-11.") || project.call(&list, ALL_DONE)? != first {
            return Err(format!("a second issue changed something:\n{again}"));
        }
        let other = ["coupons", "issue", "--month", "2011-10"];
        let told = project.call_at_once(&[&other, &other])?;
        let nothing = told.iter().filter(|(_, told)| told.contains("Nothing new was issued for 2011-10.")).count();
        if nothing != 1 || told.iter().any(|(code, _)| *code != ALL_DONE) {
            return Err(format!("of two issues at once one must issue and the other find it done:\n{told:?}"));
        }
        println!("  four rules as counted from the files; a second issue and one at the same moment gave nothing new");

        let codes: Vec<&str> =
            first.lines().filter_map(|line| line.trim().strip_prefix("\"code\": \"")?.strip_suffix("\",")).collect();
        for code in codes.iter().take(REDEMPTIONS) {
            let till = |name: &'static str| ["coupons", "redeem", code, "--basket", "100.00", "--reference", name];
            let told = project.call_at_once(&[&till("till 1"), &till("till 2")])?;
            let mut ends: Vec<i32> = told.iter().map(|(code, _)| *code).collect();
            ends.sort_unstable();
            if ends != [ALL_DONE, REJECTED] {
                return Err(format!("of two tills one must redeem {code}:\n{told:?}"));
            }
        }
        println!("  {} coupons, each redeemed by one of two tills", codes.len().min(REDEMPTIONS));
        Ok(())
    }
}
