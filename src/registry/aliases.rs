//! Aliases: resolving them now or at an earlier point, moving several at once by compare-and-swap,
//! and rolling back.

use std::collections::BTreeMap;

use serde::Serialize;

use super::log::State;
use super::names::{check_alias, check_model};
use super::{Action, AliasEntry, Move, Note, Registry, RegistryError};
use crate::core::{Alias, Digest, LogicalDate};

/// A point in a model's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// After the newest entry.
    Now,
    /// After the entry with this number.
    Seq(u64),
    /// After the last entry that counts for this day or an earlier one (see [`AliasEntry::date`]).
    Date(LogicalDate),
}

/// Where an alias points, and since which entry that was looked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Resolved {
    /// The alias.
    pub alias: Alias,
    /// The variant's manifest digest.
    pub digest: Digest,
    /// The number of the log entry that says so.
    pub seq: u64,
}

/// The result of a change to the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// The entry that made the change.
    pub entry: AliasEntry,
    /// False where an earlier call with the same key made it, and this one changed nothing.
    pub applied: bool,
}

impl Registry {
    /// Where an alias points now.
    ///
    /// # Errors
    /// When the model or the alias does not exist, or the log is damaged.
    pub async fn resolve(&self, alias: &Alias) -> Result<Resolved, RegistryError> {
        self.resolve_at(alias, At::Now).await
    }

    /// Where an alias pointed at a point of the model's history.
    ///
    /// # Errors
    /// As [`Registry::resolve`], and when the history does not reach back so far.
    pub async fn resolve_at(&self, alias: &Alias, at: At) -> Result<Resolved, RegistryError> {
        let (model, name) = (&alias.model, &alias.name);
        check_model(model)?;
        let entry = self.at(model, at).await?.ok_or_else(|| self.no_model(model))?;
        let digest = entry.aliases.get(name).copied().ok_or_else(|| no_alias(&entry, name))?;
        Ok(Resolved { alias: alias.clone(), digest, seq: entry.seq })
    }

    /// Where an alias points now, or nothing where it (or the model) does not exist yet.
    ///
    /// # Errors
    /// When the log is damaged or the store does not answer.
    pub async fn find(&self, alias: &Alias) -> Result<Option<Digest>, RegistryError> {
        check_model(&alias.model)?;
        let tip = self.tip(&alias.model).await?;
        Ok(tip.and_then(|entry| entry.aliases.get(&alias.name).copied()))
    }

    /// The whole history of a model, oldest entry first, with the chain checked.
    ///
    /// # Errors
    /// When the model does not exist or its log is damaged.
    pub async fn history(&self, model: &str) -> Result<Vec<AliasEntry>, RegistryError> {
        check_model(model)?;
        let entries = self.entries(model).await?;
        if entries.is_empty() { Err(self.no_model(model)) } else { Ok(entries) }
    }

    /// Moves several aliases of a model at once, if all of them are where the caller expects them:
    /// a compare-and-swap. Everything that an alias newly points to is re-hashed first.
    ///
    /// # Errors
    /// [`RegistryError::Conflict`] when an alias is somewhere else; also when a variant is not
    /// registered or is damaged, or the store cannot be written.
    pub async fn move_aliases(&self, model: &str, change: Move) -> Result<Moved, RegistryError> {
        check_model(model)?;
        for name in change.expect.keys().chain(change.set.keys()) {
            check_alias(name)?;
        }
        for digest in change.set.values().flatten() {
            self.check_variant(model, digest).await?;
        }
        let decide = |tip: Option<&AliasEntry>| {
            compare(model, tip, &change.expect)?;
            let mut state = State::of(tip);
            for (name, digest) in &change.set {
                set_alias(&mut state, tip, name, *digest);
            }
            Ok(state)
        };
        self.commit(model, change.action, &change.note, &decide).await
    }

    /// Sends an alias back to the variant it pointed to before. Rolling back twice goes back two
    /// promotions: a variant that was rolled back from is not returned to.
    ///
    /// # Errors
    /// [`RegistryError::NothingBefore`] when there is nothing to return to,
    /// [`RegistryError::Conflict`] when somebody moves the alias meanwhile, and when the earlier
    /// variant is damaged.
    pub async fn rollback(&self, alias: &Alias, note: Note) -> Result<Moved, RegistryError> {
        let (model, name) = (&alias.model, &alias.name);
        check_model(model)?;
        let tip = self.tip(model).await?.ok_or_else(|| self.no_model(model))?;
        // A repeated call must give the first result although the alias has moved since, so the
        // target is only demanded when the key turns out to be new.
        let target = self.target(&tip, name).await;
        if let Ok((_, to)) = &target {
            self.check_variant(model, &to.digest).await?;
        }
        let decide = |now: Option<&AliasEntry>| {
            let (from, to) = target.as_ref().map_err(|why| nothing_before(alias, why))?;
            compare(model, now, &BTreeMap::from([(name.clone(), *from)]))?;
            let mut state = State::of(now);
            state.aliases.insert(name.clone(), to.digest);
            state.back.remove(name);
            state.back.extend(to.back.map(|seq| (name.clone(), seq)));
            Ok(state)
        };
        self.commit(model, Action::Rollback, &note, &decide).await
    }

