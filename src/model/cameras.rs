//! All cameras, and which of them a step has changed: of the others nothing has to be looked at again, so that a step
//! costs no more when there are hundreds.

use super::camera::Camera;
use super::id::CameraName;
use super::time::Mono;
use std::collections::HashMap;
use std::ops::{Deref, Index, IndexMut};

/// The cameras in the order of the configuration. Whoever may have changed one has touched it.
#[derive(Debug, Default)]
pub(super) struct Cameras {
    all: Vec<Camera>,
    places: HashMap<CameraName, usize>,
    /// When each has to be looked at next, as long as nobody touches it.
    look: Vec<Look>,
}

/// When a camera has to be looked at again.
#[derive(Debug, Clone, Copy)]
enum Look {
    /// At the end of this step.
    Touched,
    /// As it said at the end of the step that touched it last.
    At(Option<Mono>),
}

impl Cameras {
    /// One of a name, touched.
    pub fn named(&mut self, name: &CameraName) -> Option<&mut Camera> {
        let place = *self.places.get(name)?;
        Some(&mut self[place])
    }

    /// Whether there is one of that name.
    pub fn has(&self, name: &CameraName) -> bool {
        self.places.contains_key(name)
    }

    /// All of them, touched.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Camera> {
        self.look.fill(Look::Touched);
        self.all.iter_mut()
    }

    /// Those that were touched, or have to be looked at by now; touched.
    pub fn due(&mut self, now: Mono) -> impl Iterator<Item = &mut Camera> {
        let due = move |look: &mut Look| {
            let due = matches!(look, Look::Touched) || matches!(look, Look::At(Some(at)) if *at <= now);
            if due {
                *look = Look::Touched;
            }
            due
        };
        self.all.iter_mut().zip(&mut self.look).filter_map(move |(camera, look)| due(look).then_some(camera))
    }

    /// When the first has to be looked at again.
    pub fn next_look(&self, now: Mono) -> Option<Mono> {
        let looks = self.all.iter().zip(&self.look).filter_map(|(camera, look)| match look {
            Look::Touched => camera.due(now),
            Look::At(at) => {
                // One that was changed and not touched would be looked at too late.
                debug_assert!(camera.due(now).is_none_or(|due| at.is_some_and(|at| at <= due.max(now))));
                *at
            }
        });
        looks.min()
    }

    /// Ends a step: does something with each that was touched.
    pub fn rest<T>(&mut self, now: Mono, mut with: impl FnMut(&mut Camera) -> Option<T>) -> Vec<T> {
        let mut answers = Vec::new();
        for (camera, look) in self.all.iter_mut().zip(&mut self.look) {
            if let Look::Touched = look {
                answers.extend(with(camera));
                *look = Look::At(camera.due(now));
            }
        }
        answers
    }

    /// One more, behind all others.
    pub fn push(&mut self, camera: Camera) {
        self.all.push(camera);
        self.placed();
    }

    /// Puts them into an order.
    pub fn sort_by_key<K: Ord>(&mut self, key: impl FnMut(&Camera) -> K) {
        self.all.sort_by_key(key);
        self.placed();
    }

    /// Takes some out.
    pub fn extract(&mut self, which: impl Fn(&Camera) -> bool) -> Vec<Camera> {
        if !self.all.iter().any(&which) {
            return Vec::new();
        }
        let gone = self.all.extract_if(.., |camera| which(camera)).collect();
        self.placed();
        gone
    }

    fn placed(&mut self) {
        let names = self.all.iter().map(|camera| camera.settings.name.clone());
        self.places = names.zip(0..).collect();
        self.look = vec![Look::Touched; self.all.len()];
    }
}

impl FromIterator<Camera> for Cameras {
    fn from_iter<I: IntoIterator<Item = Camera>>(cameras: I) -> Self {
        let mut cameras = Self { all: cameras.into_iter().collect(), ..Self::default() };
        cameras.placed();
        cameras
    }
}

impl Deref for Cameras {
    type Target = [Camera];

    fn deref(&self) -> &[Camera] {
        &self.all
    }
}

impl Index<usize> for Cameras {
    type Output = Camera;

    fn index(&self, place: usize) -> &Camera {
        &self.all[place]
    }
}

impl IndexMut<usize> for Cameras {
    fn index_mut(&mut self, place: usize) -> &mut Camera {
        self.look[place] = Look::Touched;
        &mut self.all[place]
    }
}

impl<'a> IntoIterator for &'a mut Cameras {
    type Item = &'a mut Camera;
    type IntoIter = std::slice::IterMut<'a, Camera>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl<'a> IntoIterator for &'a Cameras {
    type Item = &'a Camera;
    type IntoIter = std::slice::Iter<'a, Camera>;

    fn into_iter(self) -> Self::IntoIter {
        self.all.iter()
    }
}
