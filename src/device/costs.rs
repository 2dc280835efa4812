//! What operations cost on two devices, and which of them should do one.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Kinds of operations with a cost of their own.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// A multi-scalar multiplication over G1; items are scalars.
    MsmG1,
    /// A multi-scalar multiplication over G2; items are scalars.
    MsmG2,
    /// Transforms; items are elements times layers.
    Ntt,
    /// Sums, products and combinations of vectors; items are elements of all operands.
    Elementwise,
    /// Inversions; items are elements.
    Inverse,
    /// Running sums and products, evaluations, divisions; items are elements.
    Scan,
    /// Lookup kernels; items are values.
    Lookup,
    /// Programs; items are rows times instructions.
    Program,
}

impl Operation {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::MsmG1,
        Self::MsmG2,
        Self::Ntt,
        Self::Elementwise,
        Self::Inverse,
        Self::Scan,
        Self::Lookup,
        Self::Program,
    ];

    /// The name that files and tables use.
    pub fn name(self) -> &'static str {
        match self {
            Self::MsmG1 => "msm_g1",
            Self::MsmG2 => "msm_g2",
            Self::Ntt => "ntt",
            Self::Elementwise => "elementwise",
            Self::Inverse => "inverse",
            Self::Scan => "scan",
            Self::Lookup => "lookup",
            Self::Program => "program",
        }
    }
}

/// A cost that grows in proportion: fixed + items · each, in seconds.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostLine {
    /// Seconds for nothing.
    pub fixed_s: f64,
    /// Seconds for each item.
    pub each_s: f64,
}

impl CostLine {
    /// The line through two measurements (items, seconds), nowhere negative.
    pub fn through(small: (f64, f64), large: (f64, f64)) -> Self {
        let each_s = ((large.1 - small.1) / (large.0 - small.0).max(1.0)).max(0.0);
        Self { fixed_s: (small.1 - each_s * small.0).max(0.0), each_s }
    }

    fn of(&self, items: f64) -> f64 {
        self.fixed_s + self.each_s * items
    }
}

/// Costs of all operations on the CPU and on another device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Costs {
    /// On the CPU.
    pub cpu: BTreeMap<Operation, CostLine>,
    /// On the device, data there.
    pub device: BTreeMap<Operation, CostLine>,
    /// Between them; items are bytes.
    pub transfer: CostLine,
}

/// Who does an operation.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// The CPU.
    Host,
    /// The other device.
    Device,
}

impl Costs {
    /// Costs of a GPU that nobody has measured, by counts alone: a dispatch takes a tenth of a millisecond, and a product a tenth of
    /// the time of eight threads; 8 GB/s between them. `zkwatt tune` replaces them.
    pub fn of_a_gpu(threads: usize) -> Self {
        const PRODUCT_S: f64 = 25e-9;
        const GAIN: f64 = 10.0;
        // Operation, products an item, dispatches.
        let counts = [
            (Operation::MsmG1, 150.0, 150.0),
            (Operation::MsmG2, 450.0, 150.0),
            (Operation::Ntt, 0.5, 4.0),
            (Operation::Elementwise, 1.0, 1.0),
            (Operation::Inverse, 3.0, 6.0),
            (Operation::Scan, 2.0, 6.0),
            (Operation::Lookup, 4.0, 40.0),
            (Operation::Program, 0.7, 2.0),
        ];
        let share = PRODUCT_S / threads.max(1) as f64;
        let cpu = counts.map(|(operation, products, _)| {
            (operation, CostLine { fixed_s: 2e-6, each_s: products * share })
        });
        let device = counts.map(|(operation, products, dispatches)| {
            (operation, CostLine { fixed_s: 1e-4 * dispatches, each_s: products * PRODUCT_S / (GAIN * 8.0) })
        });
        let transfer = CostLine { fixed_s: 5e-5, each_s: 1.0 / 8e9 };
        Self { cpu: cpu.into(), device: device.into(), transfer }
    }

    /// Costs with which everything stays on the CPU: for software that only does as if it were a GPU.
    pub fn cpu_only() -> Self {
        Self::fixed(&[])
    }

    /// Costs with which the device does these operations at every size, and the CPU all others.
    pub fn fixed(on_device: &[Operation]) -> Self {
        let line = |is_cheap: &dyn Fn(&Operation) -> bool| {
            let fixed_s = |operation| if is_cheap(operation) { 0.0 } else { f64::MAX };
            Operation::ALL.iter().map(|o| (*o, CostLine { fixed_s: fixed_s(o), each_s: 0.0 })).collect()
        };
        let (cpu, device) = (line(&|o| !on_device.contains(o)), line(&|o| on_device.contains(o)));
        Self { cpu, device, transfer: CostLine { fixed_s: 0.0, each_s: 0.0 } }
    }

    /// Who does `items` items of an operation sooner, if bytes must first be moved to one or the other.
    pub fn choose(&self, operation: Operation, items: f64, bytes_to_host: u64, bytes_to_device: u64) -> Side {
        let moving = |bytes: u64| if bytes == 0 { 0.0 } else { self.transfer.of(bytes as f64) };
        let at = |lines: &BTreeMap<Operation, CostLine>| lines.get(&operation).map(|line| line.of(items));
        match (at(&self.cpu), at(&self.device)) {
            (Some(cpu), Some(device)) if device + moving(bytes_to_device) < cpu + moving(bytes_to_host) => {
                Side::Device
            }
            _ => Side::Host,
        }
    }

    /// The least 2^k items, k ≤ 28, that the device does sooner, data on the host; `None` if it never does.
    pub fn crossover(&self, operation: Operation, bytes_an_item: u64) -> Option<u64> {
        (0..=28)
            .map(|k| 1u64 << k)
            .find(|&items| self.choose(operation, items as f64, 0, items * bytes_an_item) == Side::Device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_pass_through_their_points() {
        let line = CostLine::through((10.0, 3.0), (20.0, 5.0));
        assert_eq!((line.of(10.0), line.of(20.0)), (3.0, 5.0));
        // Noise must not make large sizes free or small ones negative.
        assert_eq!(CostLine::through((10.0, 3.0), (20.0, 2.0)).each_s, 0.0);
        assert!(CostLine::through((10.0, 1.0), (20.0, 5.0)).fixed_s >= 0.0);
    }

    #[test]
    fn small_work_stays_and_large_work_goes() {
        let costs = Costs::of_a_gpu(8);
        for operation in Operation::ALL {
            assert_eq!(costs.choose(operation, 1.0, 0, 32), Side::Host, "{operation:?}");
        }
        assert_eq!(costs.choose(Operation::MsmG1, 1e6, 0, 32_000_000), Side::Device);
        // Data that are there already tip the balance.
        assert_eq!(costs.choose(Operation::Elementwise, 1e6, 32_000_000, 0), Side::Device);
        assert_eq!(costs.choose(Operation::Elementwise, 1e4, 0, 320_000), Side::Host);
    }

    #[test]
    fn fixed_costs_do_not_look_at_sizes() {
        let costs = Costs::fixed(&[Operation::Ntt]);
        for operation in Operation::ALL {
            let expected = if operation == Operation::Ntt { Side::Device } else { Side::Host };
            for (items, bytes) in [(0.0, 0), (1.0, 1 << 40), (1e12, 1)] {
                assert_eq!(costs.choose(operation, items, bytes, bytes), expected, "{operation:?}");
            }
        }
    }

    #[test]
    fn software_gets_nothing() {
        assert!(Operation::ALL.iter().all(|o| Costs::cpu_only().crossover(*o, 0).is_none()));
    }
}
