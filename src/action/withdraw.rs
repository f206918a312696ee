//! Taking back a first install that failed, as `--rollback-on-failure` asks: Helm uninstalls it.

use super::note::RevisionNote;
use super::{Error, Session};

impl Session<'_> {
    /// Uninstalls what a failed install made. Why it failed is kept: its pods are gone.
    ///
    /// Always an error: the one that made it fail comes first.
    pub(crate) async fn withdraw(&self, error: &Error, note: &RevisionNote) -> Error {
        self.warn(error.to_string());
        self.step("uninstalling what the failed install made");
        let ended = async {
            self.end_journal().await?;
            self.uninstall(false, false).await?;
            self.save_note(note).await
        };
        match ended.await {
            Ok(()) => Error::Withdrawn {
                why: error.to_string(),
            },
            Err(back) => Error::NotGoneBack {
                why: error.to_string(),
                back: back.to_string(),
                hints: vec![format!(
                    "nutkin uninstall {} -n {} takes away what is left",
                    self.release, self.namespace
                )],
            },
        }
    }
}
