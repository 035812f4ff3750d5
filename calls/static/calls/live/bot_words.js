/* The bot's words of one turn: said, heard now, queued, and not heard. */
const NAMES = {
  said: "",
  now: "The caller hears this now",
  queued: "The bot says this next",
  missed: "The caller did not hear this",
};

/* The pieces of a turn that the bot is saying, at a time in seconds of the call. */
function inQueue({ said, pieces }, now) {
  const state = ({ starts, ends }) => {
    if (starts === null || now < starts) return "queued";
    return now < ends ? "now" : "said";
  };
  return [["said", said], ...pieces.map((piece) => [state(piece), piece.text])];
}

/* Neighbours in one state become one piece. */
function merged(pieces) {
  const result = [];
  for (const [state, text] of pieces) {
    if (!text) continue;
    const last = result.at(-1);
    if (last?.[0] === state) last[1] += text;
    else result.push([state, text]);
  }
  return result;
}

function hidden(text) {
  const span = document.createElement("span");
  span.className = "visually-hidden";
  span.textContent = ` (${text}:) `;
  return span;
}

function elements([state, text]) {
  const words = document.createElement(state === "missed" ? "del" : "span");
  words.className = `words-${state}`;
  words.textContent = text;
  if (!NAMES[state]) return [words];
  words.title = NAMES[state];
  return [hidden(NAMES[state]), words];
}

/* Shows a turn's words in `place`; `saying` is what its call has queued of it. */
export function showWords(place, turn, saying, now) {
  const pieces = saying ? inQueue(saying, now) : [["said", turn.heard], ["missed", turn.missed]];
  const shown = merged(pieces);
  const key = JSON.stringify(shown);
  if (place.dataset.words === key) return;
  place.dataset.words = key;
  place.replaceChildren(...shown.flatMap(elements));
}
