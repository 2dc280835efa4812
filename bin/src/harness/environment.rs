//! What a measurement was taken on.

use crate::conditions;
use crate::peers::Peer;
use std::fmt;
use std::sync::OnceLock;

/// The commit that this binary was built from, `-dirty` if the tree had changes.
pub fn commit() -> Option<&'static str> {
    known(env!("ZKWATT_COMMIT"))
}

/// The compiler that built this binary.
pub fn rustc() -> Option<&'static str> {
    known(env!("ZKWATT_RUSTC"))
}

/// Twelve digits of a commit, with its `-dirty`.
fn short_commit(commit: &str) -> String {
    match commit.split_once('-') {
        Some((hash, mark)) => format!("{hash:.12}-{mark}"),
        None => format!("{commit:.12}"),
    }
}

fn known(text: &'static str) -> Option<&'static str> {
    (!text.is_empty()).then_some(text)
}

/// Target features that peers select at compile time, if this build has them.
pub fn target_features() -> Vec<&'static str> {
    [
        ("adx", cfg!(target_feature = "adx")),
        ("bmi2", cfg!(target_feature = "bmi2")),
        ("avx2", cfg!(target_feature = "avx2")),
        ("avx512f", cfg!(target_feature = "avx512f")),
        ("avx512ifma", cfg!(target_feature = "avx512ifma")),
    ]
    .into_iter()
    .filter_map(|(name, on)| on.then_some(name))
    .collect()
}

/// Threads that this process may use.
pub fn available_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Threads other than the caller's that run or wait for a processor at this moment, where the system tells.
pub fn other_running_threads() -> Option<usize> {
    running_threads(&std::fs::read_to_string("/proc/loadavg").ok()?).map(|n| n.saturating_sub(1))
}

/// The fourth field of /proc/loadavg is `running/all`.
fn running_threads(loadavg: &str) -> Option<usize> {
    loadavg.split_whitespace().nth(3)?.split('/').next()?.parse().ok()
}

/// The present in UTC, as RFC 3339 with whole seconds.
pub fn now() -> String {
    format!("{:.0}", jiff::Timestamp::now())
}

/// What records say of the machine; it is looked at once.
pub fn machine() -> &'static Environment {
    static MACHINE: OnceLock<Environment> = OnceLock::new();
    MACHINE.get_or_init(Environment::read)
}

/// The fastest core's clock in MHz, where /proc tells.
pub fn fastest_mhz() -> Option<f64> {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let clock = |line: &str| line.strip_prefix("cpu MHz")?.split_once(':')?.1.trim().parse::<f64>().ok();
    cpuinfo.lines().filter_map(clock).reduce(f64::max)
}

/// The machine, the build and the peers.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The CPU's name.
    pub cpu: Option<String>,
    /// Threads that this process may use.
    pub threads: usize,
    /// Current frequency of the first core in MHz, where it can be read.
    pub mhz: Option<f64>,
    /// Caches of the first core, e.g. `L1d 32K`.
    pub caches: Vec<String>,
    /// Bytes of memory.
    pub memory_bytes: Option<u64>,
    /// The operating system.
    pub os: String,
    /// Frequency governor of the first core, where there is one.
    pub governor: Option<String>,
    /// Temperature of the CPU in degrees Celsius, where it can be read.
    pub temperature_c: Option<f64>,
}

impl Environment {
    /// Looks around.
    pub fn read() -> Self {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        Self {
            cpu: field(&cpuinfo, "model name").or_else(|| sysctl("machdep.cpu.brand_string")),
            threads: available_threads(),
            mhz: field(&cpuinfo, "cpu MHz").and_then(|text| text.parse().ok()),
            caches: caches(),
            memory_bytes: memory_bytes(),
            os: os(),
            governor: zkwatt_energy::conditions::governor(&conditions::tree()),
            temperature_c: conditions::read(None).temperature_c,
        }
    }

    /// The CPU's name and the threads of the machine.
    pub fn machine(&self) -> String {
        format!("{}, {} threads", self.cpu.as_deref().unwrap_or("unknown"), self.threads)
    }
}

/// The first `key : value` of a /proc file.
fn field(text: &str, key: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim().to_owned())
    })
}

fn sysctl(name: &str) -> Option<String> {
    if !cfg!(target_os = "macos") {
        return None;
    }
    let out = std::process::Command::new("sysctl").args(["-n", name]).output().ok()?;
    out.status.success().then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned())
}

