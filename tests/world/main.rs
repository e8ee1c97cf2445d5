//! What the recorder promises, in a simulated world ([`sim`]). Hours pass in seconds, and nothing waits.

mod chaos;
mod clips;
mod damage;
mod ffmpeg;
mod following;
mod kills;
mod lot;
mod mails;
mod people;
mod promises;
mod reload;
mod retention;
mod room;
mod script;
mod shelf;
mod silence;
mod sim;
mod starts;
mod stories;
