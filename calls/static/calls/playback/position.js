// The waveform as a slider, for the keyboard and for screen readers.

const STEP = 5; // seconds
const PAGE = 30;

export function clock(seconds) {
    const whole = Math.floor(seconds);
    const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
    const rest = String(whole % 60).padStart(2, "0");
    return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

export class Position {
    // `player` has functions: now(), length(), move(seconds), and words() for the line.
    constructor(element, player) {
        this.element = element;
        this.player = player;
        element.addEventListener("keydown", (event) => this.press(event));
    }

    press(event) {
        const { now, length, move } = this.player;
        const target = {
            ArrowLeft: now() - STEP,
            ArrowDown: now() - STEP,
            ArrowRight: now() + STEP,
            ArrowUp: now() + STEP,
            PageDown: now() - PAGE,
            PageUp: now() + PAGE,
            Home: 0,
            End: length(),
        }[event.key];
        if (target === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault();
        move(target);
        this.write();
    }

    show(plays) {
        // A screen reader would read each change of a slider that has the focus.
        if (!plays || document.activeElement !== this.element) this.write();
    }

    write() {
        const { now, length, words } = this.player;
        const said = words();
        this.element.setAttribute("aria-valuemax", String(Math.round(length())));
        this.element.setAttribute("aria-valuenow", String(Math.round(now())));
        const place = `${clock(now())} of ${clock(length())}`;
        this.element.setAttribute("aria-valuetext", said ? `${place}: ${said}` : place);
    }
}
