//! How the forge writes its things, as GitHub does. Knows no calls.

pub(crate) mod check;
pub(crate) mod issue;
pub(crate) mod pull;
pub(crate) mod push;
pub(crate) mod repo;
pub(crate) mod review;
pub(crate) mod user;
