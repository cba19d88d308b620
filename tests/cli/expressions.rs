//! Expressions that never end or grow without bounds: refused, or stopped while the chat goes on.

use std::time::{Duration, Instant};

use anyhow::Result;
use handoff_tests::{
    assistants::{answer_to, support, with_trigger},
    caller::Caller,
    server::Server,
    setup::Setup,
};
use serde_json::json;

/// However an expression is written, a turn is over after this.
const LONGEST: Duration = Duration::from_secs(10);

#[tokio::test]
async fn an_expression_that_loops_is_refused_or_stopped_and_the_chat_goes_on() -> Result<()> {
    let endless = [
        "[x for x in range(1000000000)]",
        "sum([y for y in [x for x in range(100000)]])",
        "'a' * 300000000",
        "[0] * 100000000",
        "'abcdefgh'.replace('', 'x' * 100000)",
        "(lambda f: f(f))(lambda f: f(f))",
        "9 ** 9 ** 9 ** 9",
        "1 << 1000000000",
        "[[[a for a in 'xxxxxxxxxx'] for b in 'xxxxxxxxxx'] for c in 'xxxxxxxxxx']",
        "_user_input * 100000000",
    ];
    let mut published = 0;
    for expression in endless {
        let on = json!({ "event": "message_received", "phrases": ["go"] });
        let set = json!({ "id": "set", "action": "set_variable", "name": "x", "value": expression });
        let say = json!({ "id": "say", "action": "send_message", "texts": ["done"] });
        let trigger = json!({ "id": "extra", "on": on, "actions": [set, say] });
        let assistant = with_trigger(support("loopback"), trigger);
        let setup = Setup::new()?.with_loopback(false).with_plugins(&["loopback"]);
        let mut server = Server::prepare(setup)?;
        let began = Instant::now();
        if server.publish(&assistant).await.is_err() {
            continue;
        }
        published += 1;
        server.restart().await?;
        let program = Caller::new(&server, "one");
        let replies = program.asks("go").await?;
        assert!(replies.contains(&"done".to_owned()), "{expression}: {replies:?}");
        assert!(began.elapsed() < LONGEST, "{expression} took {:?}", began.elapsed());
        assert_eq!(program.asks("Hello").await?, [answer_to("Hello")], "{expression}");
    }
    assert!(published < endless.len(), "none of them was refused before it was published");
    Ok(())
}
