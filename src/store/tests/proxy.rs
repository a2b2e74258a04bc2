//! A network that loses something at the worst moment.

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What happens to the next commit. The one after it passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Loss {
    /// It is made; instead of the answer the connection ends.
    Answer,
    /// It is made; the answer never comes, and the connection stays.
    AnswerSilently,
    /// It does not reach the server; the connection ends.
    Commit,
    /// It does not reach the server, and neither does the end of the connection.
    CommitSilently,
}

/// Stands between a client and a server.
pub(super) struct Proxy {
    pub(super) port: u16,
    next: Arc<Mutex<Option<Loss>>>,
}

impl Proxy {
    pub(super) async fn to(server: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let next = Arc::new(Mutex::new(None));
        let losses = next.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server, losses.clone()));
            }
        });
        Proxy { port, next }
    }

    pub(super) fn lose(&self, loss: Loss) {
        *self.next.lock().unwrap() = Some(loss);
    }

    /// Whether the loss has happened.
    pub(super) fn has_lost(&self) -> bool {
        self.next.lock().unwrap().is_none()
    }
}

async fn pass(mut client: TcpStream, server: u16, losses: Arc<Mutex<Option<Loss>>>) {
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", server)).await else { return };
    let (mut up, mut down) = (vec![0; 65536], vec![0; 65536]);
    loop {
        tokio::select! {
            count = client.read(&mut up) => {
                let Ok(count @ 1..) = count else { return };
                let is_commit = up[..count].windows(6).any(|text| text == b"COMMIT");
                let loss = if is_commit { losses.lock().unwrap().take() } else { None };
                if !matches!(loss, Some(Loss::Commit | Loss::CommitSilently)) && server.write_all(&up[..count]).await.is_err() {
                    return;
                }
                match loss {
                    None => {}
                    Some(Loss::Answer) => drop(server.read(&mut down).await),
                    Some(Loss::AnswerSilently) => {
                        let _ = server.read(&mut down).await;
                        std::future::pending().await
                    }
                    Some(Loss::Commit) => {}
                    Some(Loss::CommitSilently) => std::future::pending().await,
                }
                if loss.is_some() {
                    return;
                }
            }
            count = server.read(&mut down) => {
                let Ok(count @ 1..) = count else { return };
                if client.write_all(&down[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}
