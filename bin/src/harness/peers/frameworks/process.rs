//! A program that runs in a process group of its own, within limits, and what the system says that it took.

use crate::interrupt;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use zkwatt::{Error, Result};

/// What a program that cannot run for want of an installation exits with: EX_UNAVAILABLE of sysexits.h.
pub const NOT_INSTALLED: i32 = 69;

/// What one process may take.
#[derive(Copy, Clone, Debug)]
pub struct Limits {
    /// Wall time.
    pub timeout: Duration,
    /// Resident memory of its group; looked at every few milliseconds, so that more is had for a moment.
    pub memory_bytes: Option<u64>,
}

/// A process that ended well.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// What it wrote to standard output.
    pub stdout: String,
    /// From its start to its end.
    pub wall_s: f64,
    /// User and system time of its threads and of the processes that it waited for, in the system's ticks.
    pub cpu_s: Option<f64>,
    /// Highest resident memory of its group that was seen; what processes share counts for each of them.
    pub peak_rss_bytes: Option<u64>,
}

/// Why a process gave no result. Shown as records carry it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It ran for too long.
    Timeout(String),
    /// It took more memory than there is or than it may.
    OutOfMemory(String),
    /// All else.
    Failed(String),
    /// It says that what it runs is not installed.
    NotInstalled(String),
}

impl Failure {
    /// The kind, for a cell of a table.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Timeout(_) => "timeout",
            Self::OutOfMemory(_) => "out of memory",
            Self::Failed(_) | Self::NotInstalled(_) => "failed",
        }
    }

    /// What happened.
    pub fn reason(&self) -> &str {
        let (Self::Timeout(reason)
        | Self::OutOfMemory(reason)
        | Self::Failed(reason)
        | Self::NotInstalled(reason)) = self;
        reason
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind(), self.reason())
    }
}

/// A temporary folder, which goes with its owner, and if this process is interrupted.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// An empty one, for its owner alone.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn new() -> Result<Self> {
        use std::sync::atomic::{AtomicU32, Ordering};
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("zkwatt-peers-{}-{number}", std::process::id()));
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        interrupt::make_folder(&path, || builder.create(&path)).map_err(|e| Error::io(&path, e))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
        interrupt::unfinished().retain(|path| path != self.0);
    }
}

/// Runs a program to its end, or ends it with all of its group.
///
/// # Errors
/// A [`Failure`], for whatever else than an exit with 0.
#[cfg(unix)]
pub fn run(command: Command, limits: Limits) -> Result<Finished, Failure> {
    unix::run(command, limits)
}

/// Runs a program to its end.
///
/// # Errors
/// [`Failure::Failed`] on this system.
#[cfg(not(unix))]
pub fn run(_command: Command, _limits: Limits) -> Result<Finished, Failure> {
    Err(Failure::Failed("programs are measured on Unix only".into()))
}

