//! A browser that ends with its test. Knows pages only as a person does: by the text on them and the words on
//! buttons; what is waited for is a condition, with a deadline.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use thirtyfour::error::WebDriverResult;
use thirtyfour::{
    By, ChromiumLikeCapabilities as _, DesiredCapabilities, LoggingPrefsLogLevel, WebDriver, WebElement,
    WindowHandle,
};
use tokio::runtime::Runtime;

use crate::support::{Guard, Serving, eventually};

/// Width and height of a desk's screen, and of a phone's.
pub(super) const DESK: (u32, u32) = (1280, 900);
pub(super) const PHONE: (u32, u32) = (360, 740);

/// Whether pages may run scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scripts {
    On,
    Off,
}

/// A browser with one server in mind.
pub(super) struct Browser {
    driver: Option<WebDriver>,
    runtime: Runtime,
    url: String,
    _driver: Driver,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts a browser with a profile of its own.
    pub(super) fn start(serving: &Serving, scripts: Scripts) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let driver = Driver::start(profile.path());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let wanted = capabilities(profile.path(), scripts);
        let session = async { WebDriver::builder(&driver.url, wanted).client(client).connect().await };
        let session = runtime.block_on(session).unwrap_or_else(|error| {
            panic!("{error}\n{}", fs::read_to_string(profile.path().join("driver.log")).unwrap_or_default())
        });
        let url = serving.ready["url"].as_str().unwrap().to_owned();
        let browser = Self { driver: Some(session), runtime, url, _driver: driver, _profile: profile };
        browser.screen(DESK);
        browser
    }

    /// Does something in the browser and waits for it.
    fn act<T>(&self, what: impl AsyncFnOnce(&WebDriver) -> WebDriverResult<T>) -> WebDriverResult<T> {
        self.runtime.block_on(what(self.driver.as_ref().unwrap()))
    }

    /// Logs in with the address that the server printed.
    pub(super) fn log_in(&self, serving: &Serving) {
        let login = serving.ready["login_url"].as_str().unwrap();
        self.act(async |it| it.goto(login).await).unwrap();
        let home = format!("{}/", self.url);
        let arrived = eventually(|| self.address() == home);
        assert!(arrived, "the login led to {}: {}", self.address(), self.text());
    }

    pub(super) fn visit(&self, path: &str) {
        let url = format!("{}{path}", self.url);
        self.act(async |it| it.goto(&url).await).unwrap();
    }

    pub(super) fn reload(&self) {
        self.act(async |it| it.refresh().await).unwrap();
    }

    pub(super) fn address(&self) -> String {
        self.act(async |it| it.current_url().await).unwrap().to_string()
    }

    /// Returns what a person can read on the page; nothing while it is being loaded.
    pub(super) fn text(&self) -> String {
        let text = self.act(async |it| it.find(By::Tag("body")).await?.text().await);
        text.unwrap_or_default()
    }

    /// Waits until a text can be read on the page.
    #[track_caller]
    pub(super) fn sees(&self, text: &str) {
        assert!(eventually(|| self.text().contains(text)), "{text:?} did not come:\n{}", self.text());
    }

    /// Waits until a text cannot be read on the page any more.
    #[track_caller]
    pub(super) fn loses(&self, text: &str) {
        assert!(eventually(|| !self.text().contains(text)), "{text:?} did not go:\n{}", self.text());
    }

    /// Clicks what has these words on it, as soon as it is there.
    #[track_caller]
    pub(super) fn click(&self, words: &str) {
        let path = format!("//*[self::button or self::a or self::summary][normalize-space()='{words}']");
        let mut last = String::new();
        let clicked = eventually(|| {
            let clicked = self.act(async |it| {
                let found = it.find(By::XPath(&*path)).await?;
                // Where it is covered a person scrolls, too.
                it.execute("arguments[0].scrollIntoView({ block: 'center' })", vec![found.to_json()?])
                    .await?;
                found.click().await
            });
            clicked.map_err(|error| last = error.to_string()).is_ok()
        });
        assert!(clicked, "{words:?} cannot be clicked: {last}\n{}", self.text());
    }

    /// Types into a field, after what is there.
    #[track_caller]
    pub(super) fn types(&self, field: &str, text: &str) {
        self.element(field, async |it| it.send_keys(text).await);
    }

    /// Returns what is in a field.
    #[track_caller]
    pub(super) fn typed(&self, field: &str) -> String {
        self.element(field, async |it| it.prop("value").await).unwrap_or_default()
    }

    #[track_caller]
    fn element<T>(&self, css: &str, what: impl AsyncFn(WebElement) -> WebDriverResult<T>) -> T {
        let mut done = None;
        let mut last = String::new();
        let found = eventually(|| {
            let tried = self.act(async |it| what(it.find(By::Css(css)).await?).await);
            done = tried.map_err(|error| last = error.to_string()).ok();
            done.is_some()
        });
        assert!(found, "{css}: {last}\n{}", self.text());
        done.unwrap()
    }

    /// Runs a script in the page and returns what it returns.
    pub(super) fn run(&self, script: &str) -> Value {
        self.act(async |it| Ok(it.execute(script, Vec::new()).await?.json().clone())).unwrap()
    }

    /// Takes what the browser complained about: broken scripts, refused addresses, violated policies.
    pub(super) fn complaints(&self) -> Vec<String> {
        let log = self.act(async |it| it.browser_log().await).unwrap();
        log.into_iter().filter(|entry| entry.level == "SEVERE").map(|entry| entry.message).collect()
    }

    pub(super) fn screen(&self, (width, height): (u32, u32)) {
        let set = async |it: &WebDriver| {
            it.cdp().emulation().set_device_metrics_override(width, height, 1.0, false).await
        };
        self.act(set).unwrap();
    }

    fn scheme(&self, value: &str) {
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        self.act(async |it| it.cdp().send_raw("Emulation.setEmulatedMedia", media.clone()).await).unwrap();
    }

    pub(super) fn tab(&self) -> WindowHandle {
        self.act(async |it| it.window().await).unwrap()
    }

    /// Opens a tab and goes there.
    pub(super) fn new_tab(&self) -> WindowHandle {
        let tab = self.act(async |it| it.new_tab().await).unwrap();
        self.to(&tab);
        tab
    }

    pub(super) fn to(&self, tab: &WindowHandle) {
        self.act(async |it| it.switch_to_window(tab.clone()).await).unwrap();
    }

    /// Takes pictures of the page as a desk and as a phone shows it, light and dark, if the caller wants pictures (`IPA_SHOTS`).
    pub(super) fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("IPA_SHOTS").map(PathBuf::from) else { return };
        fs::create_dir_all(&folder).unwrap();
        for (size, scheme) in [(PHONE, "dark"), (PHONE, "light"), (DESK, "dark"), (DESK, "light")] {
            self.screen(size);
            self.scheme(scheme);
            let file = folder.join(format!("{name}-{}-{scheme}.png", size.0));
            self.act(async |it| it.screenshot(&file).await).unwrap();
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let Some(driver) = self.driver.take() else { return };
        // What the test found is said first; that the browser could not be closed is no reason to hide it.
        let closed = self.runtime.block_on(driver.quit());
        if !std::thread::panicking() {
            closed.unwrap();
        }
    }
}

