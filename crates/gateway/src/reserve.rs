//! How much the bodies of all requests may hold together, from their first byte until their answers begin.
//!
//! Each body has its own limit, and as many requests as may be with the providers have a place each. But bodies that are
//! still coming have none yet, and many large ones at once would take all the memory there is.

use crate::error::Refusal;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bodies count in blocks of so many bytes.
const BLOCK: usize = 4096;

/// See the module.
pub(crate) struct Reserve(Arc<Semaphore>);

impl Reserve {
    /// Room for so many of the largest bodies, in bytes each.
    pub(crate) fn of(bodies: usize, largest: usize) -> Self {
        let blocks = largest.div_ceil(BLOCK).saturating_mul(bodies);
        Self(Arc::new(Semaphore::new(blocks.min(Semaphore::MAX_PERMITS))))
    }

    /// The share of one body, which holds nothing yet.
    pub(crate) fn share(&self) -> Share {
        Share { reserve: Arc::clone(&self.0), held: None, blocks: 0 }
    }
}

/// What one body takes of a [`Reserve`]. Free again when this is dropped.
pub(crate) struct Share {
    reserve: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
    blocks: usize,
}

impl Share {
    /// Grows to so many bytes in all.
    ///
    /// # Errors
    /// When others hold too much. Nobody queues here: each that waited would keep what it holds.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> Result<(), Refusal> {
        let more = bytes.div_ceil(BLOCK).saturating_sub(self.blocks);
        if more == 0 {
            return Ok(());
        }
        let wanted = u32::try_from(more).map_err(|_| Refusal::crowded())?;
        let permit =
            Arc::clone(&self.reserve).try_acquire_many_owned(wanted).map_err(|_| Refusal::crowded())?;
        match &mut self.held {
            Some(held) => held.merge(permit),
            None => self.held = Some(permit),
        }
        self.blocks += more;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_share_what_there_is_and_give_it_back() {
        let reserve = Reserve::of(2, 2 * BLOCK);
        let (mut one, mut other) = (reserve.share(), reserve.share());
        assert_eq!(one.grow_to(1), Ok(()));
        assert_eq!(one.grow_to(BLOCK), Ok(()), "the block is its own already");
        assert_eq!(other.grow_to(3 * BLOCK), Ok(()));
        assert_eq!(one.grow_to(BLOCK + 1), Err(Refusal::crowded()));
        drop(other);
        assert_eq!(one.grow_to(4 * BLOCK), Ok(()));
    }

    #[test]
    fn as_many_of_the_largest_as_were_meant_fit_however_small_they_are() {
        let reserve = Reserve::of(2, 1);
        let mut shares = [reserve.share(), reserve.share(), reserve.share()];
        assert_eq!(
            shares.each_mut().map(|share| share.grow_to(1)),
            [Ok(()), Ok(()), Err(Refusal::crowded())]
        );
    }

    #[test]
    fn no_body_is_too_large_to_be_counted() {
        assert_eq!(Reserve::of(8, usize::MAX).share().grow_to(usize::MAX), Err(Refusal::crowded()));
        assert_eq!(Reserve::of(8, 0).share().grow_to(0), Ok(()));
    }
}
