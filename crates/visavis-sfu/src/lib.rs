//! visavis-sfu
