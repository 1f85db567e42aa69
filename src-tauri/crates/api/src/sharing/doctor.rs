//! Which step of the way to a clinic fails. It is found out in the background; the screens hear of each step.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use balcao_keychain::Secret;
use balcao_tenant::{Address, DoctorState, DoctorStep, Finding, diagnose};
use tokio::task::AbortHandle;

use super::{DiagnoseConnection, Diagnosis, DiagnosisStep, Whereabouts};
use crate::changes::Topic;
use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::local_clinic::password;
use crate::profile::{Kind, Profile};
use crate::session::Session;

/// The diagnosis of a desk: the last one, or the one that is under way.
#[derive(Debug, Default)]
pub(crate) struct Doctor {
    visit: Mutex<Visit>,
}

#[derive(Debug, Default)]
struct Visit {
    number: u64,
    diagnosis: Diagnosis,
    under_way: Option<AbortHandle>,
}

/// Where to go, and with what.
struct Way {
    address: Address,
    /// The password, or the code of what keeps it.
    password: Result<Secret, String>,
    /// Who knows more when nobody answers there.
    whereabouts: Option<Whereabouts>,
}

pub(crate) async fn diagnose_connection(desk: &Arc<Desk>, what: DiagnoseConnection) -> Result<Diagnosis, ApiError> {
    let way = match what {
        DiagnoseConnection::Clinic {} => None,
        DiagnoseConnection::Invitation { invitation, code } => Some(by_invitation(desk, invitation, &code).await?),
        DiagnoseConnection::Address { address, password } => {
            let (address, in_url) = Address::parse(&address)?;
            let password = if password.is_empty() { in_url.unwrap_or_default() } else { password };
            Some(Way { address, password: Ok(Secret::new(password)), whereabouts: None })
        }
    };
    let number = desk.doctor.begin();
    let there = desk.clone();
    let task = tokio::spawn(async move {
        let outcome = match way {
            Some(way) => Ok(way),
            None => there.way_to_clinic().await,
        };
        match outcome {
            Ok(way) => there.visit(number, way).await,
            Err(problem) => there.doctor_tells(number, |diagnosis| not_even_begun(diagnosis, &problem)),
        }
        there.doctor_tells(number, |diagnosis| diagnosis.is_running = false);
    });
    desk.doctor.keep(number, task.abort_handle());
    get_diagnosis(desk, Nothing {}).await
}

pub(crate) async fn get_diagnosis(desk: &Arc<Desk>, _: Nothing) -> Result<Diagnosis, ApiError> {
    Ok(desk.doctor.visit().diagnosis.clone())
}

async fn by_invitation(desk: &Desk, text: String, code: &str) -> Result<Way, ApiError> {
    let invitation = crate::members::opened(text, code).await?;
    // Whoever joins looks for it in the same way.
    let whereabouts = Some(Whereabouts::new(invitation.address.clone(), desk.options.profile_dir.clone()));
    Ok(Way { password: Ok(Secret::new(invitation.password)), address: invitation.address, whereabouts })
}

impl Desk {
    async fn way_to_clinic(&self) -> Result<Way, ApiError> {
        let missing = || ApiError::new("no_session", "this profile has no clinic");
        let profile = Profile::read(&self.options.profile_dir)?.ok_or_else(missing)?;
        let mut address = profile.address.clone().ok_or_else(missing)?;
        let password = password(&self.keychain, &profile.id.to_string()).await.map_err(|error| error.code().to_owned());
        if profile.kind != Kind::Remote {
            let open = self.clinic().await.ok().and_then(|clinic| clinic.server.clone());
            // Whatever kept the clinic from being opened keeps its database from answering.
            let server = open.ok_or_else(|| match self.session() {
                Session::Failed { problem, .. } => problem,
                _ => missing(),
            })?;
            address.port = server.port().await?;
            return Ok(Way { address, password, whereabouts: None });
        }
        let whereabouts = Whereabouts::new(address.clone(), self.options.profile_dir.clone());
        Ok(Way { address, password, whereabouts: Some(whereabouts) })
    }

    async fn visit(&self, number: u64, way: Way) {
        let found = self.look(number, &way, &way.address, None).await;
        let nobody = |finding: &Finding| {
            matches!(finding.step, DoctorStep::Name | DoctorStep::Port) && finding.state == DoctorState::Failed
        };
        let (true, Some(whereabouts)) = (found.iter().any(nobody), &way.whereabouts) else { return };
        // The clinic may have another address since; the desk looks for it in the same way.
        for candidate in whereabouts.elsewhere(&way.address).await {
            let host = candidate.host.clone();
            if !self.look(number, &way, &candidate, Some(&host)).await.iter().any(nobody) {
                return;
            }
        }
    }

    async fn look(&self, number: u64, way: &Way, address: &Address, found: Option<&str>) -> Vec<Finding> {
        let application = format!("balcao {}", self.options.app_version);
        let password = way.password.as_ref().map(Secret::expose).map_err(String::as_str);
        diagnose(address, password, &application, &self.clock, |finding| {
            self.doctor_tells(number, |diagnosis| {
                let mut facts: BTreeMap<String, String> =
                    finding.facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
                if let Some(found) = found.filter(|_| finding.step == DoctorStep::Name) {
                    facts.insert("found".to_owned(), found.to_owned());
                }
                let now = DiagnosisStep {
                    step: finding.step.as_str().to_owned(),
                    state: finding.state.as_str().to_owned(),
                    code: finding.code.clone(),
                    facts,
                };
                for step in diagnosis.steps.iter_mut().filter(|step| step.step == now.step) {
                    *step = now.clone();
                }
            });
        })
        .await
    }

    /// Changes what the screens see, unless another diagnosis has begun meanwhile.
    fn doctor_tells(&self, number: u64, change: impl FnOnce(&mut Diagnosis)) {
        {
            let mut visit = self.doctor.visit();
            if visit.number != number {
                return;
            }
            change(&mut visit.diagnosis);
        }
        self.announce(BTreeSet::from([Topic::Network]), Vec::new());
    }
}

impl Doctor {
    /// A new diagnosis; one that is under way ends.
    fn begin(&self) -> u64 {
        let mut visit = self.visit();
        if let Some(before) = visit.under_way.take() {
            before.abort();
        }
        visit.number += 1;
        let waiting = |step: DoctorStep| DiagnosisStep {
            step: step.as_str().to_owned(),
            state: "waiting".to_owned(),
            code: None,
            facts: BTreeMap::new(),
        };
        visit.diagnosis = Diagnosis { is_running: true, steps: DoctorStep::ALL.map(waiting).to_vec() };
        visit.number
    }

    fn keep(&self, number: u64, task: AbortHandle) {
        let mut visit = self.visit();
        if visit.number == number {
            visit.under_way = Some(task);
        } else {
            task.abort();
        }
    }

    fn visit(&self) -> std::sync::MutexGuard<'_, Visit> {
        self.visit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The database on this computer does not start, or it is not known where the clinic is: nobody answers.
fn not_even_begun(diagnosis: &mut Diagnosis, problem: &ApiError) {
    for step in &mut diagnosis.steps {
        let (state, code) = match step.step.as_str() {
            "name" => ("ok", None),
            "port" => ("failed", Some(problem.code.clone())),
            _ => ("not_reached", None),
        };
        (step.state, step.code) = (state.to_owned(), code);
    }
}
