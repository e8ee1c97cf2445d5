//! A memory is a file: whatever is in it, nothing panics.
