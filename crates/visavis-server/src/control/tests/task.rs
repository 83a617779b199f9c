use std::sync::mpsc as std_mpsc;

use tokio::sync::mpsc;

use super::*;
use crate::control::{ControlHandle, JoinRefused, SessionLink, start};

fn started() -> (
    ControlHandle,
    std_mpsc::Receiver<MediaCommand>,
    mpsc::Sender<MediaEvent>,
) {
    let (commands, commanded) = std_mpsc::channel();
    let (events, happened) = mpsc::channel(16);
    let media = Box::new(move |command| commands.send(command).unwrap_or_default());
    (start(config(), ids(), media, happened), commanded, events)
}

async fn until_answer(link: &mut SessionLink) -> ServerDescription {
    loop {
        if let Response::Answer(answer) = link.responses.recv().await.expect("more to come") {
            return answer;
        }
    }
}

#[tokio::test]
async fn sessions_live_on_their_links() {
    let (control, commands, events) = started();
    control.validate(hello("anna", single())).await.unwrap();
    let mut anna = control.join(hello("anna", single())).await.unwrap();
    let first = anna.responses.recv().await.unwrap();
    assert!(matches!(first, Response::Join(_)));
    until_answer(&mut anna).await;
    let MediaCommand::Open { transport, .. } = commands.recv().unwrap() else {
        panic!("not opened");
    };
    let ben = control.join(hello("ben", dual())).await.unwrap();
    assert_eq!(
        control.participant_names("daily".into()).await,
        ["anna", "ben"]
    );
    events.send(MediaEvent::Connected(transport)).await.unwrap();
    // Never had media, so its link is all it has; but not at once.
    drop(ben);
    anna.requests
        .send(Request::Leave { reason: None })
        .await
        .unwrap();
    while anna.responses.recv().await.is_some() {}
    assert_eq!(control.participants("daily".into()).await, 1);
}

#[tokio::test]
async fn a_client_that_takes_too_little_is_cut_off() {
    let (control, _commands, _events) = started();
    let mut anna = control.join(hello("anna", single())).await.unwrap();
    for _ in 0..2_000 {
        if anna.requests.send(Request::Ping(0)).await.is_err() {
            break;
        }
    }
    // Somebody else is served meanwhile, and the queue has an end.
    let ben = control.join(hello("ben", single())).await.unwrap();
    let mut pongs = 0;
    while let Some(response) = anna.responses.recv().await {
        pongs += usize::from(matches!(response, Response::Pong(_)));
    }
    assert!(pongs < 1_100, "{pongs}");
    assert_eq!(control.participants("daily".into()).await, 2);
    drop(ben);
}

#[tokio::test]
async fn after_shutdown_nobody_is_let_in() {
    let (control, _commands, _events) = started();
    let mut anna = control.join(hello("anna", single())).await.unwrap();
    control.shutdown().await;
    control.shutdown().await;
    let mut last = None;
    while let Some(response) = anna.responses.recv().await {
        last = Some(response);
    }
    assert!(matches!(last, Some(Response::Leave { .. })));
    let refused = control.join(hello("ben", single())).await.err();
    assert_eq!(refused, Some(JoinRefused::Unavailable));
    assert_eq!(JoinRefused::Unavailable.status(), 503);
}
