//! Everything real but the world: a simulated provider, scripted agents, a world in virtual time, and the demo told in it.

pub mod agent;
pub mod day;
pub mod demo;
pub mod ownership;
pub mod provider;
pub mod world;
