//! A simulated provider, scripted agents, and a world in virtual time.
