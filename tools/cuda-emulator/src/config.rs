//! Settings, from the environment and at run time.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock, RwLock};

/// What a strike of an injected fault makes fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Occasion {
    Alloc,
    Launch,
    Memcpy,
    Sync,
    Illegal,
    Hang,
}

const OCCASIONS: [(&str, Occasion); 6] = [
    ("alloc", Occasion::Alloc),
    ("launch", Occasion::Launch),
    ("memcpy", Occasion::Memcpy),
    ("sync", Occasion::Sync),
    ("illegal", Occasion::Illegal),
    ("hang", Occasion::Hang),
];

#[derive(Clone, Debug)]
pub struct Config {
    /// Order of blocks and warps; 0 is the natural one.
    pub seed: u64,
    pub threads: usize,
    pub devices: i32,
    /// Bytes of each device.
    pub memory: u64,
    pub driver_version: i32,
    pub compute_capability: (i32, i32),
    /// Pattern of fresh memory.
    pub poison: Option<u8>,
    pub checks: bool,
    /// Whether accesses of different blocks to the same global word are compared.
    pub global_races: bool,
    /// Whether asynchronous work is done as late as the program allows.
    pub defer: bool,
    /// Seconds that a launch may take.
    pub timeout: u64,
    /// Faults to come: what, and after how many more occasions.
    pub faults: Vec<(Occasion, u64)>,
    /// The text of a module, and of the one that is loaded in its place.
    pub replaced: Option<Arc<(String, String)>>,
    /// File that gets a line for each kernel that is launched, at its first time.
    pub log: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 1,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            devices: 1,
            memory: 4 << 30,
            driver_version: 12000,
            compute_capability: (8, 9),
            poison: None,
            checks: true,
            global_races: false,
            defer: false,
            timeout: 300,
            faults: Vec::new(),
            replaced: None,
            log: None,
        }
    }
}

/// Names of the settings; the environment has them after `CUDA_EMULATOR_`.
pub const NAMES: [&str; 14] = [
    "SEED",
    "THREADS",
    "DEVICES",
    "MEMORY",
    "DRIVER_VERSION",
    "COMPUTE_CAPABILITY",
    "POISON",
    "CHECKS",
    "GLOBAL_RACES",
    "DEFER",
    "TIMEOUT",
    "FAULT",
    "REPLACE",
    "LOG",
];

impl Config {
    fn from_environment() -> Self {
        let mut config = Self::default();
        for name in NAMES {
            if let Ok(value) = std::env::var(format!("CUDA_EMULATOR_{name}"))
                && !config.set(name, &value)
            {
                eprintln!("cuda-emulator: CUDA_EMULATOR_{name}={value} is not understood and has no effect");
            }
        }
        config
    }

    /// Sets one value; false if the name or the value is not understood.
    pub fn set(&mut self, name: &str, value: &str) -> bool {
        self.assign(name.strip_prefix("CUDA_EMULATOR_").unwrap_or(name), value).is_some()
    }

    fn assign(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "SEED" => self.seed = value.parse().ok()?,
            "THREADS" => self.threads = value.parse().ok().filter(|&threads| threads > 0)?,
            "DEVICES" => self.devices = value.parse().ok().filter(|devices| (0..=64).contains(devices))?,
            "MEMORY" => self.memory = value.parse().ok()?,
            "DRIVER_VERSION" => self.driver_version = value.parse().ok()?,
            "COMPUTE_CAPABILITY" => {
                let (major, minor) = value.split_once('.')?;
                self.compute_capability = (major.parse().ok()?, minor.parse().ok()?);
            }
            "POISON" => self.poison = poison(value)?,
            "CHECKS" => self.checks = switch(value)?,
            "GLOBAL_RACES" => self.global_races = switch(value)?,
            "DEFER" => self.defer = switch(value)?,
            "TIMEOUT" => self.timeout = value.parse().ok()?,
            "FAULT" => self.faults = faults(value)?,
            "REPLACE" => self.replaced = replacement(value)?,
            "LOG" => self.log = (!value.is_empty()).then(|| value.into()),
            _ => return None,
        }
        Some(())
    }
}

fn switch(value: &str) -> Option<bool> {
    match value {
        "on" | "1" => Some(true),
        "off" | "0" => Some(false),
        _ => None,
    }
}

fn poison(value: &str) -> Option<Option<u8>> {
    if value == "off" {
        return Some(None);
    }
    let parsed = match value.strip_prefix("0x") {
        Some(digits) => u8::from_str_radix(digits, 16).ok(),
        None => value.parse().ok(),
    };
    parsed.map(Some)
}

fn faults(value: &str) -> Option<Vec<(Occasion, u64)>> {
    let parts = value.split(',').map(str::trim).filter(|part| !part.is_empty());
    let parse = |part: &str| {
        let (name, count) = part.split_once(':')?;
        let occasion = OCCASIONS.iter().find(|(known, _)| *known == name)?.1;
        Some((occasion, count.parse().ok().filter(|&count| count > 0)?))
    };
    parts.map(parse).collect()
}

/// Two files, as their texts.
fn replacement(value: &str) -> Option<Option<Arc<(String, String)>>> {
    if value.is_empty() {
        return Some(None);
    }
    let (original, other) = value.split_once(':')?;
    let read = |path| std::fs::read_to_string(path).ok();
    Some(Some(Arc::new((read(original)?, read(other)?))))
}

static CONFIG: LazyLock<RwLock<Config>> = LazyLock::new(|| RwLock::new(Config::from_environment()));

/// The present settings.
pub fn get() -> Config {
    CONFIG.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
}

/// Sets one value at run time.
pub fn set(name: &str, value: &str) -> bool {
    CONFIG.write().unwrap_or_else(std::sync::PoisonError::into_inner).set(name, value)
}

/// Whether an injected fault strikes at this occasion.
pub fn strikes(occasion: Occasion) -> bool {
    let quiet = CONFIG.read().unwrap_or_else(std::sync::PoisonError::into_inner).faults.is_empty();
    if quiet {
        return false;
    }
    let mut config = CONFIG.write().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut struck = false;
    config.faults.iter_mut().filter(|(kind, _)| *kind == occasion).for_each(|(_, left)| {
        *left -= 1;
        struck |= *left == 0;
    });
    config.faults.retain(|(_, left)| *left > 0);
    struck
}
