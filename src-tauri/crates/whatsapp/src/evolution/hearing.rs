//! The stream of an Evolution server.

use super::{Evolution, Namespace};
use crate::gateway::{Ended, GatewayError, Speaker, Stream};
use crate::socket::{self, NoLine};

impl Evolution {
    pub(crate) fn listen(&self) -> Stream {
        let gateway = self.clone();
        Stream::run(|speaker| async move { gateway.listening(&speaker).await })
    }

    async fn listening(&self, speaker: &Speaker) -> Ended {
        let frames = match self.0.line.open(self.0.timing.connect).await {
            Ok(frames) => frames,
            Err(NoLine::Failed(error)) => return error.into(),
            Err(NoLine::Answered(status)) => return self.why(status).await.into(),
        };
        let instance = (self.0.setting.namespace == Namespace::Instance).then(|| self.name());
        // One stream carries every instance of the server.
        let is_ours = |payload: &_| crate::instance(payload) == Some(self.name());
        socket::listen(frames, instance, |event| is_ours(&event.payload), &self.0.timing, speaker).await
    }

    /// Why the server gave no socket. It says 400 to a wrong key as to anything else, so the same key is tried where the
    /// answer is plain.
    async fn why(&self, status: u16) -> GatewayError {
        match (status, self.state().await) {
            (_, Err(error)) => error,
            (500.., Ok(_)) => GatewayError::Failed { status, text: String::new() },
            (_, Ok(_)) => GatewayError::NotAGateway("its socket is not to be had"),
        }
    }
}
