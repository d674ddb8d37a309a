use super::*;

fn evaluation(subject: Digest) -> NewEvidence {
    NewEvidence {
        model: "fqm".to_owned(),
        subject,
        kind: EvidenceKind::Evaluation,
        logical_date: day(2),
        document: r#"{"success":0.75}"#.into(),
        facts: [("success".to_owned(), "0.75".to_owned())].into(),
    }
}

#[tokio::test]
async fn evidence_refers_to_its_subject() {
    let registry = memory();
    let a = add(&registry, 1).await;
    let (digest, moved) = registry.attach(&evaluation(a), note(2)).await.unwrap();
    assert_eq!((moved.entry.action, moved.entry.variant), (Action::Attest, Some(a)));
    let (again, moved) = registry.attach(&evaluation(a), note(3)).await.unwrap();
    assert_eq!((again, moved.applied), (digest, false));

    let found = registry.show("fqm", &a.short()).await.unwrap().evidence;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, Some(EvidenceKind::Evaluation));
    assert_eq!(found[0].facts["success"], "0.75");
    let document = registry.blobs().get(&found[0].document).await.unwrap();
    assert_eq!(document.as_ref(), br#"{"success":0.75}"#);
    assert_eq!(registry.ls(None).await.unwrap()[0].evidence, 1);

    let index = registry.store().get("index.json").await.unwrap().unwrap();
    let index: serde_json::Value = serde_json::from_slice(&index).unwrap();
    let manifests = index["manifests"].as_array().unwrap();
    let referrer = manifests.iter().find(|m| m["digest"] == digest.to_string()).unwrap();
    assert_eq!(referrer["artifactType"], "application/vnd.fqm-pipe.evaluation.v1+json");
    assert_eq!(referrer["annotations"]["vnd.fqm-pipe.fact.success"], "0.75");
}

#[tokio::test]
async fn a_decision_is_named_by_the_move_that_rests_on_it() {
    let registry = memory();
    let a = add(&registry, 1).await;
    let new = NewEvidence { kind: EvidenceKind::Decision, ..evaluation(a) };
    let decision = registry.put_evidence(&new).await.unwrap();
    assert_eq!(registry.show("fqm", &a.short()).await.unwrap().evidence, []);
    let change =
        Move::new(Action::Promote, note(2).because([decision])).alias("champion", None, Some(a));
    let entry = registry.move_aliases("fqm", change).await.unwrap().entry;
    assert_eq!(entry.evidence, [decision]);
    assert_eq!(registry.show("fqm", "champion").await.unwrap().evidence[0].digest, decision);
    assert_eq!(registry.verify().await.unwrap().problems, []);
}

#[tokio::test]
async fn a_move_cannot_rest_on_evidence_that_is_not_there() {
    let registry = memory();
    let a = add(&registry, 1).await;
    for missing in [Digest::of(b"nothing"), a] {
        let change = Move::new(Action::Promote, note(2).because([missing]));
        assert!(registry.move_aliases("fqm", change.force("champion", Some(a))).await.is_err());
    }
    assert!(registry.put_evidence(&evaluation(Digest::of(b"nobody"))).await.is_err());
    assert_eq!(registry.history("fqm").await.unwrap().len(), 1);
}
