//! Starts, drives, survives and stops coding agents.
