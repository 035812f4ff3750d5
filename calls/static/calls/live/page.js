/* The live page: the list of calls, and whether the servers are reachable. */
import { Card } from "./card.js";
import { Socket } from "./socket.js";

/* Servers send every four seconds; after this time without a message they count as lost. */
const SERVER_TIMEOUT = 13000;
/* Calls that are over disappear after this time. */
const FINISHED_TIME = 30000;
const NOT_SENT = "Not sent: the connection to the server is being restored.";
const STATUS = {
  connecting: "Connecting…",
  live: "Live",
  silent: "The servers do not respond. Calls continue; this page keeps trying.",
  closed: "The connection was lost. Calls continue; this page is reconnecting.",
  refused: "Your account may not watch calls any more, or you have logged out. Reload the page.",
};

const options = JSON.parse(document.getElementById("live-options").textContent);
const list = document.getElementById("live-calls");
const empty = document.getElementById("live-empty");
const legend = document.getElementById("live-legend");
const status = document.getElementById("live-status");
const title = document.title;
const cards = new Map();
const servers = new Map(); /* by name: time of its last message, and its calls */
const pending = new Map(); /* callbacks of commands without an answer, by name */
let lastMessageAt = 0;
let commandNumber = 0;
/* The calls at full width are in the address, so that they stay so when it is loaded again. */
const wanted = new Set(location.hash.slice(1).split(",").filter(Boolean));

function link(state) {
  if (status.dataset.link === state) return;
  status.dataset.link = state;
  status.textContent = STATUS[state];
}

function send(call, command, answered) {
  const name = String((commandNumber += 1));
  pending.set(name, answered);
  if (!socket.send({ ...command, call, command: name })) answer(name, NOT_SENT);
}

function answer(name, refused) {
  const answered = pending.get(name);
  pending.delete(name);
  answered?.(refused);
}

function card(call) {
  if (!cards.has(call)) {
    const made = new Card(options, (command, answered) => send(call, command, answered));
    cards.set(call, made);
    list.append(made.element);
    if (wanted.has(call)) made.widen(true);
  }
  return cards.get(call);
}

function widened({ target, detail: isWide }) {
  const [call] = [...cards].find(([, item]) => item.element === target) ?? [];
  if (!call) return;
  if (isWide) wanted.add(call);
  else wanted.delete(call);
  history.replaceState(null, "", `${location.pathname}${location.search}#${[...wanted].join(",")}`);
}

/* A server lists its calls; missing updates are requested. */
function listed(server, calls) {
  lastMessageAt = performance.now();
  link("live");
  const before = servers.get(server)?.calls ?? [];
  servers.set(server, { at: lastMessageAt, calls: Object.keys(calls) });
  before.filter((call) => !(call in calls)).forEach((call) => gone(call, "The call is over"));
  const stale = ([call, number]) => cards.get(call)?.number !== number || cards.get(call).away;
  const want = Object.entries(calls).filter(stale).map(([call]) => call);
  if (want.length) socket.send({ want });
}

/* A call left its server. Transferred calls are not over. */
function gone(call, reason) {
  const existing = cards.get(call);
  if (!existing?.away) existing?.end(reason);
}

/* All transferred calls. */
function transferred(calls) {
  const has = (call) => [...servers.values()].some((server) => server.calls.includes(call));
  const shown = new Map(calls.filter(({ call }) => !has(call)).map((item) => [item.call, item]));
  for (const [call, { about, status: text }] of shown) {
    card(call).facts(about);
    card(call).leave(text);
  }
  cards.forEach((existing, call) => {
    if (existing.away && !shown.has(call) && !has(call)) existing.end("The call is over");
  });
}

function updated(update) {
  const existing = cards.get(update.call);
  if (!existing && update.ended) return;
  if (!existing?.update(update)) socket.send({ want: [update.call] });
}

function received(message) {
  if (message.calls) listed(message.server, message.calls);
  if (message.away) transferred(message.away);
  message.updates?.forEach(updated);
  if (message.full) card(message.full.call).show(message.full);
  if (message.command) answer(message.command, message.refused);
  count();
}

function count() {
  const open = [...cards.values()].filter((item) => !item.over).length;
  document.title = open ? `(${open}) ${title}` : title;
  empty.hidden = cards.size > 0 || status.dataset.link !== "live";
  legend.hidden = cards.size === 0;
}

function removeFinished(call, item) {
  if (!item.over || item.element.contains(document.activeElement)) return;
  if (performance.now() - item.endedAt < FINISHED_TIME) return;
  item.element.remove();
  cards.delete(call);
}

function tick() {
  const now = performance.now();
  if (status.dataset.link === "live" && now - lastMessageAt > SERVER_TIMEOUT) link("silent");
  for (const [name, server] of servers) {
    if (status.dataset.link !== "live" || now - server.at < SERVER_TIMEOUT) continue;
    servers.delete(name);
    server.calls.forEach((call) => gone(call, "Its server cannot be reached any more"));
  }
  cards.forEach((item, call) => removeFinished(call, item));
  count();
}

function closed() {
  link("closed");
  [...pending.keys()].forEach((name) => answer(name, NOT_SENT));
}

list.addEventListener("widened", widened);
const socket = new Socket(options.socket, {
  received,
  closed,
  refused: () => link("refused"),
});
setInterval(tick, 1000);
/* Often enough to follow the bot's words. */
setInterval(() => cards.forEach((item) => item.tick()), 200);
