//! The copy on a disk: one program, since each further one is linked anew.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod copy;
mod damage;
mod drafts;
mod few;
mod fixture;
mod forget;
mod media;
mod model;
mod older;
mod queue;
