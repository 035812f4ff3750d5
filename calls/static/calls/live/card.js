/* One call in progress: its turns, its state, and the operator's controls. */
import { Turns, clock, parts } from "./turns.js";

const ACTIVITIES = {
  listening: "Listening",
  thinking: "Thinking",
  speaking: "Speaking",
  leaving: "Saying goodbye",
  transferring: "Being transferred",
};
const CONFIRMATIONS = {
  say: "The bot says it next.",
  end: "The bot finishes its sentence and says goodbye. Click again to end at once.",
  now: "Ended.",
  transfer: "The bot finishes its sentence, tells the caller, and transfers them.",
};
/* A double click must not count as the second click, which ends a call at once. */
const MIN_CLICK_INTERVAL = 1000;
/* The confirmation of an operator's line disappears when the bot says it, or after this. */
const CONFIRMATION_TIME = 8000;
const LEAVING = ["leaving", "transferring"];

export class Card {
  constructor(options, send) {
    const template = document.getElementById("live-call");
    this.element = template.content.firstElementChild.cloneNode(true);
    this.part = parts(this.element);
    this.turns = new Turns(this.part.turns);
    this.options = options;
    this.send = send;
    this.number = -1;
    this.over = false;
    this.away = ""; /* the status of a transfer to a person */
    this.listen();
  }

  listen() {
    const { part, element } = this;
    part.form.addEventListener("submit", (event) => this.say(event));
    part.end.addEventListener("click", () => this.command("end", part.end));
    part.transfer.addEventListener("click", () => {
      this.command("transfer", part.transfer, part.people.value);
    });
    /* A screen reader announces only the call that has the focus. */
    element.addEventListener("focusin", () => part.turns.setAttribute("aria-live", "polite"));
    element.addEventListener("focusout", () => part.turns.setAttribute("aria-live", "off"));
  }

  /* Shows the call in full. */
  show({ call, number, about, state, turns }) {
    if (number > this.number || this.away) this.revive();
    this.number = number;
    this.facts(about);
    this.part.controls.hidden = this.over || !this.options.mayControl;
    this.showTargets(about.people);
    turns.forEach((turn) => this.turns.show(turn));
    this.state(state);
    this.tick();
  }

  /* Shows the numbers, the bot and the duration. */
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
    this.over = false;
    this.away = "";
    this.part.over.hidden = true;
  }

  /* The caller is being transferred, or talks to a person. */
  leave(status) {
    this.revive();
    this.away = status;
    this.part.controls.hidden = true;
    this.state({ doing: "away" });
  }

  /* Applies an update. False if an earlier update was missed. */
  update({ number, turn, state, ended, away }) {
    if (number <= this.number) return true;
    const complete = number === this.number + 1;
    if (turn) this.turns.show(turn);
    if (turn?.operator) this.clearConfirmation();
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
    part.doing.textContent = this.over ? "Over" : this.away || (ACTIVITIES[doing] ?? doing);
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
    this.send({ do: "say", text: line }, (refused) => {
      if (!refused && this.part.line.value.trim() === line) this.part.line.value = "";
      this.answer(refused || CONFIRMATIONS.say, refused);
      clearTimeout(this.confirmationTimer);
      this.confirmationTimer = setTimeout(() => this.clearConfirmation(), CONFIRMATION_TIME);
    });
  }

  clearConfirmation() {
    if (this.part.answer.textContent === CONFIRMATIONS.say) this.answer("");
  }

  command(command, button, text = "") {
    const done = command === "end" && this.isLeaving() ? CONFIRMATIONS.now : CONFIRMATIONS[command];
    button.disabled = true;
    setTimeout(() => {
      button.disabled = command === "transfer" && this.isLeaving();
    }, MIN_CLICK_INTERVAL);
    this.send({ do: command, text }, (refused) => this.answer(refused || done, refused));
  }

  isLeaving() {
    return LEAVING.includes(this.element.dataset.doing);
  }

  answer(message, refused) {
    this.part.answer.textContent = message;
    this.part.answer.classList.toggle("refused", Boolean(refused));
  }
}
