//! The promises of the database's traits, as code: every implementation passes the same cases by name.
//!
//! A case takes a [`Setting`], which opens the same database as often as it is asked. To add an implementation, write
//! its setting and one line of `conformance!` at the end of this file. To add a promise, add a case here first.

mod coupons;
mod dimensions;
mod ledger;
mod mariadb;
mod mariadb_faults;
mod order;
mod publishing;
mod ranges;
mod reports;
mod row_scopes;
mod scene;
mod schema;
mod scopes;
mod spend;
mod sqlite;
mod standing;

use std::sync::Arc;
use tillmart_database::{Coupons, Dimensions, Ledger, Publisher, Reports, Schema};

/// All roles at once.
trait Database: Ledger + Dimensions + Publisher + Schema + Coupons + Reports {}
impl<T: Ledger + Dimensions + Publisher + Schema + Coupons + Reports> Database for T {}

/// One empty database of its own, gone when this is dropped.
#[async_trait::async_trait]
trait Setting: Send + Sync {
    /// Opens it, as a process that starts would: nothing is shared with an earlier opening but what was committed.
    async fn open(&self) -> Arc<dyn Database>;
}

macro_rules! conformance {
    ($implementation:ident, $fresh:expr) => {
        mod $implementation {
            conformance!(@cases $fresh, ledger:
                one_of_two_gets_the_lease,
                a_lease_that_ran_out_is_taken_over,
                a_lease_whose_holder_is_gone_is_taken_over,
                a_renewed_lease_lasts,
                a_released_lease_is_free_and_its_token_never_repeats,
                the_holder_is_told_while_it_holds,
                every_write_of_a_stale_lease_is_refused,
                a_batch_lives_from_claim_to_finish,
                repeating_the_last_write_changes_nothing,
                repeating_with_other_arguments_is_refused,
                illegal_moves_are_refused,
                every_kind_of_batch_is_kept,
                one_batch_at_a_time,
                the_check_decides_of_every_file_once,
                digest_path_and_size_are_found,
                the_same_bytes_land_once,
                kept_files_are_told,
                files_are_filtered_newest_first,
                files_are_found_by_claim_date_and_by_id,
                feeds_do_not_see_each_other,
                outcomes_and_money_come_back_as_written,
            );
            conformance!(@cases $fresh, publishing:
                state_is_merged_and_taken_back_to_nothing,
                a_sum_of_zero_stays_while_rows_are_landed,
                taking_back_more_than_was_merged_is_refused,
                an_overflow_is_refused_and_leaves_nothing,
                a_sum_beyond_its_decimal_is_refused,
                a_dropped_publication_leaves_no_trace,
                a_batch_is_published_once,
                a_stale_lease_cannot_publish,
                a_renewal_during_a_publication_is_carried,
                replace_changes_only_what_differs,
                replace_refuses_rows_outside_the_scope,
                replace_refuses_two_rows_of_a_key,
                touched_tells_whole_scopes_only,
                a_mart_without_scope_is_one_scope,
                replays_and_revokes_are_counted,
                another_table_of_the_same_name_is_refused,
                null_keys_and_other_columns_are_refused,
                random_merges_equal_a_recount,
                text_of_any_layout_is_taken,
                texts_are_keys_byte_by_byte,
                many_scopes_are_touched_at_once,
            );
            conformance!(@cases $fresh, order:
                another_order_of_the_key_keeps_all_rows,
            );
            conformance!(@cases $fresh, row_scopes:
                random_publications_equal_a_recount,
                the_month_may_lead,
                a_scope_may_have_another_order_than_the_key,
            );
            conformance!(@cases $fresh, ranges:
                days_and_months_are_read_by_range,
                a_range_that_a_table_cannot_have_is_refused,
            );
            conformance!(@cases $fresh, reports:
                customers_are_told_by_tier_and_whether_they_came_back,
                an_index_is_made_once,
                figures_are_kept_when_they_change,
                one_of_two_reports_keeps_figures,
                a_report_that_was_overtaken_is_judged_anew,
            );
            conformance!(@cases $fresh, scopes:
                no_scope_is_taken_for_syntax,
                two_tables_share_a_state,
            );
            conformance!(@cases $fresh, standing:
                a_mart_is_cleared_and_filled_anew,
                where_marts_stand_is_kept_with_the_publication,
            );
            conformance!(@cases $fresh, schema:
                nothing_works_before_migrate_and_says_so,
                migrate_is_idempotent_and_checked,
                two_may_migrate_at_once,
                tables_are_told_and_read,
            );
            conformance!(@cases $fresh, coupons:
                what_was_issued_comes_back_as_written,
                a_second_issue_gives_nothing_new,
                a_refused_issue_leaves_nothing,
                one_of_two_issues_is_done,
                a_code_that_is_taken_gives_way_to_the_next_counter,
                a_redemption_is_kept_and_its_reference_repeats_it,
                what_is_refused_is_not_redeemed,
                one_of_two_tills_redeems,
            );
            conformance!(@cases $fresh, dimensions:
                a_file_is_loaded_and_read_back_exactly,
                an_upsert_counts_and_leaves_absent_columns,
                rows_are_put_and_absent_columns_stay,
                a_file_read_as_rows_has_the_same_faults,
                all_faults_are_told_with_their_place,
                header_faults_are_told,
                a_double_key_names_both_lines,
                nothing_is_loaded_from_a_faulty_file,
                personal_values_are_not_shown,
                at_most_twenty_faults,
                quoting_and_line_ends,
                an_unclosed_quote_is_a_fault,
                an_empty_table_reads_as_no_row,
                long_files_are_told_of_by_line,
            );
        }
    };
    (@cases $fresh:expr, $module:ident: $($case:ident,)+) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::$module::$case(&$fresh).await;
                }
            )+
        }
    };
}

conformance!(on_sqlite, crate::sqlite::Fresh::new());
conformance!(on_mariadb, crate::mariadb::Fresh::new());