    /// Appends and then brings the projection up to date, in this order: the log is the truth.
    pub(super) async fn commit(
        &self,
        model: &str,
        action: Action,
        note: &Note,
        decide: super::log::Change<'_>,
    ) -> Result<Moved, RegistryError> {
        for digest in &note.evidence {
            self.check_evidence(digest).await?;
        }
        self.ensure_layout().await?;
        let (entry, applied) = self.append(model, action, note, decide).await?;
        self.project(model).await?;
        Ok(Moved { entry, applied })
    }

    async fn at(&self, model: &str, at: At) -> Result<Option<AliasEntry>, RegistryError> {
        let mut entry = match at {
            At::Seq(0) => None,
            At::Seq(seq) => self.entry(model, seq).await?,
            At::Now | At::Date(_) => self.tip(model).await?,
        };
        if let At::Date(day) = at {
            while let Some(late) = entry.as_ref().filter(|e| e.date() > day) {
                let before = late.seq - 1;
                entry = if before == 0 { None } else { self.entry(model, before).await? };
            }
        }
        Ok(entry)
    }

    /// Where an alias is and the state that a rollback of it returns to.
    async fn target(
        &self,
        tip: &AliasEntry,
        name: &str,
    ) -> Result<(Option<Digest>, Target), String> {
        let from = tip.aliases.get(name).copied();
        let mut back = tip.back.get(name).copied();
        while let Some(seq) = back {
            let entry = self.entry(&tip.model, seq).await.map_err(|e| e.to_string())?;
            let Some(entry) = entry else {
                return Err(format!(
                    "entry {seq} of the log is missing; run `fqm-pipe registry verify`"
                ));
            };
            // Pointers lead to earlier entries only; anything else would never end.
            back = entry.back.get(name).copied().filter(|before| *before < seq);
            match entry.aliases.get(name) {
                Some(digest) if Some(*digest) != from => {
                    return Ok((from, Target { digest: *digest, back }));
                }
                _ => {}
            }
        }
        Err(match from {
            None => no_alias(tip, name).to_string(),
            Some(only) => format!(
                "it has not pointed to anything before {}; promote another variant instead: `fqm-pipe registry promote`",
                only.short()
            ),
        })
    }

    pub(super) fn no_model(&self, model: &str) -> RegistryError {
        RegistryError::NoModel { model: model.to_owned(), place: self.store().place("") }
    }
}

/// The state of one alias that a rollback returns to.
struct Target {
    digest: Digest,
    back: Option<u64>,
}

fn nothing_before(alias: &Alias, why: &str) -> RegistryError {
    RegistryError::NothingBefore {
        model: alias.model.clone(),
        alias: alias.name.clone(),
        why: why.to_owned(),
    }
}

/// Refuses where an alias is not where it is expected.
fn compare(
    model: &str,
    tip: Option<&AliasEntry>,
    expect: &BTreeMap<String, Option<Digest>>,
) -> Result<(), RegistryError> {
    for (name, expected) in expect {
        let found = tip.and_then(|entry| entry.aliases.get(name).copied());
        if found != *expected {
            return Err(RegistryError::Conflict {
                model: model.to_owned(),
                alias: name.clone(),
                expected: *expected,
                found,
                seq: tip.map_or(0, |entry| entry.seq),
            });
        }
    }
    Ok(())
}

/// Sets one alias and remembers the state before it, which is what a rollback returns to. The
/// pointers form one stack per alias, held by the log itself.
fn set_alias(state: &mut State, tip: Option<&AliasEntry>, name: &str, to: Option<Digest>) {
    let before = state.aliases.get(name).copied();
    if before == to {
        return;
    }
    if let (Some(_), Some(tip)) = (before, tip) {
        state.back.insert(name.to_owned(), tip.seq);
    }
    match to {
        Some(digest) => state.aliases.insert(name.to_owned(), digest),
        None => state.aliases.remove(name),
    };
}

pub(super) fn no_alias(entry: &AliasEntry, name: &str) -> RegistryError {
    let names: Vec<_> = entry.aliases.keys().map(|name| format!("`{name}`")).collect();
    let known = match names.as_slice() {
        [] => "are no aliases yet; `fqm-pipe registry promote` sets one".to_owned(),
        _ => format!("are {}", names.join(", ")),
    };
    RegistryError::NoAlias { model: entry.model.clone(), alias: name.to_owned(), known }
}
