//! What the outside should look like, and what changed there.
