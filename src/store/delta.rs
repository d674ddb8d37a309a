//! Delta tables over [`core::Store`](crate::core::Store): opening, creating, and the append that
//! happens once however often it is tried.

use std::collections::HashMap;
use std::sync::Arc;

use deltalake::DeltaTable;
use deltalake::DeltaTableError;
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TransactionError};
use deltalake::kernel::{Action, Add, StructType, Transaction};
use deltalake::logstore::{LogStoreRef, StorageConfig, default_logstore};
use deltalake::protocol::{DeltaOperation, SaveMode};
use object_store::ObjectStore;
use object_store::prefix::PrefixStore;
use url::Url;

use super::error::TableError;
use super::schema::{PARTITION, Table};
use crate::core::Store;

/// How often an append is tried before it gives up. Each lost round means that another one landed.
const ATTEMPTS: usize = 100;
/// A checkpoint is written whenever the version is a multiple of this.
const CHECKPOINT_EVERY: u64 = 20;

/// The feature store: its Delta tables and the manifests of its batches, below one root.
#[derive(Clone, Debug)]
pub struct Tables {
    store: Store,
}

/// What an append did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Appended {
    /// The rows are in the table as of this version.
    New(u64),
    /// They were there before; the table is at this version.
    Already(u64),
}

impl Appended {
    pub(super) fn version(self) -> u64 {
        match self {
            Self::New(version) | Self::Already(version) => version,
        }
    }
}

impl Tables {
    /// Opens the tables below a root and creates those that are missing. Several programs may do so
    /// at the same time.
    ///
    /// # Errors
    /// When the store cannot be read or written, or holds something else under a table's name.
    pub async fn open(store: &Store) -> Result<Self, TableError> {
        let tables = Self { store: store.clone() };
        for table in Table::ALL {
            tables.create(table).await?;
        }
        Ok(tables)
    }

    /// The store that holds the tables.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The URL of a table, for messages.
    pub(super) fn place(&self, table: Table) -> String {
        self.store.place(table.name())
    }

    /// Creates a table unless it is there.
    ///
    /// Delta's own retry would let the loser of a race commit a second "create" that replaces the
    /// winner's table, so there is no retry: the loser opens what the winner made.
    async fn create(&self, table: Table) -> Result<(), TableError> {
        let log_store = self.log_store(table)?;
        let failed = |source| TableError::delta("create", self.place(table), source);
        if log_store.is_delta_table_location().await.map_err(failed)? {
            return Ok(());
        }
        let schema: StructType = table
            .delta_schema()
            .as_ref()
            .try_into_kernel()
            .map_err(|source| TableError::Arrow { place: self.place(table), source })?;
        let created = DeltaTable::new(log_store)
            .create()
            .with_table_name(table.name())
            .with_columns(schema.fields().cloned())
            .with_partition_columns([PARTITION])
            .with_save_mode(SaveMode::Ignore)
            .with_configuration([("delta.enableDeletionVectors", Some("false"))])
            .with_commit_properties(CommitProperties::default().with_max_retries(0))
            .await;
        match created {
            Ok(_) => Ok(()),
            Err(e) if lost_race(&e) => self.load(table).await.map(drop),
            Err(e) => Err(failed(e)),
        }
    }

    /// The newest state of a table.
    pub(super) async fn load(&self, table: Table) -> Result<DeltaTable, TableError> {
        let mut delta = DeltaTable::new(self.log_store(table)?);
        let loaded = delta.load().await;
        loaded.map_err(|source| TableError::delta("open", self.place(table), source))?;
        Ok(delta)
    }

