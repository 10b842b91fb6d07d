"""Density of events, in the plane and along streets, and the bandwidth that they speak for."""
