use super::*;

#[tokio::test]
async fn the_starter_goes_into_a_variant() {
    let declared = STARTER.iter().filter_map(|(path, text)| {
        VariantFile::declared(path.strip_prefix("fqm/").unwrap(), *text)
    });
    let declared: Vec<_> = declared.collect();
    let paths: Vec<_> = declared.iter().map(|f| (f.path.as_str(), f.kind)).collect();
    assert_eq!(
        paths,
        [
            ("README.md", FileKind::Doc),
            ("prompts/conductor.md", FileKind::Prompt),
            ("prompts/explain.md", FileKind::Prompt),
        ]
    );
    let mut new = variant(1);
    new.files.retain(|f| matches!(f.kind, FileKind::Weight | FileKind::WeightConfig));
    new.files.extend(declared);
    let registry = memory();
    let digest = registry.register(&new, note(1)).await.unwrap().0;
    let card = registry.read(&digest, "README.md").await.unwrap();
    assert!(card.starts_with(b"# FQM, the conductor"));
}

#[test]
fn a_declared_file_is_known_by_its_path() {
    let kind = |path| VariantFile::declared(path, "text").map(|f| (f.path, f.kind));
    assert_eq!(kind("card.md"), Some(("README.md".to_owned(), FileKind::Doc)));
    assert_eq!(kind("prompts/a.md"), Some(("prompts/a.md".to_owned(), FileKind::Prompt)));
    for other in ["promotion.toml", "prompts/a.txt", "prompts/deep/a.md", "notes.md"] {
        assert_eq!(kind(other), None, "{other}");
    }
}
