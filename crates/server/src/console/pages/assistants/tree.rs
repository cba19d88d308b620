//! A tree as a flat sequence of rows, which the template nests again.

use std::collections::HashMap;

use handoff_core::assistant::{Action, Assistant, Do, Finding, Trigger, definition::Node};
use handoff_model::NodeId;

use super::{
    describe::Describer,
    kind::{ACTIONS, Kind, TRIGGERS},
    place,
};
use crate::console::link;

/// One step through the tree.
pub(super) enum Row {
    /// A node begins; what is inside it follows.
    Node(NodeRow),
    /// The node ends.
    NodeEnd,
    /// A list begins; the label says when it is run.
    List(String),
    /// The list ends.
    ListEnd,
    /// Here nodes can be added.
    Add(AddRow),
}

/// A node.
pub(super) struct NodeRow {
    pub(super) link: String,
    pub(super) kind: Kind,
    pub(super) trigger: bool,
    pub(super) summary: String,
    pub(super) enabled: bool,
    pub(super) selected: bool,
    pub(super) errors: usize,
    pub(super) warnings: usize,
}

/// A place for new nodes.
pub(super) struct AddRow {
    pub(super) owner: String,
    pub(super) actions: Vec<Offer>,
    pub(super) triggers: Vec<Offer>,
}

/// A kind that can be added, and the list that it goes into.
pub(super) struct Offer {
    pub(super) value: String,
    pub(super) kind: Kind,
}

/// Goes through the tree from top to bottom.
pub(super) struct Walk<'a> {
    pub(super) describer: &'a Describer<'a>,
    pub(super) selected: Option<&'a NodeId>,
    pub(super) findings: &'a [Finding],
}

impl Walk<'_> {
    /// All rows.
    pub(super) fn rows(&self, definition: &Assistant) -> Vec<Row> {
        let mut rows = Vec::new();
        self.triggers(&definition.triggers, &mut rows);
        rows.push(Row::Add(AddRow::triggers("")));
        rows
    }

    fn triggers(&self, triggers: &[Trigger], rows: &mut Vec<Row>) {
        for trigger in triggers {
            let id = trigger.id.as_str();
            rows.push(self.node(Node::Trigger(trigger)));
            rows.push(Row::List(String::new()));
            self.actions(&trigger.actions, rows);
            if !trigger.triggers.is_empty() {
                rows.push(Row::Add(AddRow::actions(id, "actions")));
                rows.push(Row::ListEnd);
                rows.push(Row::List("when the person answers".to_owned()));
                self.triggers(&trigger.triggers, rows);
                rows.push(Row::Add(AddRow::triggers(id)));
            } else {
                rows.push(Row::Add(AddRow {
                    triggers: AddRow::triggers(id).triggers,
                    ..AddRow::actions(id, "actions")
                }));
            }
            rows.extend([Row::ListEnd, Row::NodeEnd]);
        }
    }

    fn actions(&self, actions: &[Action], rows: &mut Vec<Row>) {
        for action in actions {
            rows.push(self.node(Node::Action(action)));
            for (label, slot, list) in inner(&action.does) {
                rows.push(Row::List(label));
                self.actions(list, rows);
                rows.push(Row::Add(AddRow::actions(action.id.as_str(), &slot)));
                rows.push(Row::ListEnd);
            }
            rows.push(Row::NodeEnd);
        }
    }

    fn node(&self, node: Node<'_>) -> Row {
        let id = place::id(node);
        let enabled = match node {
            Node::Trigger(trigger) => trigger.enabled,
            Node::Action(action) => action.enabled,
        };
        let (mut errors, mut warnings) = (0, 0);
        for finding in self.findings.iter().filter(|finding| finding.node.as_ref() == Some(id)) {
            *(if finding.only_a_warning { &mut warnings } else { &mut errors }) += 1;
        }
        Row::Node(NodeRow {
            link: link::node(self.describer.definition.id.as_str(), id.as_str()),
            kind: Kind::of(node),
            trigger: matches!(node, Node::Trigger(_)),
            summary: self.describer.summary(node),
            enabled,
            selected: self.selected == Some(id),
            errors,
            warnings,
        })
    }
}

/// The lists inside an action: when each is run, its name, its content.
fn inner(does: &Do) -> Vec<(String, String, &[Action])> {
    match does {
        Do::IfElse { branches, otherwise } => {
            let branches = branches.iter().enumerate().map(|(number, branch)| {
                (format!("if {}", branch.condition), format!("branch-{number}"), branch.actions.as_slice())
            });
            let otherwise = ("else".to_owned(), "else".to_owned(), otherwise.as_slice());
            branches.chain([otherwise]).collect()
        }
        Do::ExternalHandoff(handoff) => {
            let failed = ("when the handoff fails", "failed", &handoff.when_handoff_fails);
            let nobody = ("when nobody is there", "nobody", &handoff.when_nobody_is_there);
            // The branch is shown where it can be taken, or holds something.
            let shown = handoff.check_availability || !handoff.when_nobody_is_there.is_empty();
            let refused = ("when the person says no", "refused", &handoff.when_consent_is_refused);
            let asks = handoff.consent.is_some() || !handoff.when_consent_is_refused.is_empty();
            let lists = asks.then_some(refused).into_iter().chain([failed]).chain(shown.then_some(nobody));
            lists.map(|(label, slot, list)| (label.to_owned(), slot.to_owned(), list.as_slice())).collect()
        }
        _ => Vec::new(),
    }
}

impl AddRow {
    /// A place for actions.
    fn actions(owner: &str, slot: &str) -> Self {
        let actions = ACTIONS.into_iter().map(|kind| offer(slot, kind)).collect();
        Self { owner: owner.to_owned(), actions, triggers: Vec::new() }
    }

    /// A place for triggers; Chat Started belongs to the top level, which has no owner.
    fn triggers(owner: &str) -> Self {
        let fitting = TRIGGERS.into_iter().filter(|kind| owner.is_empty() || *kind != Kind::ChatStarted);
        let triggers = fitting.map(|kind| offer("triggers", kind)).collect();
        Self { owner: owner.to_owned(), actions: Vec::new(), triggers }
    }
}

fn offer(slot: &str, kind: Kind) -> Offer {
    Offer { value: format!("{slot}:{}", kind.slug()), kind }
}

/// Every node with its label, for choosing where a jump leads.
pub(super) fn labels(describer: &Describer<'_>) -> Vec<(String, String)> {
    let mut labels = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    describer.definition.visit(&mut |node| {
        let id = place::id(node).to_string();
        let label = describer.label(node);
        let times = seen.entry(label.clone()).or_default();
        *times += 1;
        // Two nodes that read alike are told apart by their ids.
        labels.push((id.clone(), if *times > 1 { format!("{label} ({id})") } else { label }));
    });
    labels
}
