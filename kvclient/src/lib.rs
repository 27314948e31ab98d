//! The key/value client: labs 1 and 3. Nothing is here yet.
