//! What is told when the program breaks: where, and never over what.

use std::backtrace::Backtrace;
use std::io::Write as _;
use std::panic::set_hook;

/// What a panic says may quote a text it stumbled over, and texts are about patients: the log gets the place and the way there
/// only, and so does the terminal. Every program of ours begins with this.
pub fn keep_to_the_place() {
    set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
        if tracing::enabled!(tracing::Level::ERROR) {
            let trace = Backtrace::force_capture();
            tracing::error!(%place, %thread, %trace, "the program broke here");
        } else {
            // There is no log. Nobody is left to be told when the terminal is gone.
            let _ = writeln!(std::io::stderr(), "the program broke at {place}, in the thread {thread}");
        }
    }));
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::panic::{catch_unwind, take_hook};
    use std::sync::{Arc, Mutex, PoisonError};

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(text);
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_log_has_the_place_of_a_panic_and_not_its_words() {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        let name = String::from("dona Maria da Conceição");
        tracing::subscriber::with_default(subscriber, || {
            keep_to_the_place();
            let broken = catch_unwind(|| assert_eq!(name, "", "{name} has no room"));
            // Other tests tell what they stumble over.
            drop(take_hook());
            assert!(broken.is_err());
        });
        let told = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(told.contains("panics.rs:") && told.contains("the program broke here"), "{told}");
        assert!(!told.contains("Maria") && !told.contains("no room"), "{told}");
    }
}
