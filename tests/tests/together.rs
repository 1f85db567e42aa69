//! What spans crates and needs a database: one program, because each further one is linked for minutes and its slowest
//! test waited for alone.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod attacks;
mod audit;
mod background;
mod backups;
mod booking;
mod channels;
mod company;
mod composer;
mod copy;
mod decisions;
mod desks;
mod faults;
mod feed_marks;
mod feed_shape;
mod following;
mod isolation;
mod joining;
mod lan;
mod media;
mod members;
mod merging;
mod notifications;
mod older;
mod outage;
mod privacy;
mod provisioning;
mod replay;
mod row_security;
mod satisfaction;
mod sending;
mod sharing;
mod sight;
mod threads;
mod tls;
