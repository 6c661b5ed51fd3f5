//! The medium below the cache: what is on it, and damage to it that nobody has noticed yet.

use std::path::Path;

use super::SimFs;
use super::tree::Change;

impl SimFs {
    /// Flips one bit of a file on the medium. Panics if the file has no such bit.
    pub fn flip_bit(&self, path: &Path, position: u64, bit: u8) {
        self.damage(path, position, |byte| byte ^ (1 << (bit % 8)));
    }

    /// Puts bytes into a file on the medium. Panics if the file has no such position.
    pub fn overwrite(&self, path: &Path, position: u64, bytes: &[u8]) {
        for (byte, at) in bytes.iter().zip(position..) {
            self.damage(path, at, |_| *byte);
        }
    }

    /// Cuts a file on the medium. Panics if there is no such file.
    pub fn truncate(&self, path: &Path, length: u64) {
        let mut state = self.state.lock();
        let id = state.file_id(path).expect("a file to cut");
        let freed = state.image(id).map_or(0, |image| {
            let freed = image.set_len(length);
            image.force();
            freed
        });
        state.used -= freed;
    }

    /// Takes a file off the medium. Panics if there is no such file.
    pub fn lose(&self, path: &Path) {
        let mut state = self.state.lock();
        let (dir, name) = state.tree.place(path).expect("a directory");
        state.file_id(path).expect("a file to lose");
        state.unlink(path);
        state.tree.change(vec![Change {
            dir,
            name,
            node: None,
        }]);
        state.tree.force(dir);
    }

    /// What is on the medium of a file, whatever the cache says.
    pub fn durable_bytes(&self, path: &Path) -> Option<Vec<u8>> {
        let mut state = self.state.lock();
        let id = state.file_id(path)?;
        state.image(id).map(|image| image.durable_bytes())
    }

    fn damage(&self, path: &Path, position: u64, change: impl Fn(u8) -> u8) {
        let mut state = self.state.lock();
        let id = state.file_id(path).expect("a file to damage");
        let image = state.image(id).expect("a file to damage");
        assert!(position < image.len(), "the file ends before {position}");
        image.damage(position, change);
    }
}
