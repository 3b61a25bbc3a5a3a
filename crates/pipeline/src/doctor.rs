//! Doctor: every thing that a run needs, looked at one by one.

use crate::marts::{Marts, SALES_MART};
use crate::shop::{Pipeline, refuse_empty};
use serde::Serialize;
use tillmart_database::StateTable;
use tillmart_engine::DimensionTables;
use tillmart_engine::mart::Rollup;
use tillmart_model::{Fault, Result};

/// One thing looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub about: String,
    /// How it is, or what is wrong with it.
    pub told: String,
    /// Whether a run can go on with it.
    pub good: bool,
}

impl Pipeline {
    /// Looks at database, storage areas, dimensions, marts, tables and the ledger. Writes a small object into each area and deletes it.
    pub async fn doctor(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let migrated = self.seams.schema.check().await;
        let is_migrated = migrated.is_ok();
        findings.push(finding("database", migrated.map(|()| "reachable, every migration applied".to_owned())));
        match self.seams.store.reachable().await {
            Ok(()) => {
                let options = &self.options;
                let areas = [&options.incoming, &options.processed, &options.error, &options.manifests];
                for area in areas.into_iter().map(String::as_str).chain([SALES_MART]) {
                    findings.push(self.try_area(area).await);
                }
            }
            // Every area would say the same.
            Err(fault) => findings.push(finding("storage", Err(fault))),
        }
        if !is_migrated {
            return findings;
        }
        let dimensions = match self.read_dimensions().await {
            Ok(dimensions) => dimensions,
            Err(fault) => {
                findings.push(finding("dimensions", Err(fault)));
                return findings;
            }
        };
        let counts: Vec<String> =
            dimensions.tables().map(|(name, rows)| format!("{name} {}", rows.num_rows())).collect();
        findings.push(finding("dimensions", refuse_empty(&dimensions).map(|()| counts.join(", "))));
        findings.push(self.try_managers(&dimensions));
        match self.prepare().await {
            Ok(prepared) => {
                let names: Vec<String> = prepared
                    .marts
                    .rows
                    .iter()
                    .map(|mart| mart.name.clone())
                    .chain(prepared.marts.rollups.iter().map(|rollup| rollup.name.clone()))
                    .collect();
                findings.push(finding("marts", Ok(names.join(", "))));
                let tables = self.check_tables(&prepared.marts).await;
                findings.push(finding("tables", tables.map(|()| "as their marts declare them".to_owned())));
            }
            Err(fault) => findings.push(finding("marts", Err(fault))),
        }
        let unfinished = self.seams.ledger.unfinished(&self.options.feed).await;
        findings.push(finding(
            "ledger",
            unfinished.map(|batch| match batch {
                Some(batch) => format!("batch {} is {}: the next run finishes it", batch.id, batch.state.word()),
                None => "no unfinished batch".to_owned(),
            }),
        ));
        findings
    }

    /// Tables that are there are what their marts declare; the others are made by the next run.
    async fn check_tables(&self, marts: &Marts) -> Result<()> {
        for spec in marts.table_specs() {
            if self.lake.snapshot(&spec.name, None).await?.is_some() {
                self.lake.ensure(&spec).await?;
            }
        }
        self.check_published(marts).await
    }

    /// Holds the marts' tables that are in the database against their marts; the others are made by the next run.
    ///
    /// # Errors
    /// A mart that cannot be planned; a table with other columns or without its key, with the statement that mends it.
    pub async fn check_marts(&self) -> Result<()> {
        self.check_published(&self.prepare().await?.marts).await
    }

    async fn check_published(&self, marts: &Marts) -> Result<()> {
        let made = self.seams.schema.tables().await?;
        let has_landed = self.has_landed().await?;
        // The state of a mart that was added since is made by the batch that fills it, and by nobody else.
        let is_ours = |rollup: &&Rollup| {
            made.contains(&rollup.name) && (!has_landed || made.contains(&StateTable::name_of(&rollup.of)))
        };
        for rollup in marts.rollups.iter().filter(is_ours) {
            let (state, target) = Marts::database_tables(rollup);
            self.seams.publisher.prepare(&state, &target).await?;
        }
        Ok(())
    }

    /// Who is above whom in the sales team. A circle stops a run only where the incentive plan pays managers.
    fn try_managers(&self, dimensions: &DimensionTables) -> Finding {
        let plan = &self.options.incentive;
        match crate::payments::managers(dimensions) {
            Ok(_) => finding("incentives", Ok(plan.to_string())),
            Err(fault) if plan.overrides.is_empty() => {
                let circles = fault.found.unwrap_or_default();
                finding("incentives", Ok(format!("{plan}; overrides could not be paid: in a circle are {circles}")))
            }
            Err(fault) => finding("incentives", Err(fault)),
        }
    }

    /// Each permission that a run needs in an area, the missing ones by name. Leaves nothing there.
    async fn try_area(&self, area: &str) -> Finding {
        let (mut works, mut missing) = (Vec::new(), Vec::new());
        for (permission, result) in self.seams.store.probe(area).await {
            match result {
                Ok(()) => works.push(permission.word()),
                Err(mut fault) => {
                    fault.what = format!("cannot {}: {}", permission.word(), fault.what);
                    missing.push(fault);
                }
            }
        }
        let told = Fault::join(missing).map_or_else(|| Ok(format!("{} work", works.join(", "))), Err);
        finding(&format!("area {area}"), told)
    }
}

fn finding(about: &str, told: std::result::Result<String, Fault>) -> Finding {
    match told {
        Ok(told) => Finding { about: about.to_owned(), told, good: true },
        Err(fault) => Finding { about: about.to_owned(), told: fault.to_string(), good: false },
    }
}
