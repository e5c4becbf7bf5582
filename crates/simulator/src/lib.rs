//! Everything real but the world: a simulated provider and scripted agents.

pub mod agent;
pub mod provider;
pub mod world;
