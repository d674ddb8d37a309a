use serde_json::Value;

use super::*;
use crate::core::Blobs;

async fn json(registry: &Registry, digest: &Digest) -> Value {
    registry.blobs().get_json(digest).await.unwrap()
}

#[tokio::test]
async fn the_same_night_gives_the_same_digest() {
    let expected = variant(7).digest().unwrap();
    let (_folder, registry) = disk();
    assert_eq!(add(&registry, 7).await, expected);
    let mut shuffled = variant(7);
    shuffled.files.reverse();
    assert_eq!(memory().register(&shuffled, note(20)).await.unwrap().0, expected);

    let mut later = variant(7);
    later.logical_date = day(9);
    let mut other_prompt = variant(7);
    other_prompt.files[0].bytes = "Call two functions.".into();
    for changed in [later, other_prompt] {
        assert_ne!(changed.digest().unwrap(), expected);
    }
    // A golden value: a change of the format must be a decision, never an accident.
    assert_eq!(
        expected.to_string(),
        "sha256:9f36d1f538472773ea177df395c48d67f16be643cc09e0d78b07937719fb589d"
    );
}

#[tokio::test]
async fn the_documents_are_modelpack() {
    let registry = memory();
    let digest = add(&registry, 1).await;
    let manifest = json(&registry, &digest).await;
    assert_eq!(manifest["schemaVersion"], 2);
    assert_eq!(manifest["mediaType"], "application/vnd.oci.image.manifest.v1+json");
    assert_eq!(manifest["artifactType"], "application/vnd.cncf.model.manifest.v1+json");
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.cncf.model.config.v1+json");
    let layers = manifest["layers"].as_array().unwrap();
    let types: Vec<_> = layers.iter().map(|l| l["mediaType"].as_str().unwrap()).collect();
    assert_eq!(
        types,
        [
            "application/vnd.cncf.model.weight.v1.raw",
            "application/vnd.cncf.model.weight.config.v1.raw",
            "application/vnd.cncf.model.doc.v1.raw",
            "application/vnd.cncf.model.code.v1.raw",
        ]
    );
    assert_eq!(layers[0]["digest"], Digest::of(&[1; 300]).to_string());
    assert_eq!(layers[0]["annotations"]["org.cncf.model.filepath"], "model.safetensors");
    assert_eq!(layers[3]["annotations"]["vnd.fqm-pipe.subtype"], "prompt");
    let metadata = layers[0]["annotations"]["org.cncf.model.file.metadata+json"].as_str().unwrap();
    let metadata: Value = serde_json::from_str(metadata).unwrap();
    assert_eq!(metadata["size"], 300);
    assert_eq!(metadata["mtime"], "2026-11-02T00:00:00Z");

    let config: Digest = manifest["config"]["digest"].as_str().unwrap().parse().unwrap();
    let config = json(&registry, &config).await;
    assert_eq!(config["descriptor"]["createdAt"], "2026-11-02T00:00:00Z");
    assert_eq!(config["config"]["paramSize"], "48.2K");
    let digests: Vec<_> = layers.iter().map(|l| l["digest"].clone()).collect();
    assert_eq!(config["modelfs"], serde_json::json!({"type": "layers", "diffIds": digests}));
    check_config(&config).unwrap();
}

/// The rules of ModelPack's `config-schema.json` (0.0.7), written down from its text: which keys are
/// required, which may be there, and that no others may.
fn check_config(config: &Value) -> Result<(), String> {
    let schema = serde_json::json!({
        "type": "object",
        "required": ["descriptor", "config", "modelfs"],
        "additionalProperties": false,
        "properties": {
            "descriptor": {
                "type": "object", "additionalProperties": false,
                "properties": {
                    "createdAt": {"type": "string", "format": "date-time"},
                    "authors": {"type": "array", "items": {"type": "string"}},
                    "family": {"type": "string"}, "name": {"type": "string", "minLength": 1},
                    "docURL": {"type": "string"}, "sourceURL": {"type": "string"},
                    "datasetsURL": {"type": "array", "items": {"type": "string"}},
                    "version": {"type": "string"}, "revision": {"type": "string"},
                    "vendor": {"type": "string"},
                    "licenses": {"type": "array", "items": {"type": "string"}},
                    "title": {"type": "string"}, "description": {"type": "string"}
                }
            },
            "config": {
                "type": "object", "additionalProperties": false,
                "properties": {
                    "architecture": {"type": "string"}, "format": {"type": "string"},
                    "paramSize": {"type": "string", "pattern": "^[0-9]+(\\.[0-9])?[KMBTQ]$"},
                    "precision": {"type": "string"}, "quantization": {"type": "string"},
                    "capabilities": {"type": "object"}
                }
            },
            "modelfs": {
                "type": "object", "additionalProperties": false,
                "required": ["type", "diffIds"],
                "properties": {
                    "type": {"enum": ["layers"]},
                    "diffIds": {"type": "array", "minItems": 1, "items": {"type": "string"}}
                }
            }
        }
    });
    jsonschema::validate(&schema, config).map_err(|e| e.to_string())
}

