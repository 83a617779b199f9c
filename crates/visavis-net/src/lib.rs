//! visavis-net
