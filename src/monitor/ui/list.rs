//! A place in a list that grows at its beginning. The place is a line and not a number of lines, so that it stays where
//! it is while newer ones come in above it.

/// How the cursor moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// So many lines down.
    Down(usize),
    /// So many lines up.
    Up(usize),
    /// To the beginning.
    First,
    /// To the end.
    Last,
}

impl Motion {
    /// From one of `count` places to another one.
    pub fn from(self, at: usize, count: usize) -> usize {
        let end = count.saturating_sub(1);
        match self {
            Motion::Down(lines) => at.saturating_add(lines).min(end),
            Motion::Up(lines) => at.saturating_sub(lines).min(end),
            Motion::First => 0,
            Motion::Last => end,
        }
    }
}

/// A line of a list whose keys fall from the first line to the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor<K> {
    /// `None`: always the first line, whichever that is.
    at: Option<K>,
}

impl<K> Default for Cursor<K> {
    fn default() -> Self {
        Self { at: None }
    }
}

impl<K: Ord> Cursor<K> {
    /// Whether it stays with the newest line.
    pub fn follows(&self) -> bool {
        self.at.is_none()
    }

    /// Stays with the newest line.
    pub fn follow(&mut self) {
        self.at = None;
    }

    /// Stays with this line.
    pub fn stay(&mut self, key: K) {
        self.at = Some(key);
    }

    /// Where it is among `keys`: at its line, or where that was.
    pub fn place(&self, keys: impl Iterator<Item = K>) -> usize {
        let Some(at) = &self.at else { return 0 };
        let mut last = 0;
        for (n, key) in keys.enumerate() {
            if key <= *at {
                return n;
            }
            last = n;
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stays_at_its_line_while_others_come_and_go() {
        let mut cursor = Cursor::default();
        assert_eq!(cursor.place([9, 8, 7].into_iter()), 0);
        cursor.stay(8);
        assert_eq!(cursor.place([9, 8, 7].into_iter()), 1);
        assert_eq!(cursor.place([11, 10, 9, 8, 7].into_iter()), 3);
        assert_eq!(cursor.place([11, 10, 9, 7].into_iter()), 3, "what it was at is gone: the next older one");
        assert_eq!(cursor.place([11, 10].into_iter()), 1);
        assert_eq!(cursor.place([].into_iter()), 0);
        cursor.follow();
        assert_eq!(cursor.place([12, 11].into_iter()), 0);
    }

    #[test]
    fn motions_end_at_the_edges() {
        assert_eq!(Motion::Down(5).from(2, 4), 3);
        assert_eq!(Motion::Up(5).from(2, 4), 0);
        assert_eq!(Motion::Last.from(0, 0), 0);
        assert_eq!(Motion::Down(1).from(7, 0), 0);
    }
}
