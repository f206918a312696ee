//! Releases: Helm's record and its Secret, the history, the lock, and our own records beside them.
