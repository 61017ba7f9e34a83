//! Pods, scheduling, and the engine that an embedder uses.
