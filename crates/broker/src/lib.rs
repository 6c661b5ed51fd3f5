//! The broker: it turns requests into decisions, runs what follows from them, and answers.
