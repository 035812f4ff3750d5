/* What became of the lines that operators had the bot say. */
const OPEN = ["waiting", "saying"];
const UNKNOWN = "unknown";

function outcome(line, { over, now, time }) {
  const at = time(line.seconds);
  const isQueued = line.state === "saying" && line.starts !== null && now < line.starts;
  switch (isQueued ? "waiting" : line.state) {
    case "waiting":
      return line.now
        ? "Waits until the sentence that plays now is over."
        : "Waits until the bot has finished.";
    case "saying":
      return "The bot says it now.";
    case "said":
      return `Said at ${at}.`;
    case "cut":
      return `Cut off at ${at}: the caller heard a part of it.`;
    case "unheard":
      return `Cut off at ${at}, before the caller heard it.`;
    case "lost":
      return `Could not be said: the call ${over ? "had ended" : "was ending"}.`;
    default:
      return "Perhaps not said: another server has the call now.";
  }
}

export class Lines {
  constructor(list) {
    this.list = list;
    this.shown = new Map(); /* the latest state of each line, by its id */
  }

  /* Takes the lines of a call's state. Those that it no longer has went with their server. */
  update(lines) {
    const ids = new Set(lines.map((line) => line.id));
    for (const [id, line] of this.shown) {
      if (!ids.has(id) && OPEN.includes(line.state)) line.state = UNKNOWN;
    }
    lines.forEach((line) => this.shown.set(line.id, { ...line }));
  }

  /* Shows each line with its outcome; `call` has `over`, `now` and `time`. */
  render(call) {
    const shown = [...this.shown.values()].map((line) => [line, outcome(line, call)]);
    const key = JSON.stringify(shown.map(([line, text]) => [line.id, text]));
    if (this.list.dataset.lines === key) return;
    this.list.dataset.lines = key;
    this.list.hidden = !shown.length;
    this.list.replaceChildren(...shown.slice(-5).map(([line, text]) => this.item(line, text)));
  }

  item(line, text) {
    const item = document.createElement("li");
    item.dataset.state = line.state;
    const words = document.createElement("q");
    words.dir = "auto";
    words.textContent = line.text;
    item.append(words, ` ${text}`);
    return item;
  }
}
