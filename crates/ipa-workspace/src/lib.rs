//! Private git checkouts for agents, in which nothing is lost and from which nothing leaks.
