//! Everything real but the world: a simulated provider and scripted agents.

pub mod provider;
