//! Any text as a PTX module: the emulator parses and lowers it, or names what it does not take.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zkwatt_cuda_emulator::api::cudaEmulatorSet;
use zkwatt_cuda_emulator::check;

fuzz_target!(init: {
    // A variable takes few bytes of text and many of memory.
    // SAFETY: both are C strings.
    assert_eq!(unsafe { cudaEmulatorSet(c"MEMORY".as_ptr(), c"16777216".as_ptr()) }, 0);
}, |text: &str| {
    // The loader turns panics into errors; here they are what is looked for.
    if let Err(error) = check(text) {
        assert!(!error.contains("the emulator panicked"), "{error}");
    }
});
