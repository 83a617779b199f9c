//! visavis-shard