    /// Adds files to a table in one commit that carries the transaction `(app, number)`, unless that
    /// transaction or a later one of `app` is in the table already.
    pub(super) async fn append(
        &self,
        table: Table,
        files: Vec<Add>,
        app: &str,
        number: i64,
    ) -> Result<Appended, TableError> {
        let actions: Vec<Action> = files.into_iter().map(Action::Add).collect();
        let operation = DeltaOperation::Write {
            mode: SaveMode::Append,
            partition_by: Some(vec![PARTITION.to_owned()]),
            predicate: None,
        };
        for _ in 0..ATTEMPTS {
            let delta = self.load(table).await?;
            let failed = |source| TableError::delta("read", self.place(table), source);
            let state = delta.snapshot().map_err(failed)?;
            let seen = state.transaction_version(delta.log_store().as_ref(), app).await;
            if seen.map_err(failed)?.is_some_and(|seen| seen >= number) {
                return Ok(Appended::Already(state.version()));
            }
            let txn = Transaction::new(app, number);
            if let Some(version) =
                self.commit(table, &delta, actions.clone(), operation.clone(), Some(txn)).await?
            {
                self.checkpoint_when_due(table, version).await?;
                return Ok(Appended::New(version));
            }
        }
        Err(TableError::Contended { place: self.place(table), attempts: ATTEMPTS })
    }

    /// Tries one commit on top of exactly the given state. None: another writer was first.
    pub(super) async fn commit(
        &self,
        table: Table,
        delta: &DeltaTable,
        actions: Vec<Action>,
        operation: DeltaOperation,
        txn: Option<Transaction>,
    ) -> Result<Option<u64>, TableError> {
        let failed = |source| TableError::delta("commit to", self.place(table), source);
        // No retry inside Delta: a retry that does not look at the transaction again would commit
        // the same rows twice. Log clean-up is left to `vacuum`.
        let properties = CommitProperties::default()
            .with_application_transactions(txn.into_iter().collect())
            .with_create_checkpoint(false)
            .with_cleanup_expired_logs(Some(false))
            .with_max_retries(0);
        let state = delta.snapshot().map_err(failed)?;
        let done = CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(state), delta.log_store(), operation)
            .await;
        match done {
            Ok(commit) => Ok(Some(commit.version())),
            Err(e) if lost_race(&e) => Ok(None),
            Err(e) => Err(failed(e)),
        }
    }

    async fn checkpoint_when_due(&self, table: Table, version: u64) -> Result<(), TableError> {
        if version == 0 || !version.is_multiple_of(CHECKPOINT_EVERY) {
            return Ok(());
        }
        self.checkpoint(table).await
    }

    /// A log store whose root is this store's root: Delta writes through the same decorated object
    /// store as everything else, so its commits are as durable and as countable.
    fn log_store(&self, table: Table) -> Result<LogStoreRef, TableError> {
        let root: Arc<dyn ObjectStore> =
            Arc::new(PrefixStore::new(self.store.object_store(), self.store.path("")));
        let own: Arc<dyn ObjectStore> =
            Arc::new(PrefixStore::new(self.store.object_store(), self.store.path(table.name())));
        // The URL only names the path below `root`; nothing is opened by it. Its host is of the kind
        // that S3's directory buckets have, by which Delta knows that listings come unsorted, as they
        // do from a local disk, and sorts them itself.
        let text = format!("store://any--x-s3/{}/", table.name());
        let url = Url::parse(&text).map_err(|_| {
            let source = DeltaTableError::InvalidTableLocation(text.clone());
            TableError::delta("open", self.place(table), source)
        })?;
        Ok(default_logstore(own, root, &url, &StorageConfig::default()))
    }
}

/// Whether a commit failed only because another one came first.
fn lost_race(error: &DeltaTableError) -> bool {
    matches!(
        error,
        DeltaTableError::VersionAlreadyExists(_)
            | DeltaTableError::Transaction {
                source: TransactionError::MaxCommitAttempts(_)
                    | TransactionError::CommitConflict(_)
                    | TransactionError::VersionAlreadyExists(_),
            }
    )
}

/// The `add` action of a data file, `path` being relative to the table.
pub(super) fn add_action(path: String, date: String, size: u64, rows: u64, written: i64) -> Add {
    Add {
        path,
        partition_values: HashMap::from([(PARTITION.to_owned(), Some(date))]),
        size: i64::try_from(size).unwrap_or(i64::MAX),
        modification_time: written / 1000,
        data_change: true,
        stats: Some(format!("{{\"numRecords\":{rows}}}")),
        tags: None,
        deletion_vector: None,
        base_row_id: None,
        default_row_commit_version: None,
        clustering_provider: None,
    }
}
