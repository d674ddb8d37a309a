//! What a workspace declares about a model, under `registry/<model>/`: the card, the prompts that are
//! served with the weights, and the promotion policy. People edit these files; the register step
//! takes card and prompts into each new variant.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::names::check_model;
use super::{FileKind, RegistryError, VariantFile};

/// Declarations of the model `fqm` that a new workspace begins with: path below `registry/`, content.
pub const STARTER: [(&str, &str); 4] = [
    ("fqm/card.md", include_str!("../../registry/fqm/card.md")),
    ("fqm/promotion.toml", include_str!("../../registry/fqm/promotion.toml")),
    ("fqm/prompts/conductor.md", include_str!("../../registry/fqm/prompts/conductor.md")),
    ("fqm/prompts/explain.md", include_str!("../../registry/fqm/prompts/explain.md")),
];

/// The declarations of one model.
#[derive(Clone, Debug)]
pub struct Declarations {
    /// `card.md` as `README.md`, and `prompts/*.md`, sorted by path; ready for a [`super::NewVariant`].
    pub files: Vec<VariantFile>,
    policy: Option<(String, String)>,
}

/// `promotion.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PromotionFile<T> {
    schema: u32,
    decision: T,
}

impl Declarations {
    /// Reads `<folder>/<model>/`. What is not declared is left out: a model needs none of it.
    ///
    /// # Errors
    /// When a file is there and cannot be read.
    pub fn load(folder: &Path, model: &str) -> Result<Self, RegistryError> {
        check_model(model)?;
        let folder = folder.join(model);
        let mut files = Vec::new();
        let prompts = prompts(&folder.join("prompts"))?.into_iter().map(|n| format!("prompts/{n}"));
        for name in ["card.md".to_owned()].into_iter().chain(prompts) {
            let text = read(&folder.join(&name))?;
            files.extend(text.and_then(|text| VariantFile::declared(&name, text)));
        }
        let path = folder.join("promotion.toml");
        let policy = read(&path)?.map(|text| (path.display().to_string(), text));
        Ok(Self { files, policy })
    }

    /// The table `[decision]` of `promotion.toml` as the parameters of a decision; none where the
    /// model declares no policy.
    ///
    /// # Errors
    /// When the file is not TOML of schema 1 or a parameter is unknown; the message shows the line.
    pub fn decision<T: DeserializeOwned>(&self) -> Result<Option<T>, RegistryError> {
        let policy = self.policy.as_ref();
        policy.map(|(place, text)| Self::parse_decision(place, text)).transpose()
    }

    /// The table `[decision]` of the text of a `promotion.toml`; `place` is for messages.
    ///
    /// # Errors
    /// As [`Declarations::decision`].
    pub fn parse_decision<T: DeserializeOwned>(
        place: &str,
        text: &str,
    ) -> Result<T, RegistryError> {
        let wrong = |problem: String| RegistryError::Damaged {
            place: place.to_owned(),
            problem,
            fix: "correct the line that is shown".to_owned(),
        };
        let file: PromotionFile<T> = toml::from_str(text).map_err(|e| wrong(e.to_string()))?;
        if file.schema != 1 {
            let problem = format!("schema = {} is not known; this program reads 1", file.schema);
            return Err(wrong(problem));
        }
        Ok(file.decision)
    }
}

impl VariantFile {
    /// A declared file as it goes into a variant, by its path below `registry/<model>/`: `card.md`
    /// and `prompts/*.md`. Other files are not part of a variant.
    pub fn declared(path: &str, bytes: impl Into<Bytes>) -> Option<Self> {
        let prompt = path.strip_prefix("prompts/").filter(|name| !name.contains('/'));
        match (path, prompt) {
            ("card.md", _) => Some(Self::new("README.md", FileKind::Doc, bytes)),
            (_, Some(name)) if name.ends_with(".md") => {
                Some(Self::new(path, FileKind::Prompt, bytes))
            }
            _ => None,
        }
    }
}

/// The names of the Markdown files of a folder, sorted; none where there is no folder.
fn prompts(folder: &Path) -> Result<Vec<String>, RegistryError> {
    let listing = match fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(unreadable(folder, &e)),
    };
    let mut found = Vec::new();
    for entry in listing {
        let name = entry.map_err(|e| unreadable(folder, &e))?.file_name();
        found.extend(name.to_str().filter(|name| name.ends_with(".md")).map(str::to_owned));
    }
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> Result<Option<String>, RegistryError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(unreadable(path, &e)),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> RegistryError {
    RegistryError::Damaged {
        place: path.display().to_string(),
        problem: format!("it cannot be read ({error})"),
        fix: "make it a readable UTF-8 file or remove it".to_owned(),
    }
}
