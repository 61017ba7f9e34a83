//! Values whose JSON form is their text form.

/// A text that is not a value of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {wanted}")]
pub struct InvalidValue {
    /// What was wanted, with its form, such as `a run id (<task>.r<number>)`.
    pub wanted: &'static str,
    /// What was given.
    pub text: String,
}

impl InvalidValue {
    pub(crate) fn new(wanted: &'static str, text: &str) -> Self {
        // What is shown must stay readable: the start of a giant input says enough.
        Self { wanted, text: text.chars().take(120).collect() }
    }
}

/// Implements serde by `Display` and `FromStr`, so that a value looks the same in JSON, SQL, logs and URLs.
macro_rules! serde_as_text {
    ($($name:ty),+ $(,)?) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

/// Implements the text form of an enum without fields from one list of (variant, word), both ways.
macro_rules! words {
    ($name:ident: $wanted:literal { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the word that stands for this value in JSON, SQL, commands and logs.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::value::InvalidValue;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    other => Err($crate::value::InvalidValue::new($wanted, other)),
                }
            }
        }

        $crate::value::serde_as_text!($name);
    };
}

/// Implements `Display` of values that wrap their text.
macro_rules! display_text {
    ($($name:ident),+ $(,)?) => {$(
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }
    )+};
}

/// Tells whether a text is a short name: 1 to 32 of `a-z`, `0-9` and `-`, not beginning with `-`.
pub(crate) fn is_short_name(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(fits) && !text.starts_with('-')
}

pub(crate) use {display_text, serde_as_text, words};
