//! Carries what is said into a stream, no faster than the other end takes it.

use super::MESSAGE_MAX;
use prost::Message;
use std::time::Duration;
use tokio::sync::mpsc::error::SendError;
use tokio::sync::mpsc::{Permit, Sender, UnboundedReceiver};

/// How many messages may wait for a slow peer: more than any burst has that a peer takes at its usual speed, and some
/// ten megabytes. Its stream is closed beyond that, since whoever waits for an effect says it again.
const WAITING_MAX: usize = 100_000;

/// How many messages are between the pump and the network.
pub(super) const IN_FLIGHT: usize = 64;

/// How often the queue of a peer that takes nothing is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Why a stream ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The peer, or the connection to it, is gone.
    Gone(String),
    /// The peer takes messages more slowly than they are made.
    Slow,
    /// Nobody here has anything to say on it any more.
    Dropped,
    /// The process leaves.
    Stopped,
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            End::Gone(why) => f.write_str(why),
            End::Slow => write!(f, "more than {WAITING_MAX} messages waited for the other side"),
            End::Dropped => f.write_str("it is needed no longer"),
            End::Stopped => f.write_str("this process leaves"),
        }
    }
}

/// Carries messages over until one of the ends is gone. `wrap` makes of a message what the stream takes.
pub(super) async fn pump<M, W: Message, I>(
    mut from: UnboundedReceiver<M>,
    to: Sender<I>,
    words: impl Fn(M) -> W,
    wrap: impl Fn(W) -> I,
) -> End {
    loop {
        let said = tokio::select! {
            said = from.recv() => said,
            () = to.closed() => return End::Gone("the other side has closed the stream".into()),
        };
        let Some(said) = said else { return End::Dropped };
        let words = words(said);
        let size = words.encoded_len();
        if size > MESSAGE_MAX {
            // The stream would break by it, again and again, and nothing else would come through either.
            tracing::error!("a message of {size} bytes is not sent: {MESSAGE_MAX} are the most that is taken");
            continue;
        }
        match room(&from, &to).await {
            Ok(room) => room.send(wrap(words)),
            Err(end) => return end,
        }
    }
}

/// Waits until the stream takes one more.
async fn room<'t, M, I>(from: &UnboundedReceiver<M>, to: &'t Sender<I>) -> Result<Permit<'t, I>, End> {
    let mut look = tokio::time::interval(LOOK_EVERY);
    let room = to.reserve();
    tokio::pin!(room);
    loop {
        tokio::select! {
            biased;
            room = &mut room => {
                return room.map_err(|SendError(())| End::Gone("the other side has closed the stream".into()));
            }
            _ = look.tick() => {
                if from.len() > WAITING_MAX {
                    return Err(End::Slow);
                }
            }
        }
    }
}
