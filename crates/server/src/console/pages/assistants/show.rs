//! `/console/assistants/{id}`: the tree, and the panel of the node that is selected.

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use handoff_core::{
    assistant::{Assistant, Finding, definition::Node, validate},
    handoff::Leaves,
};
use handoff_model::NodeId;
use serde::Deserialize;

use super::{
    Opened,
    choices::{self, InputKind, Offer, PATIENCE},
    describe::Describer,
    form::{Form, Panel, Setting, fallback_value},
    kind::Kind,
    open, place, platforms,
    tree::{self, Row, Walk},
};
pub(super) use crate::console::notice::Notice;
use crate::{
    chat::sentence,
    console::{
        ConsoleState,
        access::SignedIn,
        answer::{self, Trouble},
        link,
        shell::Shell,
        words::Moment,
    },
};

/// Which node, and what was done just now.
#[derive(Debug, Default, Deserialize)]
pub(in crate::console) struct Asked {
    #[serde(default)]
    node: String,
    #[serde(default)]
    done: String,
}

/// What the page shows besides the assistant itself.
#[derive(Default)]
pub(super) struct View {
    pub(super) status: StatusCode,
    pub(super) selected: Option<NodeId>,
    /// What somebody typed, in place of what is stored.
    pub(super) typed: Option<Panel>,
    pub(super) notice: Option<Notice>,
    /// Why something was not saved.
    pub(super) refusals: Vec<Finding>,
    /// What somebody typed for a node that is not there any more.
    pub(super) lost: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "console/assistant.html")]
struct AssistantPage {
    shell: Shell,
    base: String,
    id: String,
    name: String,
    language: String,
    revision: u64,
    publishing: Publishing,
    channels: String,
    rows: Vec<Row>,
    findings: Vec<FindingRow>,
    errors: usize,
    notice: Option<Notice>,
    refusals: Vec<FindingRow>,
    lost: Vec<(String, String)>,
    node: Option<NodePanel>,
    setting: Setting,
    offer: Offer,
}

/// How the draft and the published version stand to each other.
struct Publishing {
    version: Option<u32>,
    /// The draft is what is published.
    same: bool,
    saved: Moment,
}

struct FindingRow {
    link: Option<String>,
    place: String,
    problem: String,
    warning: bool,
}

/// The panel of the selected node.
struct NodePanel {
    id: String,
    kind: Kind,
    panel: Panel,
    /// The fields hold what somebody typed and what is not stored.
    unsaved: bool,
    /// Nodes that go with it when it is deleted.
    inside: usize,
    permanent: bool,
    findings: Vec<FindingRow>,
    /// Where a jump may lead.
    labels: Vec<(String, String)>,
}

/// The page.
pub(in crate::console) async fn show(
    State(state): State<ConsoleState>,
    who: SignedIn,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    let opened = open(&state, id).await?;
    let selected = (!asked.node.is_empty()).then(|| NodeId::new(asked.node));
    let view = View { selected, notice: done(&asked.done), ..View::default() };
    Ok(render(&state, &who, opened, view).await)
}

/// What a redirect says was done.
fn done(word: &str) -> Option<Notice> {
    let text = match word {
        "saved" => "Saved".to_owned(),
        "added" => "Added. Fill in its panel and save.".to_owned(),
        "moved" => "Moved".to_owned(),
        "deleted" => "Deleted".to_owned(),
        "created" => "Created".to_owned(),
        "imported" => "Imported as a draft. Publish it when it is right.".to_owned(),
        _ => {
            let version: u32 = word.strip_prefix("published-")?.parse().ok()?;
            format!("Published as version {version}. New sessions begin on it; running ones stay on theirs.")
        }
    };
    Some(Notice::good(text))
}

