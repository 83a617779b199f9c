//! visavis-turn
