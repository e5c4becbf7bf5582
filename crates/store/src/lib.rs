//! Conversations, observations, knowledge and the ledger, in an embedded database.
