// The page: passes input to the relay, and shows what happens on the call.

import { Transfer } from "./transfer.js";
import { Relay } from "./relay.js";
import { post } from "../server.js";
import { canListen, Listener } from "./speech.js";
import { Transcript } from "./transcript.js";

const root = document.getElementById("test-call");
const part = (name) => root.querySelector(`[data-part="${name}"]`);
const [callButton, hangUpButton, interruptButton] = ["call", "hang-up", "interrupt"].map(part);
const [state, problem, form, line, micButton] =
    ["state", "problem", "form", "line", "microphone"].map(part);
const [keypad, level, partial, readCall] = ["keypad", "level", "partial", "read-call"].map(part);
const transcript = new Transcript(part("log"), part("latest"), root.dataset.bot);

const STATES = {
    idle: "Not in a call",
    calling: "Calling…",
    listening: "The bot is listening",
    hearing: "You speak",
    thinking: "The bot is thinking",
    working: "A tool is running",
    speaking: "The bot speaks",
    ringing: "Calling a person",
    ended: "The call is over",
};
let relay = null;
let listener = null;
let waiting = false; // for an answer to the caller's last words
const working = new Set(); // turns whose tool call has not ended

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
        start(await createCall(), context);
    } catch (error) {
        context?.close();
        setProblem(error.message);
        stopped("idle");
    }
}

// Creates a call on the server; returns how to connect to it.
function createCall() {
    return post(location.pathname, new FormData(part("variables")));
}

function start(line, context) {
    transcript.clear();
    connect(line, context);
}

function connect(info, context) {
    part("pressed").textContent = "";
    readCall.hidden = true;
    if (info.page) readCall.href = info.page;
    waiting = false;
    working.clear();
    relay = new Relay(info, page, context);
    root.dataset.call = info.callSid;
    for (const control of [hangUpButton, line, part("say"), micButton]) control.disabled = false;
    keypad.disabled = !info.keys;
    callButton.hidden = true;
    hangUpButton.hidden = false;
    line.focus();
    relay.open();
}

function stopped(newState) {
    stopListening();
    relay = null;
    for (const control of [line, part("say"), micButton, interruptButton, keypad]) {
        control.disabled = true;
    }
    callButton.hidden = callButton.disabled = false;
    hangUpButton.hidden = true;
    setState(newState);
}

function endingOf({ connected, lost, hungUp, reason }) {
    if (!connected && !hungUp) {
        return "The call could not be connected. Reload the page and try again.";
    }
    if (hungUp) return "You hung up.";
    if (reason) return `${reason}.`;
    return lost ? "The connection to the server was lost." : "The call has ended.";
}

// Callbacks of the relay

const page = {
    turn(turn) {
        if (turn.role === "caller") waiting = true;
        if (turn.working) working.add(turn.index);
        else if (working.delete(turn.index)) waiting = true;
        transcript.show(turn);
        if (turn.toolCall) page.state();
    },
    state() {
        if (relay) setState(currentState());
    },
    language(tag) {
        listener?.change(tag);
    },
    problem: setProblem,
    ended(end) {
        if (end.target && !end.hungUp) return startTransfer(end.target);
        transcript.note(endingOf(end), end.lost ? "failed" : "");
        readCall.hidden = !readCall.hasAttribute("href") || !end.connected;
        const hadFocus = root.contains(document.activeElement);
        stopped("ended");
        if (hadFocus) callButton.focus();
        return undefined;
    },
};

// Transfer to a person

function startTransfer(target) {
    const { token } = relay.line;
    transcript.note(`The caller is transferred to ${target.name}.`);
    stopped("ringing");
    callButton.hidden = true;
    hangUpButton.hidden = false;
    transfer.start(token, target);
}

const transfer = new Transfer(part("transfer"), {
    returned(info) {
        const context = new AudioContext();
        context.resume();
        transcript.note("The caller is back with the bot.");
        connect(info, context);
    },
    ended(reason) {
        transcript.note(`${reason}.`);
        readCall.hidden = !readCall.hasAttribute("href");
        stopped("ended");
        callButton.focus();
    },
    problem(text) {
        setProblem(text);
        transfer.box.hidden = true;
        stopped("ended");
    },
});

function hangUp() {
    if (transfer.isOpen) transfer.decide("gone");
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

// Input of the caller

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

// A caller who types is not silent: the bot must not ask whether they are there.
function typing() {
    if (!relay) return;
    if (line.value) relay.beginSpeaking();
    else relay.stopSpeaking();
}

function interrupt() {
    relay?.interruptWithNoise();
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
    started() {
        relay?.beginSpeaking({ interrupting: true });
    },
    partial(text) {
        partial.textContent = text;
    },
    finished(text) {
        partial.textContent = "";
        if (relay) say(text);
    },
    stopped() {
        partial.textContent = "";
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
    partial.textContent = "";
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
