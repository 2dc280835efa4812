//! What a device has done so far.

/// Work and traffic of a device since it was opened.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceCounters {
    /// Bytes from the host to the device.
    pub uploaded_bytes: u64,
    /// Bytes from the device to the host.
    pub downloaded_bytes: u64,
    /// Dispatches.
    pub dispatches: u64,
    /// Submits that held dispatches.
    pub submits: u64,
    /// Pipelines made.
    pub pipelines: u64,
    /// Time that making pipelines took, in nanoseconds.
    pub pipeline_ns: u64,
    /// Time that the host spent on handing over data and on taking them, in nanoseconds.
    pub transfer_ns: u64,
    /// Time that the host waited for downloads, in nanoseconds: what is left of the computation, and the transfer.
    pub wait_ns: u64,
    /// Time of dispatches by the device's clock, in nanoseconds; 0 without timestamps.
    pub compute_ns: u64,
    /// Most bytes of device memory held at once by buffers in use.
    pub peak_bytes: u64,
}

impl DeviceCounters {
    /// What happened after `earlier`; the peak is that of all time.
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            uploaded_bytes: self.uploaded_bytes - earlier.uploaded_bytes,
            downloaded_bytes: self.downloaded_bytes - earlier.downloaded_bytes,
            dispatches: self.dispatches - earlier.dispatches,
            submits: self.submits - earlier.submits,
            pipelines: self.pipelines - earlier.pipelines,
            pipeline_ns: self.pipeline_ns - earlier.pipeline_ns,
            transfer_ns: self.transfer_ns - earlier.transfer_ns,
            wait_ns: self.wait_ns - earlier.wait_ns,
            compute_ns: self.compute_ns - earlier.compute_ns,
            peak_bytes: self.peak_bytes,
        }
    }
}
