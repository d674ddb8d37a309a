//! Writes a report where it is looked for.

use std::path::{Path, PathBuf};

use super::error::CliError;
use super::open::Opened;
use crate::report::{self, RunReport};

/// Writes a report where it is looked for: `reports/DATE/index.html`, `reports/latest`, and the list
/// of all nights. Gives the path of the page.
pub(super) fn write(opened: &Opened, report: &RunReport) -> Result<PathBuf, CliError> {
    let root = &opened.workspace.reports;
    let name = folder_name(report);
    let folder = root.join(&name);
    // A run that found everything done has nothing new to tell: the night's own page stays.
    let idle = !report.steps.is_empty()
        && report.steps.iter().all(|step| step.status == report::StepStatus::Hit);
    if idle && folder.join("report.json").is_file() {
        return point_latest(root, &name);
    }
    let failed = |path: &Path, e: std::io::Error| {
        CliError::config(format!("write the report {}: {e}", path.display()))
    };
    std::fs::create_dir_all(&folder).map_err(|e| failed(&folder, e))?;
    let json = report.to_json().map_err(CliError::internal)?;
    for (name, text) in [("index.html", report.to_html()), ("report.json", json)] {
        let path = folder.join(name);
        replace(&path, text.as_bytes()).map_err(|e| failed(&path, e))?;
    }
    let index = root.join("index.html");
    let listed = crate::report::index_html(&listed(root));
    replace(&index, listed.as_bytes()).map_err(|e| failed(&index, e))?;
    point_latest(root, &name)
}

/// The folder of a night's report: its date, with the pipeline's name where it is not the nightly one.
fn folder_name(report: &RunReport) -> String {
    match report.pipeline.as_str() {
        "nightly" => report.date.clone(),
        other => format!("{}-{other}", report.date),
    }
}

/// Points `latest` at a night. Gives the path of its page.
fn point_latest(root: &Path, name: &str) -> Result<PathBuf, CliError> {
    let latest = root.join("latest");
    let staged = root.join(format!(".latest-{}", std::process::id()));
    let _ = std::fs::remove_file(&staged);
    std::os::unix::fs::symlink(name, &staged)
        .and_then(|()| std::fs::rename(&staged, &latest))
        .map_err(|e| CliError::config(format!("write the report {}: {e}", latest.display())))?;
    Ok(latest.join("index.html"))
}

/// Replaces a file as a whole, so that a reader never sees half of it.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("report");
    crate::steps::write_file(folder, name, bytes)
}

fn listed(root: &Path) -> Vec<report::RunSummary> {
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter(|entry| entry.file_type().is_ok_and(|t| t.is_dir()))
        .filter_map(|entry| {
            let text = std::fs::read_to_string(entry.path().join("report.json")).ok()?;
            let report = RunReport::from_json(&text).ok()?;
            let name = entry.file_name().into_string().ok()?;
            Some((report.date.clone(), report.summarise(format!("{name}/index.html"))))
        })
        .collect();
    found.sort_by(|a, b| b.0.cmp(&a.0));
    found.into_iter().map(|(_, summary)| summary).collect()
}
