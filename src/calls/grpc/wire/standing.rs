//! What workers ask of the database through a master, and its answers.

use super::{Garbled, holder, words};
use crate::calls::{Beat, Failure, SignIn, Standing};

impl From<SignIn> for words::SignInRequest {
    fn from(who: SignIn) -> Self {
        let SignIn { holder, host, address, pid, lease_ms } = who;
        let address = address.map(|address| address.to_string());
        words::SignInRequest { holder: Some(holder.into()), host, address, pid, lease_ms }
    }
}

pub(in crate::calls::grpc) fn sign_in(said: words::SignInRequest) -> Result<SignIn, Garbled> {
    let words::SignInRequest { holder: who, host, address, pid, lease_ms } = said;
    let address =
        address.map(|text| text.parse().map_err(|_| Garbled::new(format!("{text:?} is no address")))).transpose()?;
    Ok(SignIn { holder: holder(who)?, host, address, pid, lease_ms })
}

impl From<Beat> for words::BeatRequest {
    fn from(beat: Beat) -> Self {
        let Beat { holder, after, lease_ms } = beat;
        words::BeatRequest { holder: Some(holder.into()), after, lease_ms }
    }
}

pub(in crate::calls::grpc) fn beat(said: words::BeatRequest) -> Result<Beat, Garbled> {
    let words::BeatRequest { holder: who, after, lease_ms } = said;
    Ok(Beat { holder: holder(who)?, after, lease_ms })
}

pub(in crate::calls::grpc) fn answer(standing: Result<Standing, Failure>) -> words::StandingAnswer {
    use words::standing_answer::What as Said;
    let what = match standing {
        Ok(Standing::Lives { beat, moved }) => Said::Lives(words::Lives { beat, moved }),
        Ok(Standing::Fenced) => Said::Fenced(words::Nothing {}),
        Ok(Standing::Superseded) => Said::Superseded(words::Nothing {}),
        Ok(Standing::Unknown) => Said::Unknown(words::Nothing {}),
        Err(Failure::Unavailable(why)) => Said::Unavailable(why),
        Err(Failure::Refused(why)) => Said::Refused(why),
        Err(Failure::Unreachable(why)) => Said::Unreachable(why),
    };
    words::StandingAnswer { what: Some(what) }
}

pub(in crate::calls::grpc) fn standing(said: words::StandingAnswer) -> Result<Standing, Failure> {
    use words::standing_answer::What as Said;
    match said.what {
        Some(Said::Lives(words::Lives { beat, moved })) => Ok(Standing::Lives { beat, moved }),
        Some(Said::Fenced(_)) => Ok(Standing::Fenced),
        Some(Said::Superseded(_)) => Ok(Standing::Superseded),
        Some(Said::Unknown(_)) => Ok(Standing::Unknown),
        Some(Said::Unavailable(why)) => Err(Failure::Unavailable(why)),
        Some(Said::Refused(why)) => Err(Failure::Refused(why)),
        Some(Said::Unreachable(why)) => Err(Failure::Unreachable(why)),
        None => Err(Failure::Unreachable("the master's answer is of a later release".into())),
    }
}
