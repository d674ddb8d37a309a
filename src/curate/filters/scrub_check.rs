//! Stage 3: secrets and personal data, looked for once more. Ingest replaces them before the first
//! write, so a hit here means that a rule was added since, or that a writer went around ingest.

use std::borrow::Cow;
use std::sync::LazyLock;

use polars::prelude::*;

use super::{Filter, Finding, Setting, Table, each};
use crate::curate::columns::text;
use crate::curate::{CurateError, Role};
use crate::dataset::Step;
use crate::scrub::Scrubber;

const UNSCRUBBED: &str = "unscrubbed";

pub(in crate::curate) const FILTER: Filter =
    Filter { stage: "scrub_check", rules: &[(UNSCRUBBED, Role::All)], find };

fn find(table: &Table, _: &Setting) -> Result<Vec<Finding>, CurateError> {
    let hits = table.episodes.clone().lazy().filter(col("unscrubbed").is_not_null()).collect()?;
    let (found, event) = (text(&hits, "unscrubbed")?, text(&hits, "unscrubbed_event")?);
    each(&hits, |id, row| {
        Finding::episode(UNSCRUBBED, id, found.get(row).unwrap_or_default()).at(event.get(row))
    })
}

/// The rules of ingest. What it would write instead is thrown away, so its key hides nothing; its
/// patterns take a moment to compile, so all curations of a process share them.
static SCRUBBER: LazyLock<Scrubber> = LazyLock::new(|| Scrubber::new(b""));

/// The first value in a step that should have been replaced: its kind and field, never the value.
pub(in crate::curate) fn check(step: &Step) -> Option<String> {
    let fields = [
        ("observation_json", step.observation_json.as_deref()),
        ("args_json", step.args_json.as_deref()),
        ("result_json", step.result_json.as_deref()),
        ("error", step.error.as_deref()),
    ];
    let candidates = step.candidates.iter().map(|one| ("candidates", Some(one.id.as_str())));
    fields.into_iter().chain(candidates).find_map(|(field, value)| {
        let kind = unscrubbed(value?)?;
        Some(format!("`{field}` holds a value of the kind {kind}"))
    })
}

/// The kind of the first value that the scrubber would replace.
fn unscrubbed(text: &str) -> Option<String> {
    let Cow::Owned(clean) = SCRUBBER.scrub_json_bytes(text.as_bytes()) else { return None };
    let clean = String::from_utf8_lossy(&clean);
    // A placeholder `<KIND:hash>` that was not there before says what stood in its place.
    let placeholders = clean.split('<').skip(1).filter_map(|rest| rest.split_once('>'));
    let mut new = placeholders.map(|(inside, _)| inside).filter(|inside| !text.contains(inside));
    let kind = new.find_map(|inside| inside.split_once(':')).map(|(kind, _)| kind.to_owned());
    Some(kind.unwrap_or_else(|| "unknown".to_owned()))
}
