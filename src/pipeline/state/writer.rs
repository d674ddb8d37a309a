//! The one thread that writes. What waits in its queue goes into one transaction (group commit), so
//! that a hundred steps that end together cost one sync of the disk, not a hundred.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, Sender};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use super::{Fence, StateError};
use crate::core::boundary;

/// A write, as the writer carries it out inside its transaction.
pub(super) type Write = Box<dyn FnOnce(&Transaction<'_>) -> Result<(), StateError> + Send>;

/// What the writer is asked for.
pub(super) enum Work {
    /// A write that nobody waits for; a failure shows at the next flush. It fails where a fence is
    /// given and another process has taken the lease since.
    Post(Option<Fence>, Write),
    /// Tells when everything that was asked for before is durable.
    Flush(Sender<Result<(), StateError>>),
}

/// The most writes of one transaction: a bound on what waits for a single commit.
const GROUP: usize = 8192;

/// Writes until every sender is gone.
pub(super) fn write(mut connection: Connection, work: &Receiver<Work>) {
    // After a failed commit nothing that follows may be written: it could rest on what was lost. And a
    // process that lost its lease has nothing left to say.
    let mut failed: Option<StateError> = None;
    while let Ok(first) = work.recv() {
        let mut waiting = Vec::new();
        let ended = match &failed {
            None => group(&mut connection, first, work, &mut waiting),
            Some(error) => {
                refuse(first, &mut waiting);
                Err(error.clone())
            }
        };
        if let Err(error) = &ended {
            failed = Some(error.clone());
        }
        waiting.into_iter().for_each(|reply| drop(reply.send(ended.clone())));
    }
}

fn refuse(work: Work, waiting: &mut Vec<Sender<Result<(), StateError>>>) {
    if let Work::Flush(reply) = work {
        waiting.push(reply);
    }
}

/// Carries out what is in the queue as one transaction.
fn group(
    connection: &mut Connection,
    first: Work,
    queue: &Receiver<Work>,
    waiting: &mut Vec<Sender<Result<(), StateError>>>,
) -> Result<(), StateError> {
    if let Work::Flush(reply) = first {
        // With nothing written since the last commit there is nothing to wait for.
        waiting.push(reply);
        return Ok(());
    }
    boundary("commit");
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut valid = BTreeSet::new();
    let mut next = Some(first);
    let mut writes = 0;
    while let Some(work) = next {
        match work {
            Work::Flush(reply) => waiting.push(reply),
            Work::Post(fence, write) => {
                check(&transaction, fence, &mut valid)?;
                write(&transaction)?;
                writes += 1;
            }
        }
        next = if writes < GROUP { queue.try_recv().ok() } else { None };
    }
    transaction.commit()?;
    boundary("commit done");
    Ok(())
}

fn check(
    transaction: &Transaction<'_>,
    fence: Option<Fence>,
    valid: &mut BTreeSet<Fence>,
) -> Result<(), StateError> {
    let Some(fence) = fence.filter(|fence| !valid.contains(fence)) else { return Ok(()) };
    let mut select = transaction.prepare_cached("SELECT fence FROM leases WHERE name = ?1")?;
    let now: Option<i64> = select.query_row([&*fence.name], |r| r.get(0)).optional()?;
    if now != Some(fence.token) {
        return Err(StateError::Fenced { name: fence.name.to_string() });
    }
    valid.insert(fence);
    Ok(())
}
