//! Curation: from the published rows of the store to a dataset, by rules that each say what they
//! took away and why.
//!
//! The parameters, the drops and the waterfall compile always, so that a pipeline can be planned
//! and a dropped row explained without the query engine; the filters need the feature `store`.

mod drops;
mod error;
mod params;

#[cfg(feature = "store")]
mod columns;
#[cfg(feature = "store")]
mod drop_writer;
#[cfg(feature = "store")]
mod episodes;
#[cfg(feature = "store")]
mod facts;
#[cfg(feature = "store")]
mod feedback;
#[cfg(feature = "store")]
mod filters;
#[cfg(feature = "store")]
mod run;
#[cfg(feature = "store")]
mod sources;
#[cfg(feature = "store")]
mod steps;
#[cfg(feature = "store")]
mod summary;
#[cfg(feature = "store")]
mod trajectory;
#[cfg(feature = "store")]
mod waterfall;

pub use crate::dataset::{Role, WaterfallRow};
pub use drops::{Drop, Dropped, explain, read_drops};
pub use error::CurateError;
pub use params::{CurateContext, CurateParams};
#[cfg(feature = "store")]
pub use run::{Curated, curate};
#[cfg(feature = "store")]
pub use sources::Sources;
#[cfg(feature = "store")]
pub use trajectory::narrative_digest;

#[cfg(all(test, feature = "store"))]
mod tests;
