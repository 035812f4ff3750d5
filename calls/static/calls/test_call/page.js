// The page: buttons and fields to the relay, what happens on the call to the page.

import { Person } from "./transfer.js";
import { Relay } from "./relay.js";
import { ask } from "./server.js";
import { canListen, Listener } from "./speech.js";
import { Transcript } from "./transcript.js";

const root = document.getElementById("talk");
const part = (name) => root.querySelector(`[data-part="${name}"]`);
const [callButton, hangUpButton, interruptButton] = ["call", "hang-up", "interrupt"].map(part);
const [state, problem, form, line, micButton] =
    ["state", "problem", "form", "line", "microphone"].map(part);
const [keypad, level, guess, readCall] = ["keypad", "level", "guess", "read-call"].map(part);
const transcript = new Transcript(part("log"), part("latest"), root.dataset.bot);

const STATES = {
    idle: "Not in a call",
    calling: "Calling…",
    listening: "The bot is listening",
    hearing: "You speak",
    thinking: "The bot is thinking",
    working: "A tool is at work",
    speaking: "The bot speaks",
    ringing: "A person is rung up",
    ended: "The call is over",
};
let relay = null;
let listener = null;
let waiting = false; // for the answer to what the caller said last
const working = new Set(); // uses of tools that have not ended

// Calling

async function call() {
    setProblem("");
    callButton.disabled = true;
    setState("calling");
    let context = null;
    try {
        // Browsers let a page make sound when this is done in a click.
        context = new AudioContext();
        context.resume();
        connect(await ring(), context);
    } catch (error) {
        context?.close();
        setProblem(error.message);
        stopped("idle");
    }
}

// Ask the server for a call; how to connect to it.
function ring() {
    return ask(location.pathname, new FormData(part("variables")));
}

function connect(told, context) {
    transcript.clear();
    goOn(told, context);
}

function goOn(told, context) {
    part("pressed").textContent = "";
    readCall.hidden = true;
    if (told.page) readCall.href = told.page;
    waiting = false;
    working.clear();
    relay = new Relay(told, page, context);
    root.dataset.call = told.callSid;
    for (const control of [hangUpButton, line, part("say"), micButton]) control.disabled = false;
    keypad.disabled = !told.keys;
    callButton.hidden = true;
    hangUpButton.hidden = false;
    line.focus();
    relay.open();
}

function stopped(how) {
    stopListening();
    relay = null;
    for (const control of [line, part("say"), micButton, interruptButton, keypad]) {
        control.disabled = true;
    }
    callButton.hidden = callButton.disabled = false;
    hangUpButton.hidden = true;
    setState(how);
}

function endingOf({ connected, lost, hungUp, reason }) {
    if (!connected && !hungUp) {
        return "The call could not be connected. Reload the page and try again.";
    }
    if (hungUp) return "You hung up.";
    if (reason) return `${reason}.`;
    return lost ? "The connection to the server was lost." : "The call has ended.";
}

// What the relay tells of

const page = {
    turn(turn) {
        if (turn.role === "caller") waiting = true;
        if (turn.works) working.add(turn.index);
        else if (working.delete(turn.index)) waiting = true;
        transcript.show(turn);
        if (turn.use) page.state();
    },
    state() {
        if (relay) setState(currentState());
    },
    language(tag) {
        listener?.change(tag);
    },
    problem: setProblem,
    ended(how) {
        if (how.person && !how.hungUp) return ringUp(how.person);
        transcript.note(endingOf(how), how.lost ? "failed" : "");
        readCall.hidden = !readCall.hasAttribute("href") || !how.connected;
        const hadFocus = root.contains(document.activeElement);
        stopped("ended");
        if (hadFocus) callButton.focus();
        return undefined;
    },
};

// Being put through to a person

function ringUp(called) {
    const { token } = relay.line;
    transcript.note(`The caller is put through to ${called.name}.`);
    stopped("ringing");
    callButton.hidden = true;
    hangUpButton.hidden = false;
    person.ring(token, called);
}

const person = new Person(part("person"), {
    back(told) {
        const context = new AudioContext();
        context.resume();
        transcript.note("The caller is back at the bot.");
        goOn(told, context);
    },
    over(reason) {
        transcript.note(`${reason}.`);
        readCall.hidden = !readCall.hasAttribute("href");
        stopped("ended");
        callButton.focus();
    },
    problem(text) {
        setProblem(text);
        person.box.hidden = true;
        stopped("ended");
    },
});

function hangUp() {
    if (person.rings) person.decide("gone");
    else relay?.hangUp();
}

function currentState() {
    if (!relay.connected) return "calling";
    if (relay.speaking) {
        waiting = false;
        return "speaking";
    }
    if (relay.callerSpeaking) return "hearing";
    if (working.size) return "working";
    return waiting ? "thinking" : "listening";
}

function setState(name) {
    root.dataset.state = name;
    state.textContent = STATES[name];
    interruptButton.disabled = !relay?.interrupts("speech");
    if (name === "speaking") showLevel();
    else level.value = 0;
}

function showLevel() {
    if (!relay?.speaking) return;
    level.value = relay.player.level();
    requestAnimationFrame(showLevel);
}

function setProblem(text) {
    problem.textContent = text;
    problem.hidden = !text;
}

// What the caller does

function say(text) {
    waiting = true;
    relay.say(text);
    page.state();
}

function sendLine(event) {
    event.preventDefault();
    const text = line.value.trim();
    line.value = "";
    if (relay && text) say(text);
}

// Whoever writes is not silent: the bot must not ask whether anybody is there.
function typing() {
    if (!relay) return;
    if (line.value) relay.beginSpeaking();
    else relay.stopSpeaking();
}

function interrupt() {
    relay?.cough();
    line.focus();
}

function press(digit) {
    if (!relay?.press(digit)) return;
    part("pressed").textContent += digit;
}

function pressOnKeyboard(event) {
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (plain && /^[0-9*#]$/.test(event.key)) press(event.key);
}

const caller = {
    begins() {
        relay?.beginSpeaking({ interrupting: true });
    },
    guess(text) {
        guess.textContent = text;
    },
    said(text) {
        guess.textContent = "";
        if (relay) say(text);
    },
    fellSilent() {
        guess.textContent = "";
        relay?.stopSpeaking();
    },
    problem(text) {
        setProblem(text);
        stopListening();
    },
};

function toggleMicrophone() {
    if (listener) return stopListening();
    setProblem("");
    listener = new Listener(relay.line.language, caller);
    listener.start();
    showMicrophone();
    return undefined;
}

function stopListening() {
    listener?.stop();
    listener = null;
    guess.textContent = "";
    showMicrophone();
}

function showMicrophone() {
    micButton.setAttribute("aria-pressed", String(Boolean(listener)));
}

callButton.addEventListener("click", call);
hangUpButton.addEventListener("click", hangUp);
interruptButton.addEventListener("click", interrupt);
form.addEventListener("submit", sendLine);
line.addEventListener("input", typing);
keypad.addEventListener("click", ({ target }) => press(target.closest("[data-key]")?.dataset.key));
keypad.addEventListener("keydown", pressOnKeyboard);
micButton.addEventListener("click", toggleMicrophone);
addEventListener("pagehide", () => relay?.leave());

micButton.hidden = !canListen;
part("no-microphone").hidden = canListen;
callButton.disabled = false;
transcript.clear();
setState("idle");
