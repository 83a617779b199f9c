//! visavis-transport
