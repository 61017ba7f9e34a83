//! Pages, live streams and the JSON API of ipa.
