//! A saved plan: what it does, as rendered, and what it is bound to; and doing exactly that.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::crds::CrdPlan;
use super::deploy::{Outcome, Proposal};
use super::journal::Operation;
use super::note::Origin;
use super::outline::{Aim, Outline};
use super::prepare::{Change, Planned};
use super::target::Target;
use super::uninstall::{Ending, Uninstalled};
use super::{Error, Options, Session};
use crate::cluster::{self, ObjectRef};
use crate::plan::Plan;
use crate::plan::bonds::{Bonds, JobBond, ObjectBond, moved};
use crate::plan::hidden::Hidden;
use crate::release::{Release, Stored, Time};
use crate::yaml::Value;

/// The form of plan files that this version writes.
const FORM: u32 = 1;

/// A plan that was saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SavedPlan {
    /// The form of the file.
    form: u32,
    /// When it was made, RFC 3339.
    pub made: String,
    /// The cluster that it is for.
    cluster: ClusterId,
    /// The release.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// The revision that it starts from.
    based_on: Option<BasedOn>,
    /// What it aims at.
    aim: Aim,
    /// The CRDs that the chart brings.
    crds: Vec<Value>,
    /// The user's labels of the record.
    labels: BTreeMap<String, String>,
    /// How.
    pub options: Options,
    /// The plan, as it was shown.
    pub plan: Plan,
    /// What it is bound to.
    bonds: Bonds,
}

/// Which cluster it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ClusterId {
    /// The API server's address.
    server: String,
    /// The uid of the namespace `kube-system`; `None` where it may not be read.
    uid: Option<String>,
}

/// A revision, and its record as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct BasedOn {
    revision: u32,
    status: String,
    /// The Secret's uid and resourceVersion: any rewriting counts.
    record: (String, String),
}

/// How a saved plan ended.
#[derive(Debug)]
pub enum Applied {
    /// It made a revision.
    Revision(Outcome),
    /// It ended the release.
    End(Uninstalled),
}

impl BasedOn {
    fn of(history: &[Stored]) -> Option<BasedOn> {
        history.last().map(|last| BasedOn {
            revision: last.release.version,
            status: last.release.info.status.to_string(),
            record: (last.uid.clone(), last.resource_version.clone()),
        })
    }

    fn words(this: Option<&BasedOn>) -> String {
        this.map_or_else(
            || "no revision".to_owned(),
            |b| format!("revision {} ({})", b.revision, b.status),
        )
    }
}

impl SavedPlan {
    /// The operation.
    pub fn operation(&self) -> &str {
        &self.plan.operation
    }

    /// Reads a plan file's text.
    ///
    /// # Errors
    /// [`Error::Invalid`] where it is none, or of another form.
    pub fn parse(text: &[u8]) -> Result<SavedPlan, Error> {
        #[derive(Deserialize)]
        struct Head {
            form: u32,
        }
        let invalid =
            |e: serde_json::Error| Error::Invalid(format!("it is no plan that nutkin saved: {e}"));
        let head: Head = serde_json::from_slice(text).map_err(invalid)?;
        if head.form != FORM {
            return Err(Error::Invalid(format!(
                "it has form {}, and this version of nutkin knows form {FORM}: make the plan again",
                head.form
            )));
        }
        serde_json::from_slice(text).map_err(invalid)
    }

    /// The text of the plan's file. It holds the manifest with all that is secret in it.
    ///
    /// # Errors
    /// Values that can't be written as JSON, which well-formed plans don't have.
    pub fn text(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec_pretty(self).map_err(|e| Error::Failed(e.to_string()))
    }
}

