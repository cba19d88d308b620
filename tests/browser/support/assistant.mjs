// The assistant that the tests talk to, and what it says.

/** The greeting, and the answers that it suggests. */
export const HELLO = "Hello, I am Ada. How can I help?";
export const PARCEL = "Where is my parcel?";
export const WISH = "Talk to a human";
/** What is said about the parcel. */
export const ON_ITS_WAY = "It is on its way. See [our shop](https://shop.example/track) for more.";
/** What the person is told of a handoff. */
export const ASKED = "I am asking the team.";
export const ACCEPTED = "The team has your chat.";
export const CLOSED = "The team closed the chat.";

/** What the assistant answers to anything it has no trigger for. */
export const answerTo = (text) => `You said: ${text}`;

/** The assistant `support`, which gives chats to a platform when asked for a human. */
export function support({ platform = "zendesk" } = {}) {
  return {
    format: 1, id: "support", name: "Ada", language: "en",
    triggers: [
      {
        id: "hello", on: { event: "chat_started" },
        actions: [{ id: "greet", action: "send_message", texts: [HELLO], quick_replies: [PARCEL, WISH] }],
      },
      {
        id: "parcel", on: { event: "message_received", phrases: [PARCEL, "my order has not arrived"] },
        actions: [
          {
            id: "known", action: "if_else",
            branches: [{
              if: "_customer['email'] != None",
              actions: [{ id: "look", action: "send_message", texts: ["I look it up for {_customer['email']}."] }],
            }],
            else: [{ id: "way", action: "send_message", texts: [ON_ITS_WAY], quick_replies: [WISH] }],
          },
        ],
      },
      {
        id: "human", on: { event: "message_received", phrases: [WISH, "live agent"], approximate: false },
        actions: [
          {
            id: "leave", action: "external_handoff", platform, budget_seconds: 600,
            texts: { asked: ASKED, accepted: ACCEPTED, queued: ACCEPTED, closed: CLOSED },
            when_handoff_fails: [{ id: "back", action: "send_message", texts: ["I am back."] }],
          },
        ],
      },
      {
        id: "else", on: { event: "fallback" },
        actions: [{ id: "answer", action: "send_message", texts: ["You said: {_user_input}"] }],
      },
    ],
  };
}
