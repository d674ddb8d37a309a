//! Foreign readers. `skopeo` is not needed to build or test; where it is installed it must agree.

use std::process::{Command, Output};

use super::*;

fn skopeo(arguments: &[&str]) -> Option<Output> {
    match Command::new("skopeo").args(arguments).output() {
        Ok(output) => Some(output),
        Err(_) => {
            eprintln!("skipped: skopeo is not installed (Debian: apt-get install skopeo)");
            None
        }
    }
}

#[tokio::test]
async fn skopeo_reads_and_copies_a_variant_by_its_alias() {
    let (folder, registry) = disk();
    let digest = add(&registry, 1).await;
    promote(&registry, digest, 2).await;
    let source = format!("oci:{}:fqm:champion", folder.path().display());
    let Some(output) = skopeo(&["inspect", "--raw", &source]) else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(Digest::of(&output.stdout), digest);

    let copy = tempfile::tempdir().unwrap();
    let target = format!("oci:{}:copy", copy.path().display());
    // skopeo re-hashes every blob as it copies.
    let output = skopeo(&["copy", "--insecure-policy", &source, &target]).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let weights = crate::core::Blobs::path(&Digest::of(&[1; 300]));
    assert_eq!(std::fs::read(copy.path().join(weights)).unwrap(), [1; 300]);
}
