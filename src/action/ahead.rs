//! What is read of the cluster while the templates are being rendered: the objects that a release may have there.

use tokio::task::JoinHandle;

use super::deploy::{live_manifests, objects_of};
use super::interrupted::{Left, Past};
use super::{Error, Session};
use crate::cluster::{Lists, ObjectRef};
use crate::yaml::Value;

/// What is being read. It ends unread where nobody takes it.
pub(crate) struct Ahead(JoinHandle<Result<Prior, Error>>);

/// What the cluster may hold of a release.
pub(crate) struct Prior {
    /// The objects of the revisions since the last deployed, as recorded, newer ones first.
    pub objects: Vec<Value>,
    /// What of them was listed.
    pub lists: Lists,
}

impl Prior {
    /// Objects of which nothing was listed yet.
    pub(crate) fn new(objects: Vec<Value>) -> Prior {
        Prior {
            objects,
            lists: Lists::default(),
        }
    }
}

impl Session<'_> {
    /// Begins to read, on the thread of the connections; `None` where that is for nothing.
    pub(crate) fn read_ahead(&self, past: &Past) -> Option<Ahead> {
        let manifests = live_manifests(&past.history);
        // What is yet to be ended says otherwise afterwards.
        if self.options.client_only || manifests.is_empty() || matches!(past.left, Left::Ended(_)) {
            return None;
        }
        let manifests: Vec<String> = manifests.into_iter().map(str::to_owned).collect();
        let client = self.client.clone();
        let namespace = self.namespace.clone();
        Some(Ahead(tokio::spawn(async move {
            let objects = objects_of(manifests.iter().map(String::as_str), &namespace)?;
            let references: Result<Vec<ObjectRef>, _> = objects.iter().map(ObjectRef::of).collect();
            let references = references?;
            let lists = client.list_all(&references).await?;
            Ok(Prior { objects, lists })
        })))
    }
}

impl Ahead {
    /// What was read.
    ///
    /// # Errors
    /// Those of the records and of the requests.
    pub(crate) async fn take(self) -> Result<Prior, Error> {
        let Ahead(task) = self;
        task.await
            .unwrap_or_else(|e| Err(Error::Failed(format!("the reading ahead broke off: {e}"))))
    }
}
