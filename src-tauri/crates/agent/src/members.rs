//! `balcao-agent members`, `invite` and `revoke`: what the owner does in the window, from a command line.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use balcao_domain::clock::Clock;
use balcao_tenant::Role;
use balcao_tenant::members::{Code, Invite, NewComer, Team, TeamChange};
use clap::Args;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::desk::Desk;

/// Who is a member of the clinic, and on which computers.
#[derive(Args)]
pub struct Members {
    #[command(flatten)]
    desk: Desk,
    /// Prints the answer as JSON.
    #[arg(long)]
    json: bool,
}

/// What an invitation is for.
#[derive(Args)]
pub struct Invitation {
    #[command(flatten)]
    desk: Desk,
    /// Name of the person.
    #[arg(long, value_name = "NAME", required_unless_present = "member", conflicts_with = "member")]
    name: Option<String>,
    /// What they will be: owner, admin, attendant, professional or viewer.
    #[arg(long, value_name = "ROLE", default_value = "attendant", value_parser = person, conflicts_with = "member")]
    role: Role,
    /// Their e-mail address.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "member")]
    email: Option<String>,
    /// The agenda that becomes theirs, by the id of its professional.
    #[arg(long, value_name = "ID", conflicts_with = "member")]
    agenda: Option<Uuid>,
    /// Invites a further computer of this member instead of a new person.
    #[arg(long, value_name = "ID")]
    member: Option<Uuid>,
    /// What the computer is to be called.
    #[arg(long, value_name = "NAME")]
    computer: Option<String>,
    /// Writes the invitation into a new file instead of printing it: then the code alone is on standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Prints the answer as JSON. The code is in it, and never again.
    #[arg(long)]
    json: bool,
}

/// Whose access is taken away.
#[derive(Args)]
#[group(id = "what", required = true, multiple = false)]
pub struct Gone {
    /// A member, on every computer.
    #[arg(long, value_name = "ID")]
    member: Option<Uuid>,
    /// One computer.
    #[arg(long, value_name = "ID")]
    computer: Option<Uuid>,
    /// An invitation that nobody has accepted.
    #[arg(long, value_name = "ID")]
    invitation: Option<Uuid>,
}

/// Takes access away at once.
#[derive(Args)]
pub struct Revoke {
    #[command(flatten)]
    what: Gone,
    #[command(flatten)]
    desk: Desk,
    /// Prints the answer as JSON.
    #[arg(long)]
    json: bool,
}

fn person(name: &str) -> Result<Role, &'static str> {
    Role::from_name(name)
        .filter(|role| *role != Role::Agent)
        .ok_or("it is one of owner, admin, attendant, professional, viewer")
}

impl Members {
    /// Prints who there is.
    pub async fn run(self) -> Result<()> {
        let tenant = self.desk.connect().await?;
        let team = tenant.team().await;
        tenant.close().await;
        let team = team?;
        say(if self.json { as_json(&team).to_string() } else { words(&team) })
    }
}

impl Invitation {
    /// Invites and prints what is handed over: the text one way, the code another.
    pub async fn run(self) -> Result<()> {
        let whom = match (self.member, self.name) {
            (Some(member_id), _) => Invite::Computer { member_id },
            (None, name) => Invite::Person(NewComer {
                name: name.unwrap_or_default(),
                email: self.email,
                role: self.role,
                agenda: self.agenda,
            }),
        };
        // The place for it first: an invitation that cannot be handed over is none.
        let file = match &self.out {
            Some(path) => {
                Some(std::fs::File::create_new(path).with_context(|| format!("{} cannot be written", path.display()))?)
            }
            None => None,
        };
        let tenant = self.desk.connect().await?;
        let made = tenant.invite(&whom, self.computer.as_deref(), tenant.address(), Clock::System.now()).await;
        let only_here = tenant.address().is_loopback();
        tenant.close().await;
        let made = made??;
        let code = Code::random();
        let text = made.invitation.seal(&code)?;
        if let Some(mut file) = file {
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
                .context("the invitation cannot be written")?;
        }
        if only_here {
            writeln!(std::io::stderr(), "the address of this database is reached from this computer only")?;
        }
        let printed = self.out.is_none().then_some(&text);
        say(if self.json {
            json!({
                "id": made.id, "member": made.invitation.member_name, "code": code.to_string(),
                "invitation": printed, "expires_at": made.invitation.expires_at,
            })
            .to_string()
        } else {
            let text = printed.map(|text| format!("{text}\n")).unwrap_or_default();
            format!("{text}code  {code}\nuntil {}\n", made.invitation.expires_at.format("%Y-%m-%d %H:%M UTC"))
        })
    }
}

impl Revoke {
    /// Takes the access away and says so.
    pub async fn run(self) -> Result<()> {
        let change = match (self.what.member, self.what.computer, self.what.invitation) {
            (Some(id), _, _) => TeamChange::RevokeMember(id),
            (_, Some(id), _) => TeamChange::RevokeDevice(id),
            (_, _, Some(id)) => TeamChange::CancelInvitation(id),
            _ => bail!("say what: --member, --computer or --invitation"),
        };
        let tenant = self.desk.connect().await?;
        let done = tenant.change_team(change).await;
        tenant.close().await;
        done??;
        say(if self.json { json!({ "revoked": true }).to_string() } else { "The access is taken away.\n".to_owned() })
    }
}

fn say(text: String) -> Result<()> {
    let mut out = std::io::stdout().lock();
    write!(out, "{text}")?;
    if !text.ends_with('\n') {
        writeln!(out)?;
    }
    Ok(())
}

fn as_json(team: &Team) -> Value {
    let members: Vec<Value> = team
        .members
        .iter()
        .map(|member| {
            let computers: Vec<Value> = member
                .computers
                .iter()
                .map(|computer| {
                    json!({
                        "id": computer.id, "name": computer.name, "platform": computer.platform,
                        "app_version": computer.app_version, "last_seen_at": computer.last_seen_at,
                        "is_this": computer.is_this,
                    })
                })
                .collect();
            json!({
                "id": member.id, "name": member.name, "email": member.email, "role": member.role,
                "is_you": member.is_you, "agenda": member.professional, "computers": computers,
            })
        })
        .collect();
    let invitations: Vec<Value> = team
        .invitations
        .iter()
        .map(|open| {
            json!({
                "id": open.id, "member": open.member_name, "role": open.role, "expires_at": open.expires_at,
            })
        })
        .collect();
    json!({ "members": members, "invitations": invitations })
}

fn words(team: &Team) -> String {
    let mut lines = Vec::new();
    for member in &team.members {
        lines.push(format!("{}  {} ({})", member.id, member.name, member.role.as_str()));
        for computer in &member.computers {
            let id = computer.id.map_or_else(|| "-".to_owned(), |id| id.to_string());
            let seen = computer
                .last_seen_at
                .map_or_else(|| "never seen".to_owned(), |at| format!("seen {}", at.format("%Y-%m-%d %H:%M UTC")));
            lines.push(format!("    {id}  {}, {seen}", computer.name.as_deref().unwrap_or("without a name")));
        }
    }
    for open in &team.invitations {
        let until = open.expires_at.format("%Y-%m-%d %H:%M UTC");
        lines.push(format!("{}  invitation for {} ({}), until {until}", open.id, open.member_name, open.role.as_str()));
    }
    lines.join("\n") + "\n"
}
