//! Certificates: who may listen to and change what members say.

use super::Error;
use crate::config::{self, Secret};
use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use tonic::transport::{Certificate, ClientTlsConfig, Identity, ServerTlsConfig};

/// What a member shows, and what it believes.
///
/// With `cluster.tls.ca` both ends show a certificate that it has signed. Without it the server only shows one, and
/// callers believe no other than the one that they have themselves: then all members share it.
#[derive(Clone)]
pub struct Tls {
    identity: Identity,
    anchor: Certificate,
    /// Whether callers must show a certificate as well.
    mutual: bool,
    /// The name that certificates must carry; `None`: the address that was dialled.
    name: Option<String>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("mutual", &self.mutual).field("name", &self.name).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the files.
    pub(super) fn read(files: &config::Tls) -> Result<Tls, Error> {
        let certificate = text("cluster.tls.cert", &files.cert)?;
        let key = Secret::new(text("cluster.tls.key", &files.key)?);
        let authority = files.ca.as_deref().map(|ca| text("cluster.tls.ca", ca)).transpose()?;
        Ok(Tls {
            identity: Identity::from_pem(&certificate, key.expose()),
            mutual: authority.is_some(),
            anchor: Certificate::from_pem(authority.unwrap_or(certificate)),
            name: files.name.clone(),
        })
    }

    pub(super) fn server(&self) -> ServerTlsConfig {
        let server = ServerTlsConfig::new().identity(self.identity.clone());
        if self.mutual { server.client_ca_root(self.anchor.clone()) } else { server }
    }

    pub(super) fn client(&self, server: IpAddr) -> ClientTlsConfig {
        ClientTlsConfig::new()
            .ca_certificate(self.anchor.clone())
            .identity(self.identity.clone())
            .domain_name(self.name.clone().unwrap_or_else(|| server.to_string()))
    }
}

fn text(key: &'static str, path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|why| Error::File { key, path: path.to_owned(), why })
}
