//! The statements of `sql/ledger/mysql`, by name.

macro_rules! sql {
    ($($name:ident: $file:literal,)+) => {
        $(pub(super) const $name: &str = include_str!(concat!("../../../../sql/ledger/mysql/", $file, ".sql"));)+
    };
}

sql! {
    MIGRATION_TABLE: "migration_table",
    TABLES: "tables",
    COLUMNS: "columns",
    UNIQUE_KEYS: "unique_keys",
    ENGINES: "engines",
    OTHER_ENGINE: "other_engine",
    LEASE_SEEN: "lease_seen",
    LEASE_PUT: "lease_put",
    BATCH_CLAIM: "batch_claim",
    BATCH_MOVE: "batch_move",
    BATCH_LAST_PUBLISHED: "batch_last_published",
    MART_STANDS: "mart_stands",
    MARTS_STANDING: "marts_standing",
    FILE_CLAIM: "file_claim",
    FILE_COLUMNS: "file_columns",
    FILE_LANDED: "file_landed",
    FILE_ARCHIVED: "file_archived",
    FILE_REPLAYED: "file_replayed",
    FILES_KEPT_IN_PLACE: "files_kept_in_place",
    COUPON_ISSUES: "coupon_issues",
    COUPON_ISSUE_PUT: "coupon_issue_put",
    COUPON_MONTH_LOCK: "coupon_month_lock",
    COUPON_BY_CODE: "coupon_by_code",
    COUPON_PAGE: "coupon_page",
    COUPON_REDEEM: "coupon_redeem",
    REPORT_CUSTOMERS: "report_customers",
    REPORT_CUSTOMERS_LAPSED: "report_customers_lapsed",
    REPORT_MONTHS: "report_months",
    REPORT_MONTHS_LOCKED: "report_months_locked",
    REPORT_MONTH_PUT: "report_month_put",
}
