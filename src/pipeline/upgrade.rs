//! Moves the text of an older pipeline file on: step kinds are named in the versions that this program has.
//! Nothing else is touched, so comments and order stay.

use serde::Deserialize;
use toml::Spanned;

use super::catalog::Catalog;

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    step: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    uses: Spanned<String>,
}

/// A step kind that a file names in an older version.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Raised {
    /// The kind.
    pub kind: String,
    /// The version in the file.
    pub from: u32,
    /// The version of this program.
    pub to: u32,
}

/// The text with every older `KIND@VERSION` raised, and which those were; none where there is nothing to
/// raise, or the text cannot be read, which `run` explains better.
pub fn upgraded(text: &str, catalog: &dyn Catalog) -> Option<(String, Vec<Raised>)> {
    let document: Document = toml::from_str(text).ok()?;
    let (mut upgraded, mut raised) = (text.to_owned(), Vec::new());
    // From the end, so that the places before stay where they are.
    for step in document.step.iter().rev() {
        let Some((name, version)) = step.uses.get_ref().split_once('@') else { continue };
        let (Some(kind), Ok(from)) = (catalog.kind(name), version.parse::<u32>()) else { continue };
        let span = step.uses.span();
        let Some(written) = text.get(span.clone()) else { continue };
        if from < kind.version && written.contains(step.uses.get_ref()) {
            let newer = format!("{name}@{}", kind.version);
            upgraded.replace_range(span, &written.replace(step.uses.get_ref(), &newer));
            raised.push(Raised { kind: name.to_owned(), from, to: kind.version });
        }
    }
    raised.reverse();
    (!raised.is_empty()).then_some((upgraded, raised))
}
