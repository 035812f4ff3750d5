/* One call in progress: its words, its state, and what an operator can do. */
import { Turns, clock, parts } from "./turns.js";

const DOING = {
  listening: "Listening",
  thinking: "Thinking",
  speaking: "Speaking",
  leaving: "Saying goodbye",
  transferring: "Being put through",
};
const DONE = {
  say: "The bot says it next.",
  end: "The bot finishes its sentence and says goodbye. Click again to end at once.",
  now: "Ended.",
  transfer: "The bot finishes its sentence, tells the caller, and puts them through.",
};
/* A double click must not be taken for the second click, which ends a call at once. */
const CLICKS_APART = 1000;
/* How long the word on an operator's line stays, should the bot not say it sooner. */
const SAID_WITHIN = 8000;
const LEAVING = ["leaving", "transferring"];

export class Card {
  constructor(options, order) {
    const template = document.getElementById("live-call");
    this.element = template.content.firstElementChild.cloneNode(true);
    this.part = parts(this.element);
    this.turns = new Turns(this.part.turns);
    this.options = options;
    this.order = order;
    this.number = -1;
    this.over = false;
    this.away = ""; /* how far the caller is who was put through to a person */
    this.listen();
  }

  listen() {
    const { part, element } = this;
    part.form.addEventListener("submit", (event) => this.say(event));
    part.end.addEventListener("click", () => this.command("end", part.end));
    part.transfer.addEventListener("click", () => {
      this.command("transfer", part.transfer, part.people.value);
    });
    /* Of several calls a screen reader tells the one its user is in. */
    element.addEventListener("focusin", () => part.turns.setAttribute("aria-live", "polite"));
    element.addEventListener("focusout", () => part.turns.setAttribute("aria-live", "off"));
  }

  /* All there is to know of the call so far. */
  show({ call, number, about, state, turns }) {
    if (number > this.number || this.away) this.revive();
    this.number = number;
    this.facts(about);
    this.part.controls.hidden = this.over || !this.options.mayControl;
    this.offer(about.people);
    turns.forEach((turn) => this.turns.show(turn));
    this.state(state);
    this.tick();
  }

  /* Who speaks with which bot, and for how long. */
  facts(about) {
    const { part } = this;
    this.began = performance.now() / 1000 - about.seconds;
    part.title.id = `call-${about.id}`;
    part.label.htmlFor = part.line.id = `line-${about.id}`;
    this.element.setAttribute("aria-labelledby", part.title.id);
    part.from.textContent = about.from || "Unknown number";
    part.to.textContent = about.to || "-";
    part.bot.textContent = about.bot || "-";
    part.test.hidden = !about.test;
    part.page.href = this.options.callPage.replace("/0/", `/${about.id}/`);
  }

  /* Whom the caller can be put through to; who takes no calls now cannot be chosen. */
  offer(people) {
    const { part } = this;
    const chosen = part.people.value;
    part.people.replaceChildren(...people.map(({ name, label, open }) => {
      const option = new Option(open ? label : `${label} (closed now)`, name);
      option.disabled = !open;
      return option;
    }));
    const open = people.filter((each) => each.open).map((each) => each.name);
    part.people.value = open.includes(chosen) ? chosen : (open[0] ?? "");
    this.transfer = open.length > 0;
    part.people.hidden = people.length < 2;
    part["no-transfer"].hidden = this.transfer;
    part.transfer.textContent = people.length === 1 ? `Transfer to ${people[0].label}` : "Transfer";
  }

  /* A call whose caller is back from a person. */
  revive() {
    this.over = false;
    this.away = "";
    this.part.over.hidden = true;
  }

  /* The caller is with a person, or on the way to one: the bot has no part in it. */
  leave(told) {
    this.revive();
    this.away = told;
    this.part.controls.hidden = true;
    this.state({ doing: "away" });
  }

  /* False when something before it was missed. */
  news({ number, turn, state, ended, away }) {
    if (number <= this.number) return true;
    const complete = number === this.number + 1;
    if (turn) this.turns.show(turn);
    if (turn?.operator) this.said();
    if (state) this.state(state);
    if (away) this.leave(away);
    else if (ended) this.end(ended);
    if (complete) this.number = number;
    return complete;
  }

  state({ doing, partial, keys }) {
    const { part } = this;
    const leaving = LEAVING.includes(doing);
    this.element.dataset.doing = this.over ? "over" : doing;
    part.doing.textContent = this.over ? "Over" : this.away || (DOING[doing] ?? doing);
    part.partial.textContent = [keys, partial].filter(Boolean).join(" ");
    part.partial.hidden = this.over || !part.partial.textContent;
    part.end.textContent = leaving ? "End at once" : "End with a goodbye";
    part.transfer.disabled = part.people.disabled = leaving || !this.transfer;
    part.line.disabled = leaving;
    part.form.querySelector("button").disabled = leaving;
  }

  tick() {
    if (this.over || this.began === undefined) return;
    this.part.elapsed.textContent = clock(performance.now() / 1000 - this.began);
  }

  end(reason) {
    if (this.over) return;
    this.over = true;
    this.away = "";
    this.endedAt = performance.now();
    this.part.over.textContent = `${reason}.`;
    this.part.over.hidden = false;
    this.part.controls.hidden = true;
    this.state({ doing: "over" });
  }

  say(event) {
    event.preventDefault();
    const line = this.part.line.value.trim();
    if (!line) return;
    this.order({ do: "say", text: line }, (refused) => {
      if (!refused && this.part.line.value.trim() === line) this.part.line.value = "";
      this.answer(refused || DONE.say, refused);
      clearTimeout(this.saidSoon);
      this.saidSoon = setTimeout(() => this.said(), SAID_WITHIN);
    });
  }

  said() {
    if (this.part.answer.textContent === DONE.say) this.answer("");
  }

  command(what, button, text = "") {
    const done = what === "end" && this.isLeaving() ? DONE.now : DONE[what];
    button.disabled = true;
    setTimeout(() => {
      button.disabled = what === "transfer" && this.isLeaving();
    }, CLICKS_APART);
    this.order({ do: what, text }, (refused) => this.answer(refused || done, refused));
  }

  isLeaving() {
    return LEAVING.includes(this.element.dataset.doing);
  }

  answer(words, refused) {
    this.part.answer.textContent = words;
    this.part.answer.classList.toggle("refused", Boolean(refused));
  }
}
