// The recordings of a call: one player for all parts, and the transcript that follows.

import { Lines } from "./lines.js";
import { clock, Position } from "./position.js";
import { Waveform } from "./waveform.js";

const root = document.querySelector("[data-playback]");
const find = (name) => root.querySelector(`[data-find="${name}"]`);
const bar = find("bar");
const [toggle, time, speed, choice] = ["toggle", "time", "speed", "choice"].map(find);
const [status, follow, download] = ["status", "follow", "download"].map(find);
const parts = [...root.querySelectorAll("audio")];
let audio = parts[0];
let waveform = null;

const lines = new Lines(follow, (part, seconds) => jump(part, seconds));
const position = new Position(find("wave"), {
    now: () => audio.currentTime,
    length,
    move: (seconds) => seek(seconds),
    words: () => lines.wordsAt(parts.indexOf(audio), audio.currentTime),
});

// Known before the sound is loaded, unless the recording was cut off.
function length() {
    return Number.isFinite(audio.duration) ? audio.duration : Number(audio.dataset.seconds) || 0;
}

function seek(seconds) {
    audio.currentTime = Math.min(Math.max(seconds, 0), length());
    show();
}

function jump(part, seconds) {
    if (audio !== parts[part]) choose(part);
    seek(seconds);
    play();
}

function choose(part) {
    audio.pause();
    audio = parts[part];
    if (choice) choice.value = String(part);
    draw();
    show();
}

async function play() {
    status.textContent = "";
    lines.follow();
    audio.playbackRate = Number(speed.value);
    try {
        await audio.play();
    } catch (error) {
        if (error.name !== "AbortError") await explain();
    }
}

// The player knows only that something failed; the server says why.
async function explain() {
    status.textContent = "The sound could not be played. Try again in a moment.";
    const response = await fetch(audio.src, { headers: { Range: "bytes=0-0" } }).catch(() => null);
    const plain = response?.headers.get("Content-Type")?.startsWith("text/plain");
    if (response && !response.ok && plain) status.textContent = await response.text();
}

function draw() {
    download.href = audio.src;
    waveform?.destroy();
    waveform = new Waveform(find("wave"), audio, length(), root.dataset.nonce);
}

function show() {
    const plays = !audio.paused;
    toggle.setAttribute("aria-label", plays ? "Pause" : "Play the recording");
    toggle.dataset.state = plays ? "plays" : "stands";
    time.textContent = `${clock(audio.currentTime)} / ${clock(length())}`;
    position.show(plays);
    lines.show(parts.indexOf(audio), audio.currentTime, plays);
}

function ended() {
    const next = parts.indexOf(audio) + 1;
    if (next < parts.length) jump(next, 0);
    else show();
}

for (const part of parts) {
    part.controls = false;
    part.parentElement.hidden = true;
    for (const event of ["timeupdate", "play", "pause", "seeked", "loadedmetadata"]) {
        part.addEventListener(event, () => part === audio && show());
    }
    part.addEventListener("ended", ended);
    part.addEventListener("error", () => part === audio && explain());
}
toggle.addEventListener("click", () => (audio.paused ? play() : audio.pause()));
speed.addEventListener("change", () => { audio.playbackRate = Number(speed.value); });
choice?.addEventListener("change", () => choose(Number(choice.value)));
bar.hidden = false;
draw();
show();
