//! What can go wrong between a connector and its platform.

use std::fmt;

use crate::scenario::Answer;

/// One thing that goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The request is lost; the platform did nothing.
    LostBefore,
    /// The platform did it, and its answer is lost.
    LostAfter,
    /// The platform did it, and its answer breaks off.
    Torn,
    /// The platform did it, and half of its answer is missing.
    Truncated,
    /// The platform did it, and a page comes in place of its answer.
    Page,
    /// The platform did it, and JSON of another shape comes in place of its answer.
    OtherJson,
    /// The platform did it, and its answer is larger than the server takes.
    Huge,
    /// The platform did it, and answers with this error.
    ErrorAfter(u16),
    /// The platform did nothing, and answers with this error.
    Error(u16),
    /// The platform asks to wait, and says for how many seconds when it does.
    Limited(Option<u32>),
    /// The answer takes its time.
    Slow,
}

/// More than an answer may have, in bytes.
const HUGE: usize = (1 << 20) + 1;

/// Faults after which a handoff must come to its end all the same.
pub(crate) const PASSING: [Fault; 11] = [
    Fault::LostBefore,
    Fault::LostAfter,
    Fault::Torn,
    Fault::Truncated,
    Fault::Page,
    Fault::OtherJson,
    Fault::Huge,
    Fault::ErrorAfter(500),
    Fault::Error(500),
    Fault::Error(503),
    Fault::Slow,
];

/// What comes back on the wire.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) answer: Answer,
    /// Bytes of the body after which the connection ends; none when it does not end early.
    pub(crate) torn_at: Option<usize>,
    /// Nothing comes back at all.
    pub(crate) lost: bool,
}

impl Reply {
    pub(crate) fn whole(answer: Answer) -> Self {
        Self { answer, torn_at: None, lost: false }
    }

    fn lost() -> Self {
        let answer = Answer { status: 0, headers: Vec::new(), body: String::new() };
        Self { answer, torn_at: None, lost: true }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.lost, self.torn_at) {
            (true, _) => write!(f, "no answer"),
            (_, Some(at)) => write!(f, "{}, and the connection ends after {at} bytes", self.answer.status),
            (_, None) => write!(f, "{} {}", self.answer.status, self.answer.body),
        }
    }
}

impl Fault {
    /// What comes in place of asking the platform; none when it is asked.
    pub(crate) fn instead(self) -> Option<Reply> {
        let error = |status: u16, wait: Option<u32>| {
            let headers = wait.map(|seconds| ("retry-after".to_owned(), seconds.to_string()));
            let body = format!("{{\"error\":\"status {status}\"}}");
            Reply::whole(Answer { status, headers: headers.into_iter().collect(), body })
        };
        match self {
            Self::LostBefore => Some(Reply::lost()),
            Self::Error(status) => Some(error(status, None)),
            Self::Limited(wait) => Some(error(429, wait)),
            _ => None,
        }
    }

    /// What becomes of the platform's answer.
    pub(crate) fn after(self, mut answer: Answer) -> Reply {
        let half = answer.body.floor_char_boundary(answer.body.len() / 2);
        match self {
            Self::LostAfter => Reply::lost(),
            Self::Torn => Reply { torn_at: Some(half), ..Reply::whole(answer) },
            Self::Truncated => {
                answer.body.truncate(half);
                Reply::whole(answer)
            }
            Self::Page => {
                answer.headers = vec![("content-type".to_owned(), "text/html".to_owned())];
                answer.body = "<html><body>Please stand by</body></html>".to_owned();
                Reply::whole(answer)
            }
            Self::OtherJson => {
                answer.body = "[{\"unexpected\":true}]".to_owned();
                Reply::whole(answer)
            }
            Self::Huge => {
                answer.body.push_str(&" ".repeat(HUGE));
                Reply::whole(answer)
            }
            Self::ErrorAfter(status) => {
                answer.status = status;
                answer.body = "{\"error\":\"internal error\"}".to_owned();
                Reply::whole(answer)
            }
            Self::LostBefore | Self::Error(_) | Self::Limited(_) | Self::Slow => Reply::whole(answer),
        }
    }
}
