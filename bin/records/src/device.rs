//! What kind of thing a device is. A timing on an emulator or on software Vulkan is never shown as a GPU's.

use crate::record::Record;

/// Kinds of devices that a report tells apart.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A processor.
    Cpu,
    /// A real GPU.
    Gpu,
    /// CPU and GPU share the work.
    Shared,
    /// A CPU that does as if it were a GPU of Vulkan or of ICICLE.
    Software,
    /// A CPU that interprets the instructions of a GPU.
    Emulator,
}

impl Kind {
    /// Of a record's device.
    pub fn of(record: &Record) -> Self {
        let name = record.device_name.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        match record.device.as_str() {
            _ if has(&["emulator", "emulated"]) => Self::Emulator,
            _ if has(&["llvmpipe", "lavapipe", "swiftshader", "softpipe", "software", "its cpu backend"]) => {
                Self::Software
            }
            "cpu" | "" => Self::Cpu,
            "auto" => Self::Shared,
            "icicle" if has(&["cpu"]) => Self::Software,
            _ => Self::Gpu,
        }
    }

    /// What is shown beside the name of such a device.
    pub fn label(self) -> &'static str {
        match self {
            Self::Cpu => "CPU",
            Self::Gpu => "GPU",
            Self::Shared => "CPU and GPU",
            Self::Software => "software on a CPU, no GPU",
            Self::Emulator => "emulator on a CPU, no GPU",
        }
    }

    /// Whether its times say how fast the device is.
    pub fn is_real(self) -> bool {
        !matches!(self, Self::Software | Self::Emulator)
    }
}

/// The device's name, with how it was driven where that is not told by its kind.
pub fn label(record: &Record) -> String {
    // What the harness adds after the comma is what the kind says.
    let name = record.device_name.split(", emulated on").next().unwrap_or_default();
    let name = name.split(", software Vulkan").next().unwrap_or_default();
    let name = name.split(", its CPU backend").next().unwrap_or_default();
    let name = if name.is_empty() { "unnamed device" } else { name };
    match (Kind::of(record), record.device.as_str()) {
        (Kind::Cpu, _) => name.to_owned(),
        (kind, device) if kind.is_real() => format!("{name} ({device})"),
        (kind, device) => format!("{name} ({device}: {})", kind.label()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_acts_like_a_gpu_is_none() {
        for (device, name, kind) in [
            ("cpu", "AMD EPYC", Kind::Cpu),
            ("cuda", "NVIDIA H100", Kind::Gpu),
            ("wgpu", "llvmpipe (LLVM 15.0.6, 256 bits)", Kind::Software),
            ("wgpu", "SwiftShader Device (LLVM 16)", Kind::Software),
            ("wgpu", "lavapipe", Kind::Software),
            ("cuda", "zkwatt CUDA emulator", Kind::Emulator),
            ("cuda", "GPU, emulated on the CPU: no GPU's speed", Kind::Emulator),
            ("auto", "NVIDIA H100", Kind::Shared),
            ("icicle", "CPU", Kind::Software),
            ("icicle", "CUDA:0", Kind::Gpu),
        ] {
            let mut record = Record::new("ntt");
            record.device = device.into();
            record.device_name = name.into();
            assert_eq!(Kind::of(&record), kind, "{device} {name}");
            assert_eq!(label(&record).contains("no GPU"), !kind.is_real(), "{}", label(&record));
        }
    }
}
