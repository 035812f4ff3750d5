/* One call in progress: its turns, its state, and the operator's controls. */
import { Lines } from "./lines.js";
import { Turns, clock, parts } from "./turns.js";

const ACTIVITIES = {
  listening: "Listening",
  thinking: "Thinking",
  speaking: "Speaking",
  leaving: "Saying goodbye",
  transferring: "Being transferred",
};
const CONFIRMATIONS = {
  end: "The bot finishes its sentence and says goodbye. Click again to end at once.",
  now: "The call ends now.",
  transfer: "The bot finishes its sentence, tells the caller, and transfers them.",
};
/* A double click must not count as the second click, which ends a call at once. */
const MIN_CLICK_INTERVAL = 1000;
const LEAVING = ["leaving", "transferring"];

const seconds = () => performance.now() / 1000;

function timeFormat(timeZone) {
  return new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone });
}

export class Card {
  constructor(options, send) {
    const template = document.getElementById("live-call");
    this.element = template.content.firstElementChild.cloneNode(true);
    this.part = parts(this.element);
    this.turns = new Turns(this.part.turns);
    this.lines = new Lines(this.part.lines);
    this.times = timeFormat(options.timeZone);
    this.options = options;
    this.send = send;
    this.number = -1;
    this.over = false;
    this.away = ""; /* the status of a transfer to a person */
    this.given = ""; /* the operator's latest command that ends the call */
    this.listen();
  }

  listen() {
    const { part, element } = this;
    part.form.addEventListener("submit", (event) => this.say(event));
    part.end.addEventListener("click", () => this.command("end", part.end));
    part.transfer.addEventListener("click", () => {
      this.command("transfer", part.transfer, part.people.value);
    });
    part.widen.addEventListener("click", () => this.widen(!this.isWide()));
    part.title.addEventListener("click", () => this.widen(!this.isWide()));
    /* A screen reader announces only the call that has the focus. */
    element.addEventListener("focusin", () => part.turns.setAttribute("aria-live", "polite"));
    element.addEventListener("focusout", () => part.turns.setAttribute("aria-live", "off"));
  }

  isWide() {
    return this.element.classList.contains("wide");
  }

  /* At full width, the conversation and the controls stand side by side. */
  widen(wide) {
    this.element.classList.toggle("wide", wide);
    this.part.widen.setAttribute("aria-pressed", String(wide));
    this.part.turns.scrollTop = this.part.turns.scrollHeight;
    if (wide) this.element.scrollIntoView({ block: "nearest" });
    this.element.dispatchEvent(new CustomEvent("widened", { bubbles: true, detail: wide }));
  }

  /* Shows the call in full. */
  show({ call, number, about, state, turns, mayControl }) {
    if (number > this.number || this.away) this.revive();
    this.number = number;
    this.facts(about);
    this.part.controls.hidden = this.over || !mayControl;
    this.showTargets(about.people);
    turns.forEach((turn) => this.turns.show(turn));
    this.state(state);
    this.tick();
  }

  /* Shows the numbers, the bot and the duration. */
  facts(about) {
    const { part } = this;
    this.began = seconds() - about.seconds;
    this.clockOffset = about.at - seconds();
    part.title.id = `call-${about.id}`;
    part.label.htmlFor = part.line.id = `line-${about.id}`;
    this.element.setAttribute("aria-labelledby", part.title.id);
    part.from.textContent = about.from || "Unknown number";
    part.to.textContent = about.to || "-";
    part.bot.textContent = about.bot || "-";
    part.test.hidden = !about.test;
    part.page.href = this.options.callPage.replace("/0/", `/${about.id}/`);
  }

  /* The time of day, at the desk, of a time in seconds of the call; now without one. */
  time(at = seconds() - this.began) {
    return this.times.format((this.began + at + this.clockOffset) * 1000);
  }

