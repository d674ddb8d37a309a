//! `fqm-pipe registry`: look at variants, move the champion by hand, check every byte.

use std::path::{Path, PathBuf};

use chrono::Utc;
use serde_json::json;

use super::error::{CliError, Kind};
use super::output::{self, counted};
use crate::core::{Alias, Digest};
use crate::registry::{Action, EvidenceKind, Move, Moved, Note, Registry, RegistryError};
use crate::workspace::Workspace;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// List the variants, newest first
    Ls {
        /// The model; all where it is left out
        model: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a variant: files, facts, aliases and evidence
    Show {
        /// An alias (registry:fqm@champion), a digest or its first digits
        variant: String,
        /// The model, where a digest is given
        #[arg(long, default_value = "fqm")]
        model: String,
        /// Write its files into this folder
        #[arg(long, value_name = "DIR")]
        export: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Move an alias to a variant that a night has decided to promote
    Promote {
        /// The alias, e.g. registry:fqm@champion
        alias: Alias,
        /// The variant: a digest or its first digits
        variant: String,
        /// Why; kept in the log for ever
        #[arg(long, value_name = "WHY", value_parser = said)]
        reason: String,
        /// Move it though no decision says so
        #[arg(long)]
        force: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Move an alias back to where it was before
    Rollback {
        /// The alias, e.g. registry:fqm@champion
        alias: Alias,
        /// Why; kept in the log for ever
        #[arg(long, value_name = "WHY", value_parser = said)]
        reason: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the log of a model: who moved what, when and why
    Log {
        /// The model
        #[arg(default_value = "fqm")]
        model: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Rebuild index.json, which foreign tools read, from the log
    Fsck {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Hash every blob and follow every link
    Verify {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// A reason that says something.
pub(super) fn said(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    if text.is_empty() { Err("say why, in words") } else { Ok(text.to_owned()) }
}

pub(super) async fn run(from: &Path, command: Command) -> Result<i32, CliError> {
    let workspace = Workspace::find(from)?;
    let registry = Registry::new(workspace.open_registry()?);
    match command {
        Command::Ls { model, json } => ls(&registry, model.as_deref(), json).await,
        Command::Show { variant, model, export, json } => {
            show(&registry, &model, &variant, export.as_deref(), json).await
        }
        Command::Promote { alias, variant, reason, force, json } => {
            let moved = promote(&registry, &alias, &variant, &reason, force).await?;
            tell(&alias, &moved, json)
        }
        Command::Rollback { alias, reason, json } => {
            let note = Note::new(actor(), &reason, Utc::now());
            tell(&alias, &registry.rollback(&alias, note).await?, json)
        }
        Command::Log { model, json } => log(&registry, &model, json).await,
        Command::Fsck { json } => fsck(&registry, json).await,
        Command::Verify { json } => verify(&registry, json).await,
    }
}

async fn ls(registry: &Registry, model: Option<&str>, json: bool) -> Result<i32, CliError> {
    let variants = registry.ls(model).await?;
    if json {
        return output::json(&variants).map(|()| 0);
    }
    if variants.is_empty() {
        let of = model.map_or_else(String::new, |model| format!(" of the model `{model}`"));
        output::talk(&format!("no variant{of} yet; a night registers one"));
    }
    let head = ["VARIANT", "MODEL", "DATE", "ALIASES", "EVIDENCE", "TITLE"].map(String::from);
    let mut rows = vec![head.to_vec()];
    rows.extend(variants.iter().map(|v| {
        vec![
            v.digest.short(),
            v.model.clone(),
            v.logical_date.map_or("-".to_owned(), |d| d.to_string()),
            v.aliases.join(", "),
            v.evidence.to_string(),
            v.title.clone(),
        ]
    }));
    output::data(&output::table(&rows));
    Ok(0)
}

async fn show(
    registry: &Registry,
    model: &str,
    wanted: &str,
    export: Option<&Path>,
    json: bool,
) -> Result<i32, CliError> {
    let (model, wanted) = match wanted.parse::<Alias>() {
        Ok(alias) => (alias.model, alias.name),
        Err(_) => (model.to_owned(), wanted.to_owned()),
    };
    let variant = registry.show(&model, &wanted).await?;
    if let Some(folder) = export {
        registry.export(&variant.digest, folder).await?;
        let files = counted(variant.files.len(), "file", "files");
        output::talk(&format!("wrote {files} into {}", folder.display()));
    }
    if json {
        return output::json(&variant).map(|()| 0);
    }
    output::data(&format!("{} {}", variant.model, variant.digest));
    output::data(&format!("  {}", variant.config.descriptor.title));
    output::data(&format!("  {}", variant.config.descriptor.description));
    let aliases = if variant.aliases.is_empty() { "none" } else { &variant.aliases.join(", ") };
    output::data(&format!("  aliases: {aliases}"));
    let mut rows = Vec::new();
    rows.extend(variant.facts.iter().map(|(k, v)| vec![format!("  {k}"), v.clone()]));
    let file = |f: &crate::registry::StoredFile| {
        vec![format!("  {}", f.path), format!("{} bytes, {}", f.bytes, f.digest)]
    };
    rows.extend(variant.files.iter().map(file));
    rows.extend(variant.evidence.iter().map(|e| {
        let facts: Vec<_> = e.facts.iter().map(|(k, v)| format!("{k} {v}")).collect();
        vec![
            format!("  evidence {}", e.digest.short()),
            format!("{} {}", e.artifact_type, facts.join(", ")),
        ]
    }));
    output::data(&output::table(&rows));
    Ok(0)
}

async fn promote(
    registry: &Registry,
    alias: &Alias,
    wanted: &str,
    reason: &str,
    force: bool,
) -> Result<Moved, CliError> {
    let variant = registry.show(&alias.model, wanted).await?;
    if !force && !decided(registry, &variant.digest, &alias.model).await? {
        let message = format!(
            "promote {} to {alias}: no decision with the verdict `promoted` is attached to it; look at `fqm-pipe registry show {}`, or give --force with the reason",
            variant.digest.short(),
            variant.digest.short()
        );
        return Err(CliError::new(Kind::Gate, message));
    }
    let from = registry.find(alias).await?;
    let note = Note::new(actor(), reason, Utc::now());
    let change = Move::new(Action::Promote, note).alias(&alias.name, from, Some(variant.digest));
    Ok(registry.move_aliases(&alias.model, change).await?)
}

/// Says where an alias points now.
fn tell(alias: &Alias, moved: &Moved, as_json: bool) -> Result<i32, CliError> {
    let (variant, entry) = (moved.entry.aliases.get(&alias.name), moved.entry.seq);
    if as_json {
        let alias = alias.to_string();
        output::json(&json!({ "alias": alias, "variant": variant, "entry": entry }))?;
    } else {
        let now = variant.map_or("unset".to_owned(), Digest::to_string);
        output::data(&format!("{alias} is now {now} (entry {entry})"));
    }
    Ok(0)
}

/// Whether a decision to promote is attached to a variant.
async fn decided(registry: &Registry, variant: &Digest, model: &str) -> Result<bool, CliError> {
    let variant = registry.show(model, &variant.to_string()).await?;
    Ok(variant.evidence.iter().any(|evidence| {
        evidence.kind == Some(EvidenceKind::Decision)
            && evidence.facts.get("verdict").is_some_and(|verdict| verdict == "promoted")
    }))
}

async fn log(registry: &Registry, model: &str, json: bool) -> Result<i32, CliError> {
    let entries = registry.history(model).await?;
    if json {
        return output::json(&entries).map(|()| 0);
    }
    let head = ["ENTRY", "TIME", "DATE", "WHO", "DID", "ALIASES", "WHY"].map(String::from);
    let mut rows = vec![head.to_vec()];
    for entry in &entries {
        let aliases: Vec<_> = entry
            .aliases
            .iter()
            .map(|(name, digest)| format!("{name} {}", digest.short()))
            .collect();
        rows.push(vec![
            entry.seq.to_string(),
            entry.time.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
            entry.logical_date.map_or("-".to_owned(), |d| d.to_string()),
            entry.actor.clone(),
            format!("{:?}", entry.action).to_lowercase(),
            aliases.join(", "),
            entry.reason.clone(),
        ]);
    }
    output::data(&output::table(&rows));
    Ok(0)
}

async fn fsck(registry: &Registry, as_json: bool) -> Result<i32, CliError> {
    let mended = registry.fsck().await?;
    if as_json {
        return output::json(&json!({ "rebuilt": mended })).map(|()| 0);
    }
    let said = if mended {
        "index.json differed from the log and is rebuilt"
    } else {
        "index.json is as the log says"
    };
    output::data(said);
    Ok(0)
}

async fn verify(registry: &Registry, json: bool) -> Result<i32, CliError> {
    let report = registry.verify().await?;
    if json {
        output::json(&report)?;
    } else {
        output::data(&format!(
            "{} ({} bytes), {} and {} checked: {}",
            counted(report.blobs as usize, "blob", "blobs"),
            report.bytes,
            counted(report.manifests as usize, "manifest", "manifests"),
            counted(report.entries as usize, "log entry", "log entries"),
            if report.is_ok() {
                "all sound".to_owned()
            } else {
                counted(report.problems.len(), "problem", "problems")
            }
        ));
        for problem in &report.problems {
            output::data(&format!("{}: {}; {}", problem.place, problem.problem, problem.fix));
        }
    }
    Ok(if report.is_ok() { 0 } else { 1 })
}

/// Who moves an alias by hand, or answers a step: the name of the account, for the log.
pub(super) fn actor() -> String {
    std::env::var("USER")
        .or_else(|_| std::env::var("LOGNAME"))
        .unwrap_or_else(|_| "a person".to_owned())
}

impl From<RegistryError> for CliError {
    fn from(error: RegistryError) -> Self {
        let kind = if error.is_temporary() { Kind::Temporary } else { Kind::Usage };
        Self::new(kind, error)
    }
}
