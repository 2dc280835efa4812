//! Special registers by number.

/// Names as PTX has them, without `%`.
pub const NAMES: [&str; 32] = [
    "tid.x",
    "tid.y",
    "tid.z",
    "ntid.x",
    "ntid.y",
    "ntid.z",
    "ctaid.x",
    "ctaid.y",
    "ctaid.z",
    "nctaid.x",
    "nctaid.y",
    "nctaid.z",
    "laneid",
    "warpid",
    "nwarpid",
    "smid",
    "nsmid",
    "gridid",
    "lanemask_eq",
    "lanemask_le",
    "lanemask_lt",
    "lanemask_ge",
    "lanemask_gt",
    "clock",
    "clock_hi",
    "clock64",
    "globaltimer",
    "globaltimer_lo",
    "globaltimer_hi",
    "dynamic_smem_size",
    "total_smem_size",
    "active mask",
];

/// What `activemask` reads; no name of PTX has a blank.
pub const ACTIVE_MASK: u32 = 31;

/// Number of a special register.
pub fn number(name: &str) -> Option<u32> {
    NAMES.iter().position(|&known| known == name).map(|number| number as u32)
}

/// Registers of 64 bits.
pub fn is_wide(number: u32) -> bool {
    matches!(NAMES[number as usize], "gridid" | "clock64" | "globaltimer")
}
