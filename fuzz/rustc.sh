#!/bin/sh
# The compiler, as cargo calls it (RUSTC_WRAPPER). In the crates that are fuzzed it counts every edge between pieces of
# code, and shows the fuzzer what is compared with what; all others stay fast. The flags are stable ones.
rustc=$1
shift
case " $* " in
*" --crate-name tillmart_feed "* | *" --crate-name tillmart_model "*)
    set -- "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
        -Cllvm-args=-sanitizer-coverage-trace-compares
    ;;
esac
exec "$rustc" "$@"
