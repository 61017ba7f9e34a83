//! The pages in a real browser, over the shipped program: Chromium, driven through chromedriver. Without
//! `IPA_E2E=1` every test here says that it is skipped; `scripts/test` sets it where both programs are there.

mod agent;
mod bounds;
mod chromium;
mod claude;
mod github;
mod jira;
mod keeps;
mod narrow;
mod scene;
mod story;
