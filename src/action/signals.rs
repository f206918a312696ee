//! SIGINT and SIGTERM: the first asks for an orderly end, the second ends at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use super::Error;

/// Between two looks for a signal.
const LOOK: Duration = Duration::from_millis(100);

const NONE: u8 = 0;
const INTERRUPT: u8 = 1;
const TERMINATE: u8 = 2;

/// Whether the user wants the operation to end; cheap to clone and to ask.
#[derive(Debug, Clone, Default)]
pub struct Signals(Arc<AtomicU8>);

impl Signals {
    /// Listens from now on. `second` runs on a second signal, with its exit code.
    ///
    /// Must be called on a runtime.
    pub fn listen(second: impl Fn(u8) + Send + 'static) -> std::io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        let signals = Signals::default();
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let state = signals.0.clone();
        tokio::spawn(async move {
            loop {
                let (which, code) = tokio::select! {
                    _ = interrupt.recv() => (INTERRUPT, 130),
                    _ = terminate.recv() => (TERMINATE, 143),
                };
                if state.swap(which, Ordering::SeqCst) != NONE {
                    second(code);
                }
            }
        });
        Ok(signals)
    }

    /// Whether a signal came.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst) != NONE
    }

    /// Waits for a signal, however long.
    pub async fn raised(&self) -> Error {
        loop {
            if let Err(error) = self.check() {
                return error;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// An error where a signal came; asked between steps as long as nothing is half done.
    pub fn check(&self) -> Result<(), Error> {
        match self.0.load(Ordering::SeqCst) {
            NONE => Ok(()),
            TERMINATE => Err(Error::Terminated),
            _ => Err(Error::Interrupted),
        }
    }
}
