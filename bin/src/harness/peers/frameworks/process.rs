//! A program that runs in a process group of its own, within limits, and what the system says that it took.

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
    /// Resident memory; looked at every few milliseconds, so that more is had for a moment.
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
    /// Highest resident memory that was seen.
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
        interrupt::watch();
        let mut open = interrupt::open();
        builder.create(&path).map_err(|e| Error::io(&path, e))?;
        open.folders.push(path.clone());
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
        interrupt::open().folders.retain(|path| *path != self.0);
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

/// Ctrl-C ends the running group too, as the terminal signals ours alone, and removes the folders.
mod interrupt {
    use std::path::PathBuf;
    use std::sync::{Mutex, MutexGuard, Once, PoisonError};

    #[derive(Debug, Default)]
    pub(super) struct Open {
        pub(super) folders: Vec<PathBuf>,
        #[cfg(unix)]
        pub(super) group: Option<rustix::process::Pid>,
    }

    /// What an interrupted process exits with.
    const INTERRUPTED: i32 = 130;

    static OPEN: Mutex<Open> = Mutex::new(Open {
        folders: Vec::new(),
        #[cfg(unix)]
        group: None,
    });

    pub(super) fn open() -> MutexGuard<'static, Open> {
        OPEN.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn watch() {
        static HANDLER: Once = Once::new();
        HANDLER.call_once(|| {
            // Where a signal is ignored, as under nohup, it stays so.
            let _ = ctrlc::try_set_handler(|| {
                // Held to the end: nothing starts and nothing is made meanwhile.
                let open = open();
                #[cfg(unix)]
                if let Some(group) = open.group {
                    let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
                }
                open.folders.iter().for_each(|path| drop(std::fs::remove_dir_all(path)));
                std::process::exit(INTERRUPTED);
            });
        });
    }
}

#[cfg(unix)]
mod unix {
    use super::{Failure, Finished, Limits, NOT_INSTALLED, interrupt};
    use crate::table;
    use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
    use std::io::{ErrorKind, Read};
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Command, ExitStatus, Stdio};
    use std::sync::mpsc::{Receiver, channel};
    use std::time::{Duration, Instant};

    /// Time between two looks at a process.
    const TICK: Duration = Duration::from_millis(5);
    /// Bytes of an output that are kept.
    const KEPT: u64 = 16 << 20;
    /// How long to wait for the end of an output whose processes were all killed.
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
            let mut open = interrupt::open();
            let child = command.spawn().map_err(|e| not_started(&command, &e))?;
            let pid = Pid::from_child(&child);
            open.group = Some(pid);
            (child, pid)
        };
        let stdout = child.stdout.take().map(drain);
        let stderr = child.stderr.take().map(drain);
        let (ended, peak) = watch(pid, start, limits);
        let wall_s = start.elapsed().as_secs_f64();
        let mut open = interrupt::open();
        // What it left running goes with it. The group's number is its own until it is waited for.
        let _ = kill_process_group(pid, Signal::KILL);
        if !matches!(ended, Ended::ByItself) {
            zombie(pid);
        }
        let cpu_s = cpu_s(pid);
        let status = child.wait();
        open.group = None;
        drop(open);

        let [stdout, stderr] = [stdout, stderr].map(|output| {
            let bytes = output.and_then(|output| output.recv_timeout(LAST_WORDS).ok());
            String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
        });
        let had = peak.map(|bytes| format!(" (it had up to {})", table::bytes(bytes))).unwrap_or_default();
        match ended {
            Ended::TimedOut => {
                let reason = format!("it was ended after {:.0} s{had}", limits.timeout.as_secs_f64());
                return Err(Failure::Timeout(reason));
            }
            Ended::TooLarge => {
                let limit = limits.memory_bytes.map(table::bytes).unwrap_or_default();
                return Err(Failure::OutOfMemory(format!("it took more than the {limit} that it may")));
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
            let _ = source.by_ref().take(KEPT).read_to_end(&mut kept);
            let _ = std::io::copy(&mut source, &mut std::io::sink());
            let _ = sender.send(kept);
        });
        receiver
    }

    /// Returns when the process has ended, which it is not waited for, or has passed a limit.
    fn watch(pid: Pid, start: Instant, limits: Limits) -> (Ended, Option<u64>) {
        let mut peak = None;
        loop {
            if has_ended(pid, WaitIdOptions::NOHANG) {
                return (Ended::ByItself, peak);
            }
            let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero()));
            let status = status.unwrap_or_default();
            peak = peak.max(kib(&status, "VmHWM:"));
            if limits.memory_bytes.is_some_and(|limit| kib(&status, "VmRSS:") > Some(limit)) {
                return (Ended::TooLarge, peak);
            }
            if start.elapsed() >= limits.timeout {
                return (Ended::TimedOut, peak);
            }
            std::thread::sleep(TICK);
        }
    }

    fn has_ended(pid: Pid, hang: WaitIdOptions) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | hang;
        // An error cannot be mended by looking again.
        !matches!(waitid(WaitId::Pid(pid), options), Ok(None))
    }

    /// Waits until a killed process has ended, and leaves it to be asked for its times.
    fn zombie(pid: Pid) {
        has_ended(pid, WaitIdOptions::empty());
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
        fn last_words_are_the_last_error() {
            assert_eq!(last_words("error: one\nerror: two\n  do this\n"), "two");
            assert_eq!(last_words("thread panicked\n\n"), "thread panicked");
            assert_eq!(last_words(""), "");
            assert_eq!(last_words(&"x".repeat(1000)).len(), 300);
        }
    }
}