#[tokio::test]
async fn the_configuration_check_can_fail() {
    let registry = memory();
    let digest = add(&registry, 1).await;
    let config = registry.show("fqm", &digest.to_string()).await.unwrap().config;
    let good = serde_json::to_value(&config).unwrap();
    check_config(&good).unwrap();
    for part in ["descriptor", "config", "modelfs"] {
        let mut missing = good.clone();
        missing.as_object_mut().unwrap().remove(part);
        assert!(check_config(&missing).is_err(), "without {part}");
        let mut extra = good.clone();
        extra[part]["ours"] = 1.into();
        assert!(check_config(&extra).is_err(), "extra in {part}");
        assert!(serde_json::from_value::<ModelConfig>(extra).is_err(), "extra in {part}");
    }
}

#[tokio::test]
async fn requests_that_make_no_sense_write_nothing() {
    let registry = memory();
    let with = |change: &dyn Fn(&mut NewVariant)| {
        let mut new = variant(1);
        change(&mut new);
        new
    };
    let wrong = [
        with(&|v| v.files.retain(|f| f.kind != FileKind::Weight)),
        with(&|v| v.files.retain(|f| f.kind != FileKind::WeightConfig)),
        with(&|v| v.files[0].path = "../outside".to_owned()),
        with(&|v| v.files[0].path = "/outside".to_owned()),
        with(&|v| v.files[0].path = "config.json".to_owned()),
        with(&|v| v.model = "../fqm".to_owned()),
        with(&|v| v.model = String::new()),
    ];
    for new in wrong {
        let error = registry.register(&new, note(1)).await.unwrap_err();
        assert!(matches!(error, RegistryError::Invalid { .. }), "{error}");
    }
    assert_eq!(registry.store().list("").await.unwrap(), []);
}

#[tokio::test]
async fn a_registered_variant_is_listed_shown_read_and_exported() {
    let (folder, registry) = disk();
    let (a, b) = (add(&registry, 1).await, add(&registry, 2).await);
    promote(&registry, a, 3).await;
    let rows = registry.ls(None).await.unwrap();
    assert_eq!(rows.iter().map(|r| r.digest).collect::<Vec<_>>(), [b, a], "newest first");
    assert_eq!(rows[1].aliases, ["champion"]);
    assert_eq!(rows[1].title, "conductor 1");
    assert_eq!(rows[1].bytes, 300 + 10 + 18 + 6);
    assert_eq!(registry.ls(Some("other")).await.unwrap(), []);

    let shown = registry.show("fqm", "champion").await.unwrap();
    assert_eq!(shown.digest, a);
    assert_eq!(shown.logical_date, Some(day(2)));
    assert_eq!(shown.facts["dataset"], Digest::of(b"data").to_string());
    assert_eq!(registry.show("fqm", &a.short()).await.unwrap(), shown);
    assert_eq!(registry.lookup("fqm", &b.to_string()).await.unwrap(), b);
    let error = registry.show("fqm", "nobody").await.unwrap_err().to_string();
    assert!(error.contains("nobody") && error.contains("registry ls"), "{error}");

    let out = folder.path().join("out");
    let written = registry.export(&a, &out).await.unwrap();
    assert_eq!(written.len(), 4);
    assert_eq!(std::fs::read(out.join("model.safetensors")).unwrap(), [1; 300]);
    assert_eq!(std::fs::read(out.join("prompts/system.md")).unwrap(), b"Call one function.");
    assert_eq!(registry.read(&b, "config.json").await.unwrap().as_ref(), b"{\"seed\":2}");
    assert!(registry.read(&b, "absent").await.unwrap_err().to_string().contains("config.json"));

    std::fs::write(folder.path().join(Blobs::path(&Digest::of(&[1; 300]))), [0; 300]).unwrap();
    assert!(registry.export(&a, &out).await.is_err(), "a damaged file must not be exported");
    assert_eq!(std::fs::read(out.join("model.safetensors")).unwrap(), [1; 300]);
}
