//! What a fault of Tillmart's own looks like: a sentence with its place, and no value.

use super::known;
use std::any::Any;
use std::io::Write;

/// Takes the place of the standard hook, which would print whatever value the message holds.
///
/// The message is printed where it is a text of the source code. A composed one holds values: it is left out, unless
/// `RUST_BACKTRACE` asks for it, and then it is scrubbed of every known secret.
pub(crate) fn install() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "a place unknown".to_owned(), ToString::to_string);
        let asked = std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0");
        let text = tell(&place, panic.payload(), asked);
        // Not by eprintln!, which panics when stderr is closed.
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }));
}

fn tell(place: &str, payload: &dyn Any, asked: bool) -> String {
    let mut text = format!("error: Tillmart panicked at {place}: this is its own fault, not that of your data");
    if let Some(message) = payload.downcast_ref::<&'static str>() {
        text.push_str(&format!("\n   |  {}", known::scrub(message)));
    } else if let Some(message) = payload.downcast_ref::<String>().filter(|_| asked) {
        text.push_str(&format!("\n   |  {}", known::scrub(message)));
    }
    text.push_str("\nhint: report that place and the version; the next run finishes what this one left behind");
    text
}

#[cfg(test)]
mod tests {
    use super::tell;

    #[test]
    fn a_panic_shows_its_place_and_no_value() {
        let composed: String = "composed of hunter2".to_owned();
        assert!(tell("a.rs:1:2", &composed, false).contains("panicked at a.rs:1:2"));
        assert!(!tell("a.rs:1:2", &composed, false).contains("hunter2"));
        assert!(tell("a.rs:1:2", &"a fixed text", false).contains("a fixed text"));
        assert!(tell("a.rs:1:2", &composed, true).contains("composed of"));
    }
}
