/* The turns of a call, as a growing list. */
import { showWords } from "./bot_words.js";

const WHO = { caller: "Caller", bot: "Bot", system: "System", tool: "Tool" };

/* A tool call in one line: action, arguments, result, duration. */
function action({ title, given, result, failed, ms }) {
  const took = ms === null ? "" : ` (${ms} ms)`;
  const head = given ? `${title}: ${given}` : title;
  const outcome = result ? ` → ${result}` : "";
  return `${head}${failed ? ", failed" : ""}${outcome}${took}`;
}

export function parts(root) {
  const found = root.querySelectorAll("[data-part]");
  return Object.fromEntries([...found].map((part) => [part.dataset.part, part]));
}

export function clock(seconds) {
  const rounded = Math.max(0, Math.floor(seconds));
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(rounded / 3600), Math.floor(rounded / 60) % 60];
  const rest = two(rounded % 60);
  return hours ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

/* If no caller's turn follows, an operator or a lost connection cut the bot off. */
function cut(turn, next) {
  if (turn.role === "caller") return "Interrupted.";
  return next?.dataset.role === "caller" ? "Interrupted by the caller." : "Cut off.";
}

function note(turn, next) {
  const notes = [];
  if (turn.consent) notes.push("The consent message.");
  if (turn.filler) notes.push("Said while the caller waited.");
  if (turn.operator) notes.push("Written by an operator.");
  if (turn.cut) notes.push(cut(turn, next));
  if (turn.error) notes.push(turn.error);
  return notes.join(" ");
}

export class Turns {
  constructor(list) {
    this.list = list;
    this.template = document.getElementById("live-turn");
    this.shown = new Map();
    this.turns = new WeakMap(); /* by list item */
    this.saying = new Map(); /* what the bot is saying of a turn, by the turn's index */
    this.now = 0; /* in seconds of the call */
  }

  show(turn) {
    const follows = this.atEnd();
    const item = this.shown.get(turn.index) ?? this.add(turn.index);
    const part = parts(item);
    item.dataset.role = turn.role;
    part.who.textContent = WHO[turn.role] ?? turn.role;
    part.at.textContent = clock(turn.seconds);
    this.turns.set(item, turn);
    if (turn.use) part.words.textContent = action(turn.use);
    else this.words(item);
    this.remark(item);
    if (item.previousElementSibling) this.remark(item.previousElementSibling);
    if (follows) this.list.scrollTop = this.list.scrollHeight;
  }

  /* What the bot is saying now, and the time by which to tell how far it is. */
  queue(saying, now) {
    const before = [...this.saying.keys()];
    this.saying = new Map(saying.map((turn) => [turn.turn, turn]));
    this.tick(now, [...before, ...this.saying.keys()]);
  }

  tick(now, indexes = [...this.saying.keys()]) {
    this.now = now;
    indexes.map((index) => this.shown.get(index)).filter(Boolean).forEach((item) => this.words(item));
  }

  words(item) {
    const turn = this.turns.get(item);
    showWords(parts(item).words, turn, this.saying.get(turn.index), this.now);
  }

  remark(item) {
    const part = parts(item);
    part.note.textContent = note(this.turns.get(item), item.nextElementSibling);
    part.note.hidden = !part.note.textContent;
  }

  /* Inserts a turn in its order; turns may arrive out of order. */
  add(index) {
    const item = this.template.content.firstElementChild.cloneNode(true);
    this.shown.set(index, item);
    const later = [...this.shown.keys()].filter((other) => other > index);
    this.list.insertBefore(item, this.shown.get(Math.min(...later)) ?? null);
    return item;
  }

  /* True if the latest turn is visible, so that the list keeps scrolling. */
  atEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.list;
    return scrollHeight - scrollTop - clientHeight < 40;
  }
}
