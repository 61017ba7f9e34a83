//! Pages, live streams and the JSON API of ipa.
//!
//! Everything that is outside of a process comes in here: [`router`] is the whole of it as one axum router
//! over an [`Engine`](ipa_pod::Engine), [`Server`] listens for it, and [`LocalClient`] asks it without a
//! network. This crate holds no task's rules: it reads the engine and sends it commands.

mod api;
mod client;
mod config;
mod error;
mod live;
mod reading;
mod render;
mod security;
mod server;
mod state;
mod views;
mod web;
pub mod wire;

pub use client::{LocalBody, LocalClient, LocalError, LocalReply};
pub use config::{ServerConfig, Token, TokenError};
pub use security::session::{SessionFileError, Sessions};
pub use server::{BindError, ServeError, Server, router};
