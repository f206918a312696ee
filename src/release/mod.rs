//! Releases: Helm's record and its Secret, the history, the lock, and our own records beside them.

mod codec;
mod delete;
mod history;
mod holder;
mod list;
pub mod lock;
mod name;
pub mod own;
mod packed;
mod parts;
mod record;
mod store;

pub use codec::{CodecError, MAX_JSON, decode, encode};
pub use history::{settled, to_prune};
pub use list::{Listing, Summary, list, list_superseded};
pub use lock::{Lock, LockError};
pub use name::{MAX_NAME, NameError, validate_name};
pub use own::{Document, Own, OwnError};
pub use packed::Packed;
pub use record::{
    CLIENT_SIDE, Chart, File, Hook, HookRun, Info, Release, SERVER_SIDE, Status, Time,
};
pub use store::{MAX_DATA, Present, Revision, Store, StoreError, Stored, secret_name};

#[cfg(test)]
mod tests;
