//! The replicated key/value server: labs 1 and 3. Nothing is here yet.