impl Session<'_> {
    /// Makes a plan that can be saved. One that is refused must not be: nothing could be done with it.
    pub async fn save(&self, outline: &Outline) -> Result<SavedPlan, Error> {
        let operation = outline.intent.operation();
        let bonds = self.bonds(&outline.planned, &outline.crds, operation);
        let labels = match &outline.intent.aim {
            Aim::Revision { record, .. } => record.labels.clone(),
            Aim::End { .. } => BTreeMap::new(),
        };
        Ok(SavedPlan {
            form: FORM,
            made: super::now(),
            cluster: self.cluster_id().await?,
            release: self.release.clone(),
            namespace: self.namespace.clone(),
            based_on: BasedOn::of(&outline.intent.past.history),
            aim: outline.intent.aim.clone(),
            crds: outline.intent.target.crds.clone(),
            labels,
            options: self.options.clone(),
            plan: outline.plan.clone(),
            bonds,
        })
    }

    /// Carries a saved plan out, exactly as it was planned.
    ///
    /// # Errors
    /// [`Error::StalePlan`] with what moved, before anything is done; else those of the operation.
    pub async fn apply_saved(&self, saved: SavedPlan) -> Result<Applied, Error> {
        let here = self.cluster_id().await?;
        let same = match (&here.uid, &saved.cluster.uid) {
            (Some(here), Some(there)) => here == there,
            _ => here.server == saved.cluster.server,
        };
        if !same {
            return Err(stale(vec![format!(
                "the plan is for the cluster {}, this is {}",
                saved.cluster.server, here.server
            )]));
        }
        let past = self.past().await?;
        let based_on = BasedOn::of(&past.history);
        if based_on != saved.based_on {
            let (then, now) = (
                BasedOn::words(saved.based_on.as_ref()),
                BasedOn::words(based_on.as_ref()),
            );
            return Err(stale(vec![if then == now {
                format!("the record of {now} was rewritten")
            } else {
                format!("the release was at {then}, now it is at {now}")
            }]));
        }
        match saved.aim {
            Aim::End { keep_history } => {
                let how = Ending {
                    keep_history,
                    ..Ending::default()
                };
                Ok(Applied::End(self.end(how, Some(&saved.bonds)).await?))
            }
            Aim::Revision {
                operation,
                record,
                always,
            } => {
                let mut record: Release = *record;
                record.labels = saved.labels;
                let now = Time::now();
                if operation == Operation::Install {
                    record.info.first_deployed = Some(now.clone());
                    self.ensure_namespace().await?;
                }
                record.info.last_deployed = Some(now);
                let mut target = Target::of_manifest(&record.manifest, &self.namespace)?;
                target.crds = saved.crds;
                target.crd_mode = self.options.crds;
                let proposal = Proposal {
                    operation,
                    target,
                    record,
                    always,
                    values: Vec::new(),
                    secrets: Vec::new(),
                    from: Origin {
                        plan: Some(digest(&saved.bonds)),
                        ..self.options.origin.clone()
                    },
                    approved: Some(saved.bonds),
                };
                Ok(Applied::Revision(
                    self.deploy(proposal, past, None, false).await?,
                ))
            }
        }
    }

    /// Plans a change; where a plan was approved, exactly that one, or says what moved.
    pub(crate) async fn plan_as_approved(
        &self,
        change: &Change,
        crds: &[CrdPlan],
        operation: Operation,
        approved: Option<&Bonds>,
    ) -> Result<Planned, Error> {
        let Some(approved) = approved else {
            return self.plan(change).await;
        };
        let mut planned = self.look_ahead(change).await?;
        let moved = moved(approved, &self.bonds(&planned, crds, operation));
        if !moved.is_empty() {
            return Err(stale(moved));
        }
        match planned.take_refusal() {
            Some(refusal) => Err(refusal),
            None => Ok(planned),
        }
    }

    /// What a plan is bound to.
    fn bonds(&self, planned: &Planned, crds: &[CrdPlan], operation: Operation) -> Bonds {
        let ends = operation == Operation::Uninstall;
        let hidden = Hidden::default();
        Bonds {
            objects: crds
                .iter()
                .filter(|c| c.changes())
                .map(|c| self.seen_crd(c))
                .chain(planned.objects.iter().map(|o| self.seen(o, None, ends)))
                .map(|seen| ObjectBond::of(&seen))
                .collect(),
            jobs: planned
                .jobs
                .iter()
                .map(|j| JobBond::from(&self.job_step(j, &planned.objects, &hidden)))
                .collect(),
        }
    }

    async fn cluster_id(&self) -> Result<ClusterId, Error> {
        let namespace = ObjectRef::new("v1", "Namespace", None, "kube-system");
        let uid = match self.client.get(&namespace).await {
            Ok(live) => cluster::uid(&live).map(str::to_owned),
            Err(cluster::Error::Forbidden { .. } | cluster::Error::NotFound { .. }) => None,
            Err(e) => return Err(e.into()),
        };
        Ok(ClusterId {
            server: self.client.server().to_owned(),
            uid,
        })
    }
}

fn stale(moved: Vec<String>) -> Error {
    Error::StalePlan { moved }
}

/// What tells saved plans apart, for the note of the revision that one made.
fn digest(bonds: &Bonds) -> String {
    let text = serde_json::to_vec(bonds).unwrap_or_default();
    let hex: String = Sha256::digest(text)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    format!("sha256:{hex}")
}
