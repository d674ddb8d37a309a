mod filters;
mod params;
mod rows;
mod whole;

use super::{CurateContext, CurateParams, Curated, Drop, curate, read_drops};
use crate::core::{Blobs, Store};
use crate::dataset::{self, Episode};
use rows::Rows;

/// A curation with everything that tests look at.
struct Outcome {
    curated: Curated,
    episodes: Vec<Episode>,
    drops: Vec<Drop>,
}

impl Outcome {
    fn ids(&self) -> Vec<&str> {
        self.episodes.iter().map(|episode| episode.id.as_str()).collect()
    }

    fn imitated(&self) -> Vec<&str> {
        self.episodes.iter().filter(|e| e.imitation).map(|e| e.id.as_str()).collect()
    }

    /// Episode id and rule of each drop.
    fn rules(&self) -> Vec<(&str, &str)> {
        self.drops.iter().map(|d| (d.episode_id.as_str(), d.rule_id.as_str())).collect()
    }

    fn episode(&self, id: &str) -> &Episode {
        self.episodes.iter().find(|episode| episode.id.as_str() == id).unwrap()
    }
}

async fn run(rows: &Rows, params: &CurateParams, context: &CurateContext) -> Outcome {
    let blobs = Blobs::new(Store::memory());
    let curated = curate(rows.sources(), params, context, &blobs).await.unwrap();
    let (manifest, episodes) = dataset::read(&blobs, &curated.dataset).await.unwrap();
    assert_eq!(manifest, curated.manifest);
    let drops = read_drops(&blobs, &curated.drops).await.unwrap();
    Outcome { curated, episodes, drops }
}

async fn with_defaults(rows: &Rows) -> Outcome {
    run(rows, &CurateParams::default(), &rows::context()).await
}
