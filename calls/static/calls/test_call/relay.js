// Twilio's side of one call: sends the caller's actions, plays what the bot sends.
// The same frames as on a phone call (calls/simulator/schema.py), and a few of `test.`.

import { Player } from "./player.js";

const NORMAL = 1000;

// A clip's URL is for Twilio; the console may be open under another host.
function pathOf(source) {
    const url = new URL(source, location.origin);
    return url.pathname + url.search;
}

// A frame says true or false, TwiML says which input interrupts.
function interruptibleOf(frame) {
    if (frame.interruptible === undefined) return undefined;
    return frame.interruptible ? "any" : "none";
}

function socketUrl(path) {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    return `${scheme}://${location.host}${path}`;
}

export class Relay {
    // `line` is the server's connection info; `page` has callbacks: turn(frame),
    // language(tag), state(), problem(text) and ended({...}). `context` plays audio.
    constructor(line, page, context) {
        this.line = line;
        this.page = page;
        this.player = new Player(this, line.language, context);
        this.callerSpeaking = false;
        this.handoff = "";
        this.target = null; // the person to transfer the caller to
        this.reason = "";
        this.connected = false;
        this.hungUp = false;
        this.closed = false;
    }

    open() {
        this.socket = new WebSocket(socketUrl(this.line.socket));
        this.socket.onopen = () => this.sendSetup();
        this.socket.onmessage = ({ data }) => this.receive(JSON.parse(data));
        this.socket.onclose = ({ code }) => this.socketClosed(code);
    }

    sendSetup() {
        this.connected = true;
        this.send({
            type: "setup",
            sessionId: `VX${this.line.callSid}`,
            accountSid: `AC${"0".repeat(32)}`,
            callSid: this.line.callSid,
            parentCallSid: "",
            from: this.line.from,
            to: "",
            forwardedFrom: "",
            callType: "CLIENT",
            callerName: "",
            direction: "inbound",
            callStatus: "RINGING",
            customParameters: {},
        });
        this.page.state();
    }

    // Actions of the caller

    // The caller begins to speak or type, perhaps while the bot speaks.
    beginSpeaking({ interrupting = false } = {}) {
        if (interrupting && this.interrupts("speech")) {
            this.interrupt();
        } else if (!this.callerSpeaking) {
            this.clientSpeaking(true);
        }
    }

    stopSpeaking() {
        if (this.callerSpeaking) this.clientSpeaking(false);
    }

    say(text) {
        this.beginSpeaking({ interrupting: true });
        this.stopSpeaking();
        this.send({
            type: "prompt",
            voicePrompt: text,
            lang: this.line.language,
            last: true,
        });
    }

    // A noise without words.
    interruptWithNoise() {
        if (!this.interrupts("speech")) return false;
        this.interrupt();
        this.stopSpeaking();
        return true;
    }

    press(digit) {
        const interrupts = this.interrupts("dtmf");
        const cut = interrupts ? this.player.stop() : null;
        // The digit is sent before the interruption: a reply to it still plays.
        if (this.line.keys) this.send({ type: "dtmf", digit });
        if (interrupts) this.reportInterrupt(cut);
        return this.line.keys;
    }

    hangUp() {
        this.hungUp = true;
        this.player.stop();
        // The server then sends the last turn and closes.
        if (this.socket.readyState === WebSocket.OPEN) this.send({ type: "test.hangUp" });
        else this.socket.close(NORMAL);
    }

    // The page is closing: there is no time for a response.
    leave() {
        this.hungUp = true;
        this.socket.close(NORMAL);
    }

    get speaking() {
        return this.player.speaking;
    }

    interrupts(input) {
        const interruptible = this.player.item?.interruptible ?? this.line.interruptible;
        return this.player.speaking && [input, "any"].includes(interruptible);
    }

    interrupt() {
        const cut = this.player.stop();
        if (!this.callerSpeaking) this.clientSpeaking(true);
        this.reportInterrupt(cut);
    }

    reportInterrupt(cut) {
        this.send({
            type: "interrupt",
            utteranceUntilInterrupt: cut?.text ?? "",
            durationUntilInterruptMs: cut?.ms ?? 0,
        });
        this.info("agentSpeaking", "off");
        this.page.state();
    }

    clientSpeaking(on) {
        this.callerSpeaking = on;
        this.info("clientSpeaking", on ? "on" : "off");
        this.page.state();
    }

    // Callbacks of the player

    itemStarted(item, afterSilence) {
        if (afterSilence) this.info("agentSpeaking", "on");
        this.send({ type: "test.plays", clip: item.clip ?? "", text: item.text ?? "" });
        this.page.state();
    }

    // For the recording: so much of it was heard.
    itemEnded(item, seconds) {
        this.send({ type: "test.played", seconds });
    }

    silent() {
        this.info("agentSpeaking", "off");
        this.page.state();
    }

    itemFailed(item, reason) {
        this.page.problem(`A sentence could not be played. ${reason}`);
    }

    // The socket

    receive(frame) {
        switch (frame.type) {
        case "play":
            return this.player.add({ clip: pathOf(frame.source), interruptible: interruptibleOf(frame) });
        case "text":
            if (!frame.token) return undefined;
            return this.player.add({ text: frame.token, interruptible: interruptibleOf(frame) });
        case "language":
            this.line.language = frame.transcriptionLanguage ?? this.line.language;
            this.player.language = frame.ttsLanguage ?? this.player.language;
            return this.page.language(this.line.language);
        case "end":
            this.handoff = frame.handoffData ?? "";
            return this.socket.close(NORMAL);
        case "test.turn":
            return this.page.turn(frame);
        case "test.transfer":
            this.target = frame;
            return undefined;
        case "test.ended":
            this.reason = frame.reason;
            return undefined;
        default:
            return this.refuse(frame);
        }
    }

    refuse(frame) {
        const description = `Invalid message received, code: 64107, ${JSON.stringify(frame)}`;
        this.send({ type: "error", description });
    }

    info(name, value) {
        this.send({ type: "info", name, value });
    }

    send(message) {
        if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
    }

    socketClosed(code) {
        if (this.closed) return;
        this.closed = true;
        this.player.close();
        this.page.ended({
            connected: this.connected,
            lost: code !== NORMAL && !this.hungUp,
            hungUp: this.hungUp,
            reason: this.reason,
            target: this.wantsTransfer() ? this.target : null,
        });
    }

    // Parsed as by the server's action URL; the target is stored with the call.
    wantsTransfer() {
        try {
            return JSON.parse(this.handoff || "{}")?.transfer === true;
        } catch {
            return false;
        }
    }
}
