//! The obvious form of every kernel: short, slow, and what all other forms are compared with.