  /* Fills the choice of transfer targets; those who are closed now are disabled. */
  showTargets(people) {
    const { part } = this;
    const selected = part.people.value;
    part.people.replaceChildren(...people.map(({ name, label, open }) => {
      const option = new Option(open ? label : `${label} (closed now)`, name);
      option.disabled = !open;
      return option;
    }));
    const open = people.filter((person) => person.open).map((person) => person.name);
    part.people.value = open.includes(selected) ? selected : (open[0] ?? "");
    this.transfer = open.length > 0;
    part.people.hidden = people.length < 2;
    part["no-transfer"].hidden = this.transfer;
    part.transfer.textContent = people.length === 1 ? `Transfer to ${people[0].label}` : "Transfer";
  }

  /* The caller is back from a transfer. */
  revive() {
    if (this.away) this.answer(`The caller is back with the bot since ${this.time()}.`);
    this.over = false;
    this.away = "";
    this.part.over.hidden = true;
  }

  /* The caller is being transferred, or talks to a person. */
  leave(status) {
    const isNew = !this.away;
    if (this.over) this.revive();
    this.away = status;
    this.part.controls.hidden = true;
    if (isNew && this.given) this.answer(`Transferred at ${this.time()}.`);
    this.given = "";
    this.state({ doing: "away" });
  }

  /* Applies an update. False if an earlier update was missed. */
  update({ number, turn, state, ended, away }) {
    if (number <= this.number) return true;
    const complete = number === this.number + 1;
    if (turn) this.turns.show(turn);
    if (state) this.state(state);
    if (away) this.leave(away);
    else if (ended) this.end(ended);
    if (complete) this.number = number;
    return complete;
  }

  state({ doing, partial, keys, saying = [], lines = [] }) {
    const { part } = this;
    const leaving = LEAVING.includes(doing);
    this.element.dataset.doing = this.over ? "over" : doing;
    part.doing.textContent = this.over ? "Over" : this.away || (ACTIVITIES[doing] ?? doing);
    part.partial.textContent = [keys, partial].filter(Boolean).join(" ");
    part.partial.hidden = this.over || !part.partial.textContent;
    part.end.textContent = leaving ? "End at once" : "End with a goodbye";
    part.transfer.disabled = part.people.disabled = leaving || !this.transfer;
    part.line.disabled = leaving;
    part.form.querySelectorAll("button").forEach((button) => { button.disabled = leaving; });
    this.turns.queue(saying, seconds() - this.began);
    if (lines.length) this.lines.update(lines);
    this.showLines();
  }

  showLines() {
    const now = seconds() - this.began;
    this.lines.render({ over: this.over, now, time: (at) => this.time(at ?? undefined) });
  }

  tick() {
    if (this.over || this.began === undefined) return;
    this.part.elapsed.textContent = clock(seconds() - this.began);
    this.turns.tick(seconds() - this.began);
    this.showLines();
  }

  end(reason) {
    if (this.over) return;
    this.over = true;
    this.away = "";
    this.endedAt = performance.now();
    this.part.over.textContent = `${reason}, ${this.time()}.`;
    this.part.over.hidden = false;
    this.part.controls.hidden = true;
    if (this.given) this.answer(`Ended at ${this.time()}.`);
    this.state({ doing: "over" });
  }

  say(event) {
    event.preventDefault();
    const line = this.part.line.value.trim();
    if (!line) return;
    /* Enter says it next, as does the first button. */
    const command = event.submitter?.value || "say-next";
    this.send({ do: command, text: line }, (refused) => {
      if (!refused && this.part.line.value.trim() === line) this.part.line.value = "";
      this.answer(refused ? `Not said. ${refused}` : "", refused);
    });
  }

  command(command, button, text = "") {
    const done = command === "end" && this.isLeaving() ? CONFIRMATIONS.now : CONFIRMATIONS[command];
    button.disabled = true;
    setTimeout(() => {
      button.disabled = command === "transfer" && this.isLeaving();
    }, MIN_CLICK_INTERVAL);
    this.send({ do: command, text }, (refused) => {
      if (!refused && this.over) return;
      if (!refused) this.given = command;
      this.answer(refused || done, refused);
    });
  }

  isLeaving() {
    return LEAVING.includes(this.element.dataset.doing);
  }

  answer(message, refused) {
    this.part.answer.textContent = message;
    this.part.answer.classList.toggle("refused", Boolean(refused));
  }
}