/// Renders the page.
pub(super) async fn render(state: &ConsoleState, who: &SignedIn, opened: Opened, view: View) -> Response {
    let Opened { row, draft } = opened;
    let targets = state.runtime.targets();
    let platforms = platforms::choices(state);
    let findings = findings(state, &draft).await;
    let describer = Describer { definition: &draft, choices: &platforms };
    let rows = Walk { describer: &describer, selected: view.selected.as_ref(), findings: &findings };
    let rows = rows.rows(&draft);
    let listed =
        |findings: &[Finding]| findings.iter().map(|found| FindingRow::new(found, &describer)).collect();
    let selected = view.selected.as_ref().and_then(|id| place::find(&draft, id));
    let node = selected.map(|node| NodePanel::new(node, view.typed, &findings, &describer));
    let offer = match node.as_ref().map(|node| &node.panel.form) {
        Some(Form::Handoff(form)) => choices::offer(&state.runtime, &targets, form).await,
        _ => Offer::default(),
    };
    let page = AssistantPage {
        shell: Shell::new(state, who, "assistants"),
        base: link::assistant(row.id.as_str()),
        id: row.id.to_string(),
        name: draft.name.clone(),
        language: draft.language.clone(),
        revision: row.revision,
        publishing: Publishing {
            version: row.published,
            same: row.published_revision == Some(row.revision),
            saved: row.saved_at.into(),
        },
        channels: channels(state, &row.id),
        rows,
        errors: findings.iter().filter(|finding| !finding.only_a_warning).count(),
        findings: listed(&findings),
        notice: view.notice,
        refusals: listed(&view.refusals),
        lost: view.lost,
        node,
        setting: Setting { accounts: platforms::accounts(&targets), targets, choices: platforms.clone() },
        offer,
    };
    answer::page_with(view.status, &page)
}

/// Everything that is to be said about the draft, and what the accounts say to the choices in it, if they answer in time.
async fn findings(state: &ConsoleState, draft: &Assistant) -> Vec<Finding> {
    let mut findings = validate(draft, &state.runtime.targets());
    let (runtime, draft) = (state.runtime.clone(), draft.clone());
    // Goes on when the page no longer waits, so that the next page has it.
    let asked = tokio::spawn(async move { runtime.check_choices(&draft).await });
    if let Ok(Ok(said)) = tokio::time::timeout(PATIENCE, asked).await {
        findings.extend(said);
    }
    findings
}

fn channels(state: &ConsoleState, id: &handoff_model::AssistantId) -> String {
    let channels = state.runtime.channels();
    let served = channels.iter().filter(|channel| channel.assistant.as_ref() == Some(id));
    served.map(|channel| channel.id.to_string()).collect::<Vec<_>>().join(", ")
}

impl FindingRow {
    fn new(finding: &Finding, describer: &Describer<'_>) -> Self {
        let definition = describer.definition;
        let node = finding.node.as_ref().and_then(|id| place::find(definition, id).map(|node| (id, node)));
        Self {
            link: node.map(|(id, _)| link::node(definition.id.as_str(), id.as_str())),
            place: node.map_or_else(|| "The whole assistant".to_owned(), |(_, node)| describer.label(node)),
            problem: sentence(&finding.problem),
            warning: finding.only_a_warning,
        }
    }
}

impl NodePanel {
    fn new(node: Node<'_>, typed: Option<Panel>, findings: &[Finding], describer: &Describer<'_>) -> Self {
        let id = place::id(node);
        let unsaved = typed.is_some();
        let panel = typed.unwrap_or_else(|| Panel::stored(node));
        let here = findings.iter().filter(|finding| finding.node.as_ref() == Some(id));
        Self {
            id: id.to_string(),
            kind: Kind::of(node),
            inside: place::count_inside(node),
            permanent: Kind::of(node) == Kind::ChatStarted,
            findings: here.map(|finding| FindingRow::new(finding, describer)).collect(),
            labels: if matches!(panel.form, Form::Jump(_)) { tree::labels(describer) } else { Vec::new() },
            panel,
            unsaved,
        }
    }
}

impl AssistantPage {
    /// Platforms that cannot be chosen, for the line below the field.
    fn unavailable(&self) -> String {
        let choices = self.setting.choices.iter();
        let words =
            choices.filter_map(|choice| Some(format!("{} ({})", choice.name, choice.reason.as_ref()?)));
        words.collect::<Vec<_>>().join(", ")
    }

    /// Whether the chosen platform is none of the list.
    fn is_unknown(&self, platform: &str) -> bool {
        !platform.is_empty() && !self.setting.choices.iter().any(|choice| choice.id == platform)
    }

    /// What the team of a fallback gets.
    fn kinds(&self) -> [(Leaves, &'static str); 2] {
        [(Leaves::Chat, "the chat"), (Leaves::Ticket, "a ticket")]
    }

    /// A way to fall back on, as the form sends it.
    fn way(&self, platform: &str, route: &Leaves) -> String {
        fallback_value(platform, *route)
    }

    /// Whether the chosen account is none of the list.
    fn is_unknown_account(&self, account: &str) -> bool {
        !account.is_empty() && !self.setting.accounts.iter().any(|known| known.id == account)
    }

    /// Whether a jump's target is none of the list.
    fn is_unknown_node(&self, node: &str) -> bool {
        let labels = self.node.iter().flat_map(|panel| &panel.labels);
        !node.is_empty() && !labels.into_iter().any(|(id, _)| id == node)
    }
}
