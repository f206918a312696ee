//! Taking back a first install that failed, as `--rollback-on-failure` asks: Helm uninstalls it.

use super::note::RevisionNote;
use super::uninstall::Ending;
use super::{Error, Session};

impl Session<'_> {
    /// Uninstalls what a failed install made, from its journal on: a job that it started and that came
    /// to a state of its own leaves it in the ledger, as with any uninstall. Why it failed is kept: its
    /// pods are gone.
    ///
    /// Always an error: the one that made it fail comes first.
    pub(crate) async fn withdraw(&self, error: &Error, note: &RevisionNote) -> Error {
        self.warn(error.to_string());
        self.step("uninstalling what the failed install made");
        let ended = async {
            let how = Ending {
                going_back: true,
                ..Ending::default()
            };
            self.end(how, None).await?;
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
