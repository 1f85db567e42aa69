//! A gateway of the clinic's own with a certificate of an authority of its own, over https and wss.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use balcao_testkit::database::TestDatabase;
use balcao_testkit::gateway::{FakeEvolution, Incoming};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};

use super::{Computer, PHONE, TOKEN, add, failing, keys, wish};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Result<Authority> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

/// What a server at `localhost` proves itself with.
fn certificate(authority: &Authority) -> Result<Arc<ServerConfig>> {
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])?.signed_by(&key, authority)?;
    let secret = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], secret)?;
    Ok(Arc::new(config))
}

/// The connection with this authority and, where given, at another name of the same computer.
fn trusting(gateway: &FakeEvolution, pem: Option<&str>, host: &str) -> Value {
    let mut wish = wish(gateway, "recepcao");
    wish["url"] = json!(gateway.url().replace("localhost", host));
    wish["ca_pem"] = json!(pem);
    wish
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_of_an_own_authority_is_believed_under_that_one_only_and_by_its_name() -> Result<()> {
    let (ours, theirs) = (authority()?, authority()?);
    let gateway = FakeEvolution::start_encrypted(certificate(&ours)?).await?;
    gateway.add_instance("recepcao");
    let database = TestDatabase::fresh().await?;
    let office = Computer::of(database.owner()).await?;
    let pem = ours.pem();

    let (unknown, other) = ("gateway_certificate_unknown_issuer", "gateway_certificate_other_name");
    for (what, pem, host, code) in [
        ("those of the system", None, "localhost", unknown),
        ("another authority", Some(theirs.pem()), "localhost", unknown),
        ("another name", Some(pem.clone()), "127.0.0.1", other),
    ] {
        let (_, wrong) = office.trial(&trusting(&gateway, pem.as_deref(), host), &keys(TOKEN)).await?;
        assert_eq!(wrong, failing("tls", code), "{what}");
    }
    assert_eq!(gateway.calls(), Vec::<String>::new(), "whoever is not believed does not get the key");
    let not_one = trusting(&gateway, Some("o certificado"), "localhost");
    let refused = office.call("try_channel", json!({ "id": null, "wish": not_one, "keys": keys(TOKEN) })).await;
    let refused = refused.unwrap_err();
    assert_eq!((refused.code.as_str(), refused.reference.as_deref()), ("invalid_certificate", Some("ca_pem")));

    let right = trusting(&gateway, Some(&pem), "localhost");
    let (trial, wrong) = office.trial(&right, &keys(TOKEN)).await?;
    assert_eq!(wrong, None);
    assert_eq!(trial["steps"][1]["facts"]["protection"], "given");
    let id = add(&office, right, TOKEN).await?;
    office.until("get_channels", |list| list["channels"][0]["wish"]["ca_pem"] == pem.trim()).await?;
    office.until_it_works().await?;
    let since = Instant::now();
    while gateway.listeners() == 0 {
        assert!(since.elapsed() < Duration::from_secs(30), "it is heard over an encrypted socket");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    gateway.receive("recepcao", &Incoming::text(PHONE, "bom dia"));
    office.until("get_channels", |list| list["channels"][0]["last_inbound_at"] != Value::Null).await?;

    // Somebody else in the server's place.
    let wrong = trusting(&gateway, Some(&theirs.pem()), "localhost");
    office.call("change_channel", json!({ "id": id, "wish": wrong, "keys": null })).await?;
    office.until("get_channels", |list| list["channels"][0]["problem"] == unknown).await?;
    office.desk.close().await;
    Ok(())
}
