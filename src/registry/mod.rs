//! Chart repositories and OCI registries: where charts come from and go to. With `cluster` and `flink` the
//! only module that touches the network.

mod cache;
pub mod credentials;
pub mod dependency;
mod error;
mod files;
mod http;
mod index;
pub mod oci;
mod places;
mod repositories;
mod repository;
pub mod resolve;
pub mod search;
mod wanted;

pub use cache::Content;
pub use error::Error;
pub use http::{Access, Report, TIMEOUT};
pub use index::{
    ChartVersion, Index, IndexFile, MAX_CHARTS, MAX_INDEX, MAX_VERSIONS, index_folder,
};
pub use places::Places;
pub use repositories::{Repositories, Repository, same_url};
pub use repository::{Server, chart_address, download_index, forget_index};
pub use wanted::Wanted;