fn caches() -> Vec<String> {
    let read = |index: u32, file: &str| {
        let path = format!("/sys/devices/system/cpu/cpu0/cache/index{index}/{file}");
        std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
    };
    let cache = |index| {
        let kind = match read(index, "type")?.as_str() {
            "Data" => "d",
            "Instruction" => "i",
            _ => "",
        };
        Some(format!("L{}{kind} {}", read(index, "level")?, read(index, "size")?))
    };
    (0..8).map_while(cache).collect()
}

fn memory_bytes() -> Option<u64> {
    let meminfo = std::fs::read_to_string("/proc/meminfo").ok();
    let linux = meminfo.and_then(|text| {
        field(&text, "MemTotal")?.strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib * 1024)
    });
    linux.or_else(|| sysctl("hw.memsize")?.parse().ok())
}

fn os() -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let pretty = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let name = pretty.map_or(std::env::consts::OS.to_owned(), |name| name.trim_matches('"').to_owned());
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").ok();
    match kernel {
        Some(kernel) => format!("{name}, kernel {}, {}", kernel.trim(), std::env::consts::ARCH),
        None => format!("{name}, {}", std::env::consts::ARCH),
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cpu      {}", self.machine())?;
        if let Some(mhz) = self.mhz {
            write!(f, ", {mhz:.0} MHz now")?;
        }
        writeln!(f)?;
        if !self.caches.is_empty() || self.memory_bytes.is_some() {
            let mut parts = self.caches.clone();
            parts.extend(self.memory_bytes.map(|bytes| format!("RAM {}", crate::table::bytes(bytes))));
            writeln!(f, "memory   {}", parts.join(", "))?;
        }
        let governor = self.governor.as_ref().map(|governor| format!("governor {governor}"));
        let degrees = self.temperature_c.map(|degrees| format!("{degrees:.0} °C now"));
        let state: Vec<_> = [governor, degrees].into_iter().flatten().collect();
        if !state.is_empty() {
            writeln!(f, "state    {}", state.join(", "))?;
        }
        writeln!(f, "system   {}", self.os)?;
        let features = target_features();
        let features = if features.is_empty() { "baseline".into() } else { features.join(" ") };
        let rustc = rustc().unwrap_or("rustc unknown");
        let profile = if cfg!(debug_assertions) { ", debug assertions ON" } else { "" };
        let commit = commit().map_or("commit unknown".into(), short_commit);
        let rustc = rustc.split(" (").next().unwrap_or(rustc);
        writeln!(f, "build    {commit}, {rustc}{profile}")?;
        writeln!(f, "target   {features}")?;
        let peers = [Peer::Arkworks, Peer::Halo2curves, Peer::Halo2Axiom];
        let peers = peers.map(|peer| format!("{peer} {}", peer.version()));
        writeln!(f, "peers    {}", peers.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_colon_separated_fields() {
        let text = "processor\t: 0\nmodel name\t: A CPU @ 3\ncpu MHz\t\t: 2400.5\n";
        assert_eq!(field(text, "model name").as_deref(), Some("A CPU @ 3"));
        assert_eq!(field(text, "cpu MHz").as_deref(), Some("2400.5"));
        assert_eq!(field(text, "absent"), None);
    }

    #[test]
    fn reads_running_threads() {
        assert_eq!(running_threads("4.37 4.46 3.48 5/213 9012\n"), Some(5));
        assert_eq!(running_threads(""), None);
    }

    #[test]
    fn tells_the_time_in_whole_seconds() {
        let now = now();
        assert_eq!((now.len(), now.as_bytes()[10], now.ends_with('Z')), (20, b'T', true), "{now}");
    }

    #[test]
    fn state_is_shown_where_it_is_known() {
        let mut environment = Environment::read();
        (environment.governor, environment.temperature_c) = (None, None);
        assert!(!environment.to_string().contains("state"));
        (environment.governor, environment.temperature_c) = (Some("powersave".into()), Some(54.4));
        assert!(environment.to_string().contains("\nstate    governor powersave, 54 °C now\n"));
    }

    #[test]
    fn shortens_commits() {
        assert_eq!(short_commit("8457443e2e2c37820753f9ef"), "8457443e2e2c");
        assert_eq!(short_commit("8457443e2e2c37820753f9ef-dirty"), "8457443e2e2c-dirty");
    }

    #[test]
    fn fits_the_page() {
        let environment = Environment::read();
        assert!(environment.threads >= 1);
        assert!(environment.to_string().lines().all(|line| line.chars().count() <= 100));
    }
}
