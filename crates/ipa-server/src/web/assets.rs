//! The files that pages are made of: part of the program, served under names that hold a hash of what is in
//! them, so that a browser may keep them for ever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use ipa_events::PayloadHash;

/// A file that pages are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asset {
    /// How pages look.
    Style,
    /// What keeps pages in step.
    Script,
    /// Changes a part of a page gently (idiomorph 0.8.0, 0BSD).
    Idiomorph,
    /// The sign of the site.
    Favicon,
}

impl Asset {
    const ALL: [Self; 4] = [Self::Style, Self::Script, Self::Idiomorph, Self::Favicon];

    /// Returns its address.
    pub(crate) fn path(self) -> &'static str {
        let [style, script, idiomorph, favicon] = &*PATHS;
        match self {
            Self::Style => style,
            Self::Script => script,
            Self::Idiomorph => idiomorph,
            Self::Favicon => favicon,
        }
    }

    const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Style => include_bytes!("../../assets/app.css"),
            Self::Script => include_bytes!("../../assets/ipa-live.js"),
            Self::Idiomorph => include_bytes!("../../assets/vendor/idiomorph-0.8.0.min.js"),
            Self::Favicon => include_bytes!("../../assets/favicon.svg"),
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Style => "text/css; charset=utf-8",
            Self::Script | Self::Idiomorph => "text/javascript; charset=utf-8",
            Self::Favicon => "image/svg+xml",
        }
    }

    fn address(self) -> String {
        let hash = PayloadHash::of(self.bytes()).to_string();
        let hash = hash.get(..12).unwrap_or_default();
        let (name, extension) = match self {
            Self::Style => ("app", "css"),
            Self::Script => ("ipa-live", "js"),
            Self::Idiomorph => ("idiomorph-0.8.0", "js"),
            Self::Favicon => ("favicon", "svg"),
        };
        format!("/assets/{name}.{hash}.{extension}")
    }
}

/// The addresses, made once: a pure function of what was compiled in.
static PATHS: LazyLock<[String; 4]> = LazyLock::new(|| Asset::ALL.map(Asset::address));

/// Serves a file by its name with the hash; another hash is another file, which is not there.
pub(super) async fn serve(Path(name): Path<String>) -> Response {
    let named = |asset: &Asset| asset.path().strip_prefix("/assets/") == Some(&*name);
    let Some(asset) = Asset::ALL.into_iter().find(named) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type())),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    (headers, asset.bytes()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idiomorph_is_what_was_published() {
        let hash = PayloadHash::of(Asset::Idiomorph.bytes());
        assert_eq!(hash.as_str(), "4cbd535caf7663a51eda9bce6595371c384fc430d54b8d414e29a61167f19f96");
        let licence = include_str!("../../assets/vendor/idiomorph-LICENSE");
        assert!(licence.starts_with("Zero-Clause BSD"));
    }

    #[test]
    fn what_a_first_visit_loads_stays_small() {
        let size = |asset: Asset| asset.bytes().len();
        // Raw bytes; compressed they are about a third (10 kB of script, 12 kB of style at most).
        assert!(size(Asset::Script) + size(Asset::Idiomorph) <= 26_000, "{}", size(Asset::Script));
        assert!(size(Asset::Style) <= 24_000, "{}", size(Asset::Style));
    }

    #[test]
    fn an_address_changes_with_what_is_behind_it() {
        for asset in Asset::ALL {
            let hash = PayloadHash::of(asset.bytes()).to_string();
            assert!(asset.path().contains(hash.get(..12).unwrap()), "{}", asset.path());
        }
    }
}
