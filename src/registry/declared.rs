//! What a workspace declares about a model, under `registry/<model>/`: the card, the prompts that are
//! served with the weights, and the promotion policy. People edit these files, a step is given their
//! captured content; the register step takes card and prompts into each new variant.

use bytes::Bytes;

use super::{FileKind, VariantFile};

/// Declarations of the model `fqm` that a new workspace begins with: path below `registry/`, content.
pub const STARTER: [(&str, &str); 4] = [
    ("fqm/card.md", include_str!("../../registry/fqm/card.md")),
    ("fqm/promotion.toml", include_str!("../../registry/fqm/promotion.toml")),
    ("fqm/prompts/conductor.md", include_str!("../../registry/fqm/prompts/conductor.md")),
    ("fqm/prompts/explain.md", include_str!("../../registry/fqm/prompts/explain.md")),
];

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
