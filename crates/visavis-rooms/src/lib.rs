//! visavis-rooms
