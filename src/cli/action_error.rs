//! How the failures of operations look to the user: their kind and what to try.

use super::error::{CommandError, Kind};
use crate::action::Error;
use crate::flink;

impl From<Error> for CommandError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        let (kind, hints) = match error {
            Error::Cluster(e) => return e.into(),
            Error::Release(e) => return e.into(),
            Error::Own(e) => return e.into(),
            Error::Lock(e) => return e.into(),
            Error::Several { first, .. } => {
                return CommandError {
                    message: text,
                    ..CommandError::from(*first)
                };
            }
            Error::Flink(flink::rest::Error::Unreachable { .. }) => (
                Kind::Unreachable,
                vec!["--flink-rest URL, where REST is not reached through the API server".into()],
            ),
            Error::Flink(_) | Error::Failed(_) => (Kind::Failed, Vec::new()),
            Error::NotReady(_) => (
                Kind::Failed,
                vec!["nutkin status RELEASE --why shows what was not ready, with its logs and events".into()],
            ),
            Error::StateAtRisk { hints, .. } => (Kind::StateAtRisk, hints),
            Error::NoSavepoint { hints, .. } => (Kind::SavepointFailed, hints),
            Error::SavepointPending { .. } => {
                (Kind::SavepointFailed, vec!["run the command again".into()])
            }
            Error::Invalid(_) => (Kind::Invalid, Vec::new()),
            Error::NotFound(_) => (Kind::NotFound, Vec::new()),
            Error::Taken { hints, .. } => (Kind::Taken, hints),
            Error::StalePlan { .. } => (
                Kind::StalePlan,
                vec!["nutkin plan … --out FILE makes a new plan, to be looked at again".into()],
            ),
            Error::Locked { hints, .. } => (Kind::Locked, hints),
            Error::GoneBack { .. } | Error::Withdrawn { .. } => (
                Kind::GoneBack,
                vec!["nutkin status RELEASE --why shows what failed, with its logs and events".into()],
            ),
            Error::NotGoneBack { hints, .. } => (Kind::NotGoneBack, hints),
            Error::NotStable { .. } => (
                Kind::NotStable,
                vec![
                    "nutkin rollback goes back to the revision before, with the newest state"
                        .into(),
                ],
            ),
            Error::Interrupted => (Kind::Interrupted, Vec::new()),
            Error::Terminated => (Kind::Terminated, Vec::new()),
        };
        CommandError {
            kind,
            message: text,
            hints,
        }
    }
}
