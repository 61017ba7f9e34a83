//! From the engine's values to the JSON of the API. Pure.

mod decision;
mod rows;
mod task;
