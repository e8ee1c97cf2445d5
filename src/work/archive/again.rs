//! A growing clip whose disk went away: its file is closed, so that the disk can be repaired and mounted again, and
//! opened anew when the archive is back. It goes on only if it is, byte by byte, what was durable.

use super::Site;
use super::clip::Clip;
use super::disk::{Medium, Place, open_regular, place, sentence};
use super::old::hash;
use std::io::{self, ErrorKind};

/// Why a clip does not go on.
pub(super) enum Stay {
    /// The disk does not let it, now. One sentence with the remedy.
    Later(String),
    /// It is not what it was, and stays as it is now. One sentence.
    Other(String),
}

/// What a clip's file is while its disk is away.
struct Away;

impl Medium for Away {
    fn write(&mut self, _: &[u8], _: u64) -> io::Result<()> {
        Err(ErrorKind::NotFound.into())
    }

    fn sync(&mut self) -> io::Result<()> {
        Err(ErrorKind::NotFound.into())
    }

    fn cut(&mut self, _: u64) -> io::Result<()> {
        Err(ErrorKind::NotFound.into())
    }

    fn place(&self) -> io::Result<Place> {
        Err(ErrorKind::NotFound.into())
    }
}

impl Clip {
    /// Closes the file: the archive is not there.
    pub fn let_go(&mut self) {
        self.file = Box::new(Away);
        self.visit = 0;
    }

    /// Whether its disk was never away since its file was opened, and nobody has put another file in its place: what is
    /// written to a file without a name is gone when it is closed.
    pub fn is_here(&self, site: &Site) -> bool {
        let same = || Ok::<_, io::Error>(place(&self.files.part())? == self.file.place()?);
        self.visit == site.ground.visit() && same().unwrap_or(false)
    }

    /// Goes on in the archive as it is now; does nothing unless it was away, or the file, since that was opened.
    pub fn come_back(&mut self, site: &Site) -> Result<(), Stay> {
        let visit = site.ground.visit();
        if self.settled || self.is_here(site) {
            return Ok(());
        }
        let (name, path) = (&self.files.name, self.files.part());
        let later = |error: io::Error| Stay::Later(sentence("opened again", &path, &error));
        let other = |why: &str| {
            Stay::Other(format!(
                "{name} {why}, though it was still growing: it ends there, a new clip goes on, and what it held may be lost \
                 (did somebody remove it? look at the archive)"
            ))
        };
        let reader = match open_regular(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(other("is gone")),
            opened => opened.map_err(later)?,
        };
        let bytes = reader.metadata().map_err(later)?.len();
        if bytes < self.length {
            return Err(other("lost its end"));
        }
        if hash(&reader, self.length).map_err(later)?.finalize() != self.hash.finalize() {
            return Err(other("holds something else"));
        }
        self.file = site.disk.reopen(&path).map_err(later)?;
        self.dirty = bytes != self.length;
        self.told = None; // its record may be an older one too
        self.visit = visit;
        Ok(())
    }
}
