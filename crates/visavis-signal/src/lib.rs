//! visavis-signal
