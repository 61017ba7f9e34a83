//! Documents, a file per form.

mod adf;
mod any;
mod cut;
mod github;
mod golden;
mod hostile;
mod markdown;
mod wiki;
