//! The members of a clinic and their computers: who there is, inviting, coming, sending away.
//!
//! What a login may do here is decided in the database (`0015_members.sql`). What is in this module never sees a password
//! on its way to the server: it sends verifiers.

mod code;
mod invitation;
mod join;
mod team;

pub use code::Code;
pub use invitation::{Invitation, InvitationError};
pub use join::{Computer, JoinRefusal, new_password};
pub use team::{
    Agenda, Invite, Invited, Member, MemberComputer, NewComer, PendingInvitation, Team, TeamChange, TeamRefusal,
};