#[cfg(unix)]
mod unix {
    use super::{Failure, Finished, Limits, NOT_INSTALLED};
    use crate::{interrupt, table};
    use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
    use std::io::{ErrorKind, Read};
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Command, ExitStatus, Stdio};
    use std::sync::mpsc::{Receiver, channel};
    use std::time::{Duration, Instant};

    /// Time between two looks at a process.
    const TICK: Duration = Duration::from_millis(5);
    /// Bytes of an output that are kept: its last, which hold what is asked for and why it failed.
    const KEPT: usize = 16 << 20;
    /// Time between two searches for the members of a group, and how many times as long as a search itself, so that a
    /// system of many processes is not kept busy by it.
    const SEARCH: Duration = Duration::from_millis(50);
    const SEARCH_SHARE: u32 = 50;
    /// How long to wait for processes that were killed, and then for the end of their output.
    const LAST_WORDS: Duration = Duration::from_secs(2);

    enum Ended {
        ByItself,
        TimedOut,
        TooLarge,
    }

    pub(super) fn run(mut command: Command, limits: Limits) -> Result<Finished, Failure> {
        interrupt::watch();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let start = Instant::now();
        let (mut child, pid) = {
            let mut unfinished = interrupt::unfinished();
            let child = command.spawn().map_err(|e| not_started(&command, &e))?;
            let pid = Pid::from_child(&child);
            unfinished.group = Some(pid);
            (child, pid)
        };
        let stdout = child.stdout.take().map(drain);
        let stderr = child.stderr.take().map(drain);
        let (ended, peak) = watch(pid, start, limits);
        let wall_s = start.elapsed().as_secs_f64();
        // What it left running goes with it. The group's number is its own until it is waited for, so that nobody else is
        // hit by this, nor by an interrupt meanwhile.
        let _ = kill_process_group(pid, Signal::KILL);
        let is_gone = ends_within(LAST_WORDS, pid);
        let cpu_s = cpu_s(pid);
        let mut unfinished = interrupt::unfinished();
        // One that a device holds back even from this signal may do so for ever, and Ctrl-C would wait for the lock.
        let status = if is_gone { child.wait() } else { Err(ErrorKind::TimedOut.into()) };
        unfinished.group = None;
        drop(unfinished);

        let [stdout, stderr] = [stdout, stderr].map(|output| {
            let bytes = output.and_then(|output| output.recv_timeout(LAST_WORDS).ok());
            String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
        });
        let had = peak.map(|bytes| format!(" (it had up to {})", table::bytes(bytes))).unwrap_or_default();
        let stays = if is_gone { "" } else { "; the system has not ended it yet" };
        match ended {
            Ended::TimedOut => {
                let reason = format!("it was ended after {:.0} s{had}{stays}", limits.timeout.as_secs_f64());
                return Err(Failure::Timeout(reason));
            }
            Ended::TooLarge => {
                let limit = limits.memory_bytes.map(table::bytes).unwrap_or_default();
                return Err(Failure::OutOfMemory(format!(
                    "it took more than the {limit} that it may{stays}"
                )));
            }
            Ended::ByItself => {}
        }
        let status = status.map_err(|e| Failure::Failed(format!("it could not be waited for: {e}")))?;
        if status.success() {
            return Ok(Finished { stdout, wall_s, cpu_s, peak_rss_bytes: peak });
        }
        Err(failure(status, &stderr, &had))
    }

    fn not_started(command: &Command, error: &std::io::Error) -> Failure {
        let program = command.get_program().to_string_lossy();
        let reason = format!("{program} did not start: {error}");
        match error.kind() {
            ErrorKind::NotFound => Failure::NotInstalled(reason),
            _ => Failure::Failed(reason),
        }
    }

    /// Reads to the end, so that the process never waits for us, and hands over what is kept.
    fn drain(mut source: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            // A pipe that breaks has ended.
            while source.by_ref().take(KEPT as u64).read_to_end(&mut kept).is_ok_and(|read| read > 0) {
                kept.drain(..kept.len().saturating_sub(KEPT));
            }
            kept.drain(..kept.len().saturating_sub(KEPT));
            let _ = sender.send(kept);
        });
        receiver
    }

    /// Returns when the process has ended, which it is not waited for, or has passed a limit.
    fn watch(pid: Pid, start: Instant, limits: Limits) -> (Ended, Option<u64>) {
        let mut group = Group::new(pid);
        loop {
            if has_ended(pid) {
                return (Ended::ByItself, group.peak);
            }
            let resident = group.resident();
            let peak = group.peak;
            if limits.memory_bytes.is_some_and(|limit| resident > Some(limit)) {
                return (Ended::TooLarge, peak);
            }
            if start.elapsed() >= limits.timeout {
                return (Ended::TimedOut, peak);
            }
            std::thread::sleep(TICK);
        }
    }

    /// The resident memory of a process group, by what Linux tells of its members.
    struct Group {
        leader: i32,
        members: Vec<i32>,
        search_at: Instant,
        before: Option<u64>,
        peak: Option<u64>,
    }

    impl Group {
        fn new(leader: Pid) -> Self {
            let leader = leader.as_raw_nonzero().get();
            Self { leader, members: vec![leader], search_at: Instant::now(), before: None, peak: None }
        }

        /// What its members hold now, as far as they held it at the last look too: a child has all of its parent's memory
        /// until it runs a program of its own, and that is not taken twice.
        fn resident(&mut self) -> Option<u64> {
            self.search();
            let mut now = None;
            for member in &self.members {
                let status = std::fs::read_to_string(format!("/proc/{member}/status")).unwrap_or_default();
                now = kib(&status, "VmRSS:").map(|bytes| now.unwrap_or(0) + bytes).or(now);
                // The system misses no moment of a single process.
                self.peak = self.peak.max(kib(&status, "VmHWM:"));
            }
            let resident = now.min(self.before.replace(now.unwrap_or(0)));
            self.peak = self.peak.max(resident);
            resident
        }

        /// Looks for members, if it is time to.
        fn search(&mut self) {
            let start = Instant::now();
            if start < self.search_at {
                return;
            }
            let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
            let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
            let is_member = |pid: &i32| {
                let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
                *pid == self.leader || stat.is_ok_and(|stat| group_of(&stat) == Some(self.leader))
            };
            let members = pids.filter(is_member).collect();
            self.members = members;
            self.search_at = Instant::now() + SEARCH.max(start.elapsed() * SEARCH_SHARE);
        }
    }

    /// The process group, field 5.
    fn group_of(stat: &str) -> Option<i32> {
        let (_, after) = stat.rsplit_once(')')?;
        after.split_whitespace().nth(2)?.parse().ok()
    }

    /// Whether a process has ended; it is not waited for, and so can still be asked for its times.
    fn has_ended(pid: Pid) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        // An error cannot be mended by looking again.
        !matches!(waitid(WaitId::Pid(pid), options), Ok(None))
    }

    /// Whether a process ends within this time.
    fn ends_within(time: Duration, pid: Pid) -> bool {
        let start = Instant::now();
        while !has_ended(pid) {
            if start.elapsed() >= time {
                return false;
            }
            std::thread::sleep(TICK);
        }
        true
    }

    fn kib(status: &str, field: &str) -> Option<u64> {
        let value = status.lines().find_map(|line| line.strip_prefix(field))?;
        value.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
    }

    /// User and system time of a process that has ended, with that of what it waited for; Linux alone tells.
    fn cpu_s(pid: Pid) -> Option<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
        ticks(&stat).map(|ticks| ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
    }

    /// The sum of utime, stime, cutime and cstime, fields 14 to 17; the second may hold spaces and parentheses.
    fn ticks(stat: &str) -> Option<u64> {
        let (_, after) = stat.rsplit_once(')')?;
        let fields: Vec<u64> =
            after.split_whitespace().skip(11).take(4).map_while(|field| field.parse().ok()).collect();
        (fields.len() == 4).then(|| fields.iter().sum())
    }

    /// Words by which programs say that memory ran out, in lower case.
    const MEMORY: [&str; 5] =
        ["out of memory", "memoryerror", "memory allocation of", "bad_alloc", "cannot allocate memory"];

    fn failure(status: ExitStatus, stderr: &str, had: &str) -> Failure {
        let said = last_words(stderr);
        let killed = status.signal() == Some(Signal::KILL.as_raw()) || status.code() == Some(128 + 9);
        if killed {
            let reason = "it was killed by signal 9, as systems do when memory runs out";
            return Failure::OutOfMemory(format!("{reason}{had}"));
        }
        let ending = match (status.code(), status.signal()) {
            (Some(code), _) => format!("it ended with exit code {code}"),
            (None, Some(signal)) => format!("it was killed by signal {signal}"),
            (None, None) => "it ended".into(),
        };
        let reason = if said.is_empty() { ending } else { format!("{ending}: {said}") };
        let lower = stderr.to_lowercase();
        if status.code() == Some(NOT_INSTALLED) {
            Failure::NotInstalled(said)
        } else if MEMORY.iter().any(|words| lower.contains(words)) {
            Failure::OutOfMemory(format!("{reason}{had}"))
        } else {
            Failure::Failed(reason)
        }
    }

    /// The last error that a program reported, or else its last line; short and on one line.
    fn last_words(stderr: &str) -> String {
        const LONGEST: usize = 300;
        let lines = || stderr.lines().map(str::trim).filter(|line| !line.is_empty()).rev();
        let line = lines().find(|line| line.starts_with("error:")).or_else(|| lines().next());
        line.unwrap_or_default().trim_start_matches("error:").trim().chars().take(LONGEST).collect()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn ticks_of_a_name_with_parentheses() {
            let stat = "12 (a) b (c) Z 1 12 12 0 -1 0 5 6 7 8 100 20 3 4 20 0 1 0 99 0 0";
            assert_eq!(ticks(stat), Some(127));
            assert_eq!(ticks("12 (x) Z 1 2"), None);
        }

        #[test]
        fn the_group_of_a_name_with_parentheses() {
            assert_eq!(group_of("12 (a) b (c) S 1 77 12 0 -1 0"), Some(77));
            assert_eq!(group_of("12 (x) Z 1"), None);
        }

        #[test]
        fn the_last_bytes_of_an_output_are_kept() {
            let text = |bytes: usize| std::io::repeat(b'x').take(bytes as u64).chain(&b"end"[..]);
            let last = |bytes| drain(text(bytes)).recv().unwrap();
            assert_eq!(last(5), b"xxxxxend");
            for bytes in [KEPT - 3, KEPT, 3 * KEPT + 1] {
                let kept = last(bytes);
                assert!(kept.len() == KEPT && kept.ends_with(b"xend"), "{bytes}: {}", kept.len());
            }
        }

        #[test]
        fn a_process_that_runs_does_not_hold_up_its_end() {
            let mut child = Command::new("sleep").arg("60").spawn().unwrap();
            let pid = Pid::from_child(&child);
            assert!(!ends_within(Duration::from_millis(20), pid));
            child.kill().unwrap();
            assert!(ends_within(Duration::from_secs(30), pid));
            child.wait().unwrap();
        }

        #[test]
        fn last_words_are_the_last_error() {
            assert_eq!(last_words("error: one\nerror: two\n  do this\n"), "two");
            assert_eq!(last_words("thread panicked\n\n"), "thread panicked");
            assert_eq!(last_words(""), "");
            assert_eq!(last_words(&"x".repeat(1000)).len(), 300);
        }
    }
}
