use std::collections::BTreeMap;

use super::*;

fn starter() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in STARTER {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

#[tokio::test]
async fn the_starter_goes_into_a_variant() {
    let folder = starter();
    let declared = Declarations::load(folder.path(), "fqm").unwrap();
    let paths: Vec<_> = declared.files.iter().map(|f| (f.path.as_str(), f.kind)).collect();
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
    new.files.extend(declared.files);
    let registry = memory();
    let digest = registry.register(&new, note(1)).await.unwrap().0;
    let card = registry.read(&digest, "README.md").await.unwrap();
    assert!(card.starts_with(b"# FQM, the conductor"));
}

#[test]
fn the_policy_reads_as_parameters_and_its_faults_are_shown() {
    let folder = starter();
    let load = || Declarations::load(folder.path(), "fqm").unwrap();
    let decision: BTreeMap<String, toml::Value> = load().decision().unwrap().unwrap();
    assert_eq!(decision["alpha"].as_float(), Some(0.05));
    assert_eq!(decision["floor"]["level"].as_integer(), Some(1));

    for (text, shown) in [
        ("schema = 2\n[decision]\n", "schema = 2"),
        ("schema = 1\nbeta = 1\n[decision]\n", "beta"),
        ("schema = 1\n[decision\n", "line 2"),
    ] {
        std::fs::write(folder.path().join("fqm/promotion.toml"), text).unwrap();
        let error = load().decision::<BTreeMap<String, toml::Value>>().unwrap_err().to_string();
        assert!(error.contains(shown) && error.contains("promotion.toml"), "{error}");
    }
}

#[test]
fn what_is_not_declared_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let declared = Declarations::load(folder.path(), "fqm").unwrap();
    assert!(declared.files.is_empty());
    assert!(declared.decision::<toml::Value>().unwrap().is_none());
    assert!(Declarations::load(folder.path(), "../fqm").is_err());
    std::fs::create_dir_all(folder.path().join("fqm")).unwrap();
    std::fs::write(folder.path().join("fqm/card.md"), [0xff]).unwrap();
    let error = Declarations::load(folder.path(), "fqm").unwrap_err().to_string();
    assert!(error.contains("card.md") && error.contains("UTF-8"), "{error}");
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
