//! Who a process is, so that another can tell whether it still lives: a process id alone is given
//! again after a while, and to somebody else after a reboot. And what a process has used.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use super::events::Event;

/// A process of a machine: its id counts only together with the boot and the start time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// The machine's name.
    pub host: String,
    /// The kernel's id of the boot.
    pub boot: String,
    /// The process id.
    pub pid: u32,
    /// When the process started, in clock ticks since the boot.
    pub started: u64,
}

impl Process {
    /// This process.
    pub fn current() -> Self {
        let pid = std::process::id();
        Self { host: host(), boot: boot(), pid, started: start_of(pid).unwrap_or(0) }
    }

    /// Whether it still runs; `None` where that cannot be told from this machine.
    pub fn is_alive(&self) -> Option<bool> {
        if self.boot == boot() {
            return Some(start_of(self.pid) == Some(self.started));
        }
        // The same machine after a reboot has none of its old processes.
        (self.host == host()).then_some(false)
    }

    /// Sends it a signal, where it still runs on this machine.
    ///
    /// # Errors
    /// When it is gone, runs elsewhere, or belongs to somebody else.
    pub fn signal(&self, signal: Signal) -> Result<(), String> {
        match self.is_alive() {
            Some(true) => (),
            Some(false) => return Err(format!("process {} has ended", self.pid)),
            None => return Err(format!("process {} runs on {}", self.pid, self.host)),
        }
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| format!("{} is no process id", self.pid))?;
        kill_process(pid, signal).map_err(|e| format!("process {}: {e}", self.pid))
    }
}

impl std::fmt::Display for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} on {}", self.pid, self.host)
    }
}

/// What a step cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// CPU time of its process in seconds, user and system.
    pub cpu_seconds: f64,
    /// The most memory that its process held, in bytes.
    pub peak_bytes: u64,
}

impl Usage {
    /// What this process has used up to now.
    pub fn of_this_process() -> Self {
        // The kernel tells times in hundredths of a second, whatever its own clock does.
        let ticks = |fields: Vec<&str>| {
            fields.iter().filter_map(|field| field.parse::<u64>().ok()).sum::<u64>() as f64
        };
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let fields = stat.rfind(')').and_then(|at| stat.get(at + 1..)).unwrap_or_default();
        let times = fields.split_whitespace().skip(11).take(2).collect();
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = peak.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
        Self { cpu_seconds: ticks(times) / 100.0, peak_bytes: kib.unwrap_or(0) << 10 }
    }

    /// The event that tells it.
    pub fn of(self, step: &str) -> Event {
        let Self { cpu_seconds, peak_bytes } = self;
        Event::Usage { step: step.to_owned(), cpu_seconds, peak_bytes }
    }
}

fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    id.map(|id| id.trim().to_owned()).unwrap_or_default()
}

/// The 22nd field of `/proc/PID/stat`; the second may hold spaces and parentheses. A process that has
/// ended and was not waited for yet counts as gone.
fn start_of(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_whitespace();
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_alive_until_it_ends_and_its_number_alone_says_nothing() {
        let here = Process::current();
        assert_eq!(here.is_alive(), Some(true));
        let reused = Process { started: here.started + 1, ..here.clone() };
        assert_eq!(reused.is_alive(), Some(false));
        let rebooted = Process { boot: "earlier".to_owned(), ..here.clone() };
        assert_eq!(rebooted.is_alive(), Some(false));
        let elsewhere = Process { host: "elsewhere".to_owned(), ..rebooted };
        assert_eq!(elsewhere.is_alive(), None);
        assert!(elsewhere.signal(Signal::TERM).unwrap_err().contains("runs on elsewhere"));
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = child.id();
        let sleeping = Process { pid, started: start_of(pid).unwrap(), ..here };
        assert_eq!(sleeping.is_alive(), Some(true));
        sleeping.signal(Signal::TERM).unwrap();
        child.wait().unwrap();
        assert_eq!(sleeping.is_alive(), Some(false));
        assert!(sleeping.signal(Signal::TERM).unwrap_err().contains("has ended"));
    }
}
