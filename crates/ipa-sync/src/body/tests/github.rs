//! GitHub's form, and back.

use proptest::prelude::*;

use super::any;
use crate::body::{Body, Mentions};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_document_written_and_read_again_is_the_same(body in any::body()) {
        for mentions in [Mentions::AsWritten, Mentions::Neutral] {
            let written = body.github(mentions);
            let read = Body::markdown(&written);
            prop_assert_eq!(&read, &body, "{:?}: {}", mentions, written);
        }
    }
}
