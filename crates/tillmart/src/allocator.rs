//! Where memory comes from, and when it goes back.

use std::ffi::{c_int, c_long};

/// Gives memory back to the system when a step is over, which the C library's allocator does not: the peak of a run is
/// that of its largest step (figures in BENCHMARKS.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc 3: its place among the options in `mimalloc.h`.
const PURGE_DELAY: c_int = 15;

/// How long freed memory is kept for whoever asks next. The allocator's own second lets each stage of a landing keep what it once
/// needed; a twentieth of it costs about as many page faults as reading the dimensions (figures in BENCHMARKS.md).
const KEPT_MILLISECONDS: c_long = 50;

/// The variable by which a person can set the delay.
const VARIABLE: &str = "MIMALLOC_PURGE_DELAY";

/// Makes the allocator give back freed memory after a short while. To be called before there are other threads.
pub(crate) fn give_back_early() {
    if std::env::var_os(VARIABLE).is_some() {
        return;
    }
    #[allow(unsafe_code, reason = "a number is stored; options may be set as long as there is no other thread")]
    unsafe {
        libmimalloc_sys::mi_option_set(PURGE_DELAY, KEPT_MILLISECONDS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_is_the_one_that_is_meant() {
        // The default of the delay is a second; its neighbours' are 0 and 1.
        #[allow(unsafe_code, reason = "a number is read")]
        let before = unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        if std::env::var_os(VARIABLE).is_none() {
            assert!(before == 1_000 || before == KEPT_MILLISECONDS, "found {before}");
        }
    }
}
