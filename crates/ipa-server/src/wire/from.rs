//! From the engine's values to the JSON of the API. Pure.

mod decision;
mod outside;
mod rows;
mod task;
