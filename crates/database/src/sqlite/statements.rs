//! The statements of `sql/ledger/sqlite`, by name.

pub(super) const MIGRATION_TABLE: &str = include_str!("../../../../sql/ledger/sqlite/migration_table.sql");
pub(super) const TABLES: &str = include_str!("../../../../sql/ledger/sqlite/tables.sql");
pub(super) const TIES: &str = include_str!("../../../../sql/ledger/sqlite/ties.sql");
pub(super) const REFERRING: &str = include_str!("../../../../sql/ledger/sqlite/referring.sql");
pub(super) const MADE_FOR: &str = include_str!("../../../../sql/ledger/sqlite/made_for.sql");
pub(super) const COLUMNS: &str = include_str!("../../../../sql/ledger/sqlite/columns.sql");

pub(super) const LEASE_TAKE: &str = include_str!("../../../../sql/ledger/sqlite/lease_take.sql");

pub(super) const BATCH_CLAIM: &str = include_str!("../../../../sql/ledger/sqlite/batch_claim.sql");
pub(super) const BATCH_MOVE: &str = include_str!("../../../../sql/ledger/sqlite/batch_move.sql");
pub(super) const BATCH_LAST_PUBLISHED: &str = include_str!("../../../../sql/ledger/sqlite/batch_last_published.sql");

pub(super) const MART_STANDS: &str = include_str!("../../../../sql/ledger/sqlite/mart_stands.sql");
pub(super) const MARTS_STANDING: &str = include_str!("../../../../sql/ledger/sqlite/marts_standing.sql");

pub(super) const FILE_CLAIM: &str = include_str!("../../../../sql/ledger/sqlite/file_claim.sql");
pub(super) const FILE_LANDED: &str = include_str!("../../../../sql/ledger/sqlite/file_landed.sql");
pub(super) const FILE_ARCHIVED: &str = include_str!("../../../../sql/ledger/sqlite/file_archived.sql");
pub(super) const FILE_REPLAYED: &str = include_str!("../../../../sql/ledger/sqlite/file_replayed.sql");
pub(super) const FILES: &str = include_str!("../../../../sql/ledger/sqlite/files.sql");
pub(super) const FILES_CLAIMED: &str = include_str!("../../../../sql/ledger/sqlite/files_claimed.sql");
pub(super) const FILES_OF_IDS: &str = include_str!("../../../../sql/ledger/sqlite/files_of_ids.sql");
pub(super) const FILE_LANDED_WITH_PATH: &str = include_str!("../../../../sql/ledger/sqlite/file_landed_with_path.sql");
pub(super) const FILE_LANDED_SIZES: &str = include_str!("../../../../sql/ledger/sqlite/file_landed_sizes.sql");
pub(super) const FILES_KEPT_IN_PLACE: &str = include_str!("../../../../sql/ledger/sqlite/files_kept_in_place.sql");

pub(super) const COUPON_ISSUES: &str = include_str!("../../../../sql/ledger/sqlite/coupon_issues.sql");
pub(super) const COUPON_ISSUE_PUT: &str = include_str!("../../../../sql/ledger/sqlite/coupon_issue_put.sql");
pub(super) const COUPON_PUT: &str = include_str!("../../../../sql/ledger/sqlite/coupon_put.sql");
pub(super) const COUPON_BY_CODE: &str = include_str!("../../../../sql/ledger/sqlite/coupon_by_code.sql");
pub(super) const COUPON_PAGE: &str = include_str!("../../../../sql/ledger/sqlite/coupon_page.sql");
pub(super) const COUPON_REDEEM: &str = include_str!("../../../../sql/ledger/sqlite/coupon_redeem.sql");
pub(super) const REPORT_CUSTOMERS: &str = include_str!("../../../../sql/ledger/sqlite/report_customers.sql");
pub(super) const REPORT_CUSTOMERS_LAPSED: &str =
    include_str!("../../../../sql/ledger/sqlite/report_customers_lapsed.sql");
pub(super) const REPORT_MONTHS: &str = include_str!("../../../../sql/ledger/sqlite/report_months.sql");
pub(super) const REPORT_MONTH_PUT: &str = include_str!("../../../../sql/ledger/sqlite/report_month_put.sql");