/// Tells whether browsers are to be started, and says that a test is skipped where they are not.
#[expect(clippy::print_stdout, reason = "whoever reads the test's output must learn why it did nothing")]
pub(super) fn wanted() -> bool {
    let wanted = std::env::var_os("IPA_E2E").is_some_and(|value| value == "1");
    if !wanted {
        let say =
            "skipped: it needs chromium and chromedriver, and IPA_E2E=1 that says so (scripts/test sets it)";
        println!("{say}");
    }
    wanted
}

fn capabilities(profile: &Path, scripts: Scripts) -> thirtyfour::ChromeCapabilities {
    let mut wanted = DesiredCapabilities::chrome();
    wanted.set_binary(program("chromium").to_str().unwrap()).unwrap();
    let data = format!("--user-data-dir={}", profile.display());
    let plain = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
    for flag in
        plain.into_iter().chain(["--hide-scrollbars", "--no-first-run", "--no-proxy-server", data.as_str()])
    {
        wanted.add_arg(flag).unwrap();
    }
    wanted.set_browser_log_level(LoggingPrefsLogLevel::All).unwrap();
    if scripts == Scripts::Off {
        // What a person sets who turns scripts off.
        let off = json!({ "profile.managed_default_content_settings.javascript": 2 });
        wanted.add_experimental_option("prefs", off).unwrap();
    }
    wanted
}

fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let mut found =
        std::env::split_paths(&path).map(|folder| folder.join(name)).filter(|file| file.is_file());
    found.next().unwrap_or_else(|| panic!("IPA_E2E is set, and {name} is not there"))
}

/// The program between the test and the browser.
struct Driver {
    url: String,
    _process: Guard,
    _out: BufReader<ChildStdout>,
}

impl Driver {
    /// Starts it on a port that it finds itself. It wants the same one for both families of addresses, and ends when
    /// somebody has it in one of them: then another is found.
    fn start(folder: &Path) -> Self {
        let log = folder.join("driver.log");
        (0..5)
            .find_map(|_| Self::try_start(folder, &log))
            .unwrap_or_else(|| panic!("chromedriver does not start: {}", fs::read_to_string(&log).unwrap()))
    }

    fn try_start(folder: &Path, log: &Path) -> Option<Self> {
        let mut command = Command::new(program("chromedriver"));
        command.arg("--port=0").env("HOME", folder).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = Guard(command.stderr(fs::File::create(log).unwrap()).spawn().unwrap());
        let mut out = BufReader::new(process.0.stdout.take().unwrap());
        let mut line = String::new();
        loop {
            line.clear();
            if out.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            let last = line.trim_end().trim_end_matches('.').rsplit(' ').next().unwrap_or_default();
            if let (true, Ok(port)) = (line.contains("started successfully"), last.parse::<u16>()) {
                return Some(Self { url: format!("http://127.0.0.1:{port}"), _process: process, _out: out });
            }
        }
    }
}
