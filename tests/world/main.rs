//! What the recorder promises, in a simulated world: see [`sim`]. Thousands of hours pass in seconds.

mod chaos;
mod promises;
mod sim;
mod stories;
