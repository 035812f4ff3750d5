/* The live page: which calls there are, and whether the servers can be heard. */
import { Card } from "./card.js";
import { Socket } from "./socket.js";

/* Servers answer every four seconds; silent for this long, they cannot be reached. */
const SILENT = 13000;
/* How long a call that is over stays in sight. */
const KEPT = 30000;
const NOT_SENT = "Not sent: the connection to the server is being made again.";
const STATUS = {
  connecting: "Connecting…",
  live: "Live",
  silent: "No news from the servers. Calls go on; this page keeps trying.",
  closed: "The connection was lost. Calls go on; this page connects again.",
  refused: "Your account may not watch calls any more, or you have logged out. Reload the page.",
};

const options = JSON.parse(document.getElementById("live-options").textContent);
const list = document.getElementById("live-calls");
const empty = document.getElementById("live-empty");
const status = document.getElementById("live-status");
const title = document.title;
const cards = new Map();
const servers = new Map(); /* by name: when it was heard, and of which calls */
const orders = new Map(); /* what to do with the answers that are awaited */
let heardAt = 0;
let orderNumber = 0;

function link(state) {
  if (status.dataset.link === state) return;
  status.dataset.link = state;
  status.textContent = STATUS[state];
}

function order(call, what, answered) {
  const name = String((orderNumber += 1));
  orders.set(name, answered);
  if (!socket.send({ ...what, call, order: name })) answer(name, NOT_SENT);
}

function answer(name, refused) {
  const answered = orders.get(name);
  orders.delete(name);
  answered?.(refused);
}

function card(call) {
  if (!cards.has(call)) {
    const made = new Card(options, (what, answered) => order(call, what, answered));
    cards.set(call, made);
    list.append(made.element);
  }
  return cards.get(call);
}

/* A server says which calls it has; what is not known of them is asked for. */
function roll(server, calls) {
  heardAt = performance.now();
  link("live");
  const before = servers.get(server)?.calls ?? [];
  servers.set(server, { at: heardAt, calls: Object.keys(calls) });
  before.filter((call) => !(call in calls)).forEach((call) => gone(call, "The call is over"));
  const stale = ([call, number]) => cards.get(call)?.number !== number || cards.get(call).away;
  const want = Object.entries(calls).filter(stale).map(([call]) => call);
  if (want.length) socket.send({ want });
}

/* A server has a call no more; those that are with a person are not over for that. */
function gone(call, reason) {
  const known = cards.get(call);
  if (!known?.away) known?.end(reason);
}

/* All the calls whose callers are with a person, or on the way to one. */
function away(calls) {
  const has = (call) => [...servers.values()].some((server) => server.calls.includes(call));
  const told = new Map(calls.filter(({ call }) => !has(call)).map((each) => [each.call, each]));
  for (const [call, each] of told) {
    card(call).facts(each.about);
    card(call).leave(each.told);
  }
  cards.forEach((each, call) => {
    if (each.away && !told.has(call) && !has(call)) each.end("The call is over");
  });
}

function news(each) {
  const known = cards.get(each.call);
  if (!known && each.ended) return;
  if (!known?.news(each)) socket.send({ want: [each.call] });
}

function received(message) {
  if (message.calls) roll(message.server, message.calls);
  if (message.away) away(message.away);
  message.news?.forEach(news);
  if (message.whole) card(message.whole.call).show(message.whole);
  if (message.order) answer(message.order, message.refused);
  count();
}

function count() {
  const open = [...cards.values()].filter((each) => !each.over).length;
  document.title = open ? `(${open}) ${title}` : title;
  empty.hidden = cards.size > 0 || status.dataset.link !== "live";
}

function forget(call, known) {
  if (!known.over || known.element.contains(document.activeElement)) return;
  if (performance.now() - known.endedAt < KEPT) return;
  known.element.remove();
  cards.delete(call);
}

function tick() {
  const now = performance.now();
  if (status.dataset.link === "live" && now - heardAt > SILENT) link("silent");
  for (const [name, server] of servers) {
    if (status.dataset.link !== "live" || now - server.at < SILENT) continue;
    servers.delete(name);
    server.calls.forEach((call) => gone(call, "Its server cannot be reached any more"));
  }
  cards.forEach((each) => each.tick());
  cards.forEach((each, call) => forget(call, each));
  count();
}

function closed() {
  link("closed");
  [...orders.keys()].forEach((name) => answer(name, NOT_SENT));
}

const socket = new Socket(options.socket, {
  received,
  closed,
  refused: () => link("refused"),
});
setInterval(tick, 1000);
