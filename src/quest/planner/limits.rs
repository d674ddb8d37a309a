//! How much a search may do, and the count of what it did.

use std::time::{Duration, Instant};

/// Bytes of a mebibyte.
const MIB: usize = 1024 * 1024;
/// Expansions between two looks at the clock.
const CLOCK_EVERY: u64 = 64;

/// How much a search may do. With limits on states and memory alone the same world gives the same
/// answer on every machine; a limit on CPU time is for tools that must answer in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SolveLimits {
    /// Most states of the breadth-first search.
    pub bfs_states: usize,
    /// Most states of the greedy search for any plan; 0 leaves it out.
    pub greedy_states: usize,
    /// Most states of A*; with 0 it only bounds the start.
    pub astar_states: usize,
    /// Most states of value iteration.
    pub value_states: usize,
    /// Most memory for the states of one search, in bytes.
    pub memory: usize,
    /// Most CPU time of the calling thread for a whole solution.
    pub cpu: Option<Duration>,
}

impl SolveLimits {
    const DEFAULT: Self = Self {
        bfs_states: 20_000,
        greedy_states: 200_000,
        astar_states: 1_000_000,
        value_states: 40_000,
        memory: 1024 * MIB,
        cpu: None,
    };

    /// Nothing but breadth-first search, of at most this many states.
    pub const fn breadth_first(states: usize) -> Self {
        Self { bfs_states: states, greedy_states: 0, astar_states: 0, ..Self::DEFAULT }
    }
}

impl Default for SolveLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// CPU time of this thread so far. Where the system does not tell it, time by the clock, which is
/// never less.
fn cpu_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split_ascii_whitespace().next()?.parse().ok()?))
}

/// A point in CPU time.
#[derive(Debug, Clone, Copy)]
enum Deadline {
    Cpu(Duration),
    Clock(Instant),
}

impl Deadline {
    fn after(time: Duration) -> Self {
        match cpu_time() {
            Some(now) => Self::Cpu(now + time),
            None => Self::Clock(Instant::now() + time),
        }
    }

    fn passed(self) -> bool {
        match self {
            Self::Cpu(end) => cpu_time().is_none_or(|now| now >= end),
            Self::Clock(end) => Instant::now() >= end,
        }
    }
}

/// What a solution has used so far, over all its searches.
#[derive(Debug)]
pub(in crate::quest) struct Budget {
    /// States expanded.
    pub expanded: u64,
    memory: usize,
    deadline: Option<Deadline>,
    late: bool,
    looks: u64,
}

impl Budget {
    pub(in crate::quest) fn new(limits: &SolveLimits) -> Self {
        Self {
            expanded: 0,
            memory: limits.memory,
            deadline: limits.cpu.map(Deadline::after),
            late: false,
            looks: 0,
        }
    }

    /// Whether a search that holds so many bytes must stop; asked once an expansion.
    pub(super) fn spent(&mut self, bytes: usize) -> bool {
        self.looks += 1;
        if self.looks.is_multiple_of(CLOCK_EVERY) {
            self.late |= self.deadline.is_some_and(Deadline::passed);
        }
        self.late || bytes >= self.memory
    }

    /// Most memory of one search, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.memory
    }

    /// Whether the time is over.
    pub(super) fn late(&self) -> bool {
        self.late
    }
}
