//! What every object store must keep, as code: the same cases over a folder and over a real RadosGW, each named for its backend.
//!
//! A server that cannot be started fails the cases with a sentence that says what to install.

mod cases;
mod committing;
mod moving;
mod refusals;
mod scene;
#[cfg(unix)]
mod second_names;

/// Every case, over each backend.
macro_rules! over_every_backend {
    ($($module:ident::$case:ident),* $(,)?) => {
        mod folder {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::$module::$case(crate::scene::Scene::folder()).await;
                }
            )*
        }

        mod radosgw {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::$module::$case(crate::scene::Scene::radosgw()).await;
                }
            )*
        }
    };
}

over_every_backend!(
    cases::a_listing_has_every_page,
    cases::odd_names_go_through_every_step,
    cases::names_that_no_path_can_hold_are_told,
    cases::an_area_that_was_never_made_is_empty,
    cases::ranges_and_digests_are_those_of_the_bytes,
    cases::a_read_is_pinned_to_its_version,
    cases::a_file_overwritten_while_it_is_read_is_told,
    cases::of_eight_creators_one_wins,
    cases::a_large_object_is_put_whole,
    cases::an_upload_that_is_not_finished_leaves_nothing,
    cases::what_is_written_is_replaced_in_one_step,
    cases::an_object_put_in_many_pieces_is_all_of_them_in_order,
    moving::a_copy_is_whole_and_can_be_repeated,
    moving::a_large_object_is_copied_in_pieces,
    moving::a_broken_copy_is_made_anew,
    moving::a_changed_source_is_not_copied_and_leaves_nothing,
    moving::an_empty_file_is_copied_too,
    moving::a_move_interrupted_anywhere_is_finished,
    moving::deleting_a_version_leaves_new_bytes_alone,
    committing::a_table_is_made_committed_and_read,
    committing::four_committers_enter_each_batch_once,
    cases::every_permission_is_probed_and_nothing_stays,
);
