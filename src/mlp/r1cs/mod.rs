//! The R1CS of a quantised model.
