//! The whole way round: what a policy saw when it acted is what it learns from when its logs come back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use crate::core::{Blobs, Digest, LogicalDate, Store};
use crate::curate::{CurateContext, CurateParams, Sources, curate};
use crate::dataset::read;
use crate::policy::{Graph, Lifter, SuiteLevels, Vocabulary, Way, examples_of_episode};
use crate::quest::{Agent, AgentError, Choice, Expert, Play, SolveLimits, Suite};
use crate::simulate::{PolicyAgent, SimulateParams, simulate};
use crate::store::{IngestRequest, Tables, ingest};

/// The graphs that were acted on, by level and by the calls made before.
type Seen = Arc<Mutex<BTreeMap<(Digest, usize), Graph>>>;

/// Acts as an expert, and remembers what a network would have been shown.
struct Remembers {
    expert: Expert,
    lifter: Lifter,
    seen: Seen,
}

impl Agent for Remembers {
    fn name(&self) -> &str {
        "fqm"
    }

    fn act(&mut self, plays: &[&Play]) -> Result<Vec<Choice>, AgentError> {
        let mut seen = self.seen.lock().unwrap();
        for play in plays {
            let key = (play.world().level().content_digest(), play.history().len());
            seen.insert(key, self.lifter.graph(play));
        }
        self.expert.act(plays)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acted_on_comes_back_bit_for_bit() {
    let date: LogicalDate = "2026-11-03".parse().unwrap();
    let suite = Suite::builtin();
    let mut params = SimulateParams::sample(date, 1, 5);
    params.policy_epsilon = 0.2;
    for plan in &mut params.curriculum.0 {
        plan.episodes = 120;
    }
    let seen = Seen::default();
    let agent = Remembers {
        expert: Expert::new(SolveLimits::default()),
        lifter: Lifter::default(),
        seen: Arc::clone(&seen),
    };
    let policy =
        PolicyAgent { agent: Box::new(agent), version: "1".into(), digest: Digest::of(b"fqm") };
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let mut sink = |path: &str, bytes: &[u8]| {
        files.push((path.to_owned(), bytes.to_vec()));
        Ok(())
    };
    simulate(&params, &suite, Some(policy), &mut sink).unwrap();

    let logs = Store::memory().sub("logs");
    for (path, bytes) in files {
        logs.put(&path, Bytes::from(bytes)).await.unwrap();
    }
    let store = Store::memory();
    let tables = Tables::open(&store.sub("tables")).await.unwrap();
    let request = IngestRequest::new("symphony", date, b"key");
    ingest(&tables, &logs, request, |_| ()).await.unwrap();
    let blobs = Blobs::new(Store::memory().sub("blobs"));
    let params = CurateParams { success_reward: 0.5, ..CurateParams::default() };
    let sources = Sources::of_store(&tables, params.window(date)).await.unwrap();
    let context = CurateContext::new(date, Digest::of(b"snapshot"));
    let curated = curate(sources, &params, &context, &blobs).await.unwrap();
    let (_, episodes) = read(&blobs, &curated.dataset).await.unwrap();

    let levels = SuiteLevels::new(&suite);
    let seen = seen.lock().unwrap();
    let (mut graphs, mut corrections) = (0, 0);
    for episode in episodes.iter().filter(|e| e.agent == "fqm") {
        let lifted = examples_of_episode(episode, &levels, &Vocabulary::default()).unwrap();
        assert_eq!(lifted.way, Way::Replay);
        let digest = episode.level.as_ref().unwrap().digest;
        for example in &lifted.examples {
            let acted_on = &seen[&(digest, usize::try_from(example.step).unwrap())];
            assert_eq!(*example.graph, *acted_on, "{} step {}", episode.id, example.step);
            graphs += 1;
        }
        corrections += lifted.corrected.len();
    }
    assert!(graphs > 150, "{graphs}");
    assert!(corrections > 0, "some of the policy's steps are corrected");
}
