// A call's page: plays a turn's clips one after another, and prints.

const player = new Audio();
let playing = null; // the button whose turn is heard

function say(button, words) {
    button.parentElement.querySelector("[role=status]").textContent = words;
}

async function fetched(address) {
    const response = await fetch(address);
    if (response.ok) return response.blob();
    const plain = response.headers.get("Content-Type")?.startsWith("text/plain");
    throw new Error(plain ? await response.text() : "The sound could not be loaded.");
}

function heard(blob) {
    const address = URL.createObjectURL(blob);
    return new Promise((resolve, reject) => {
        player.onended = resolve;
        player.onpause = () => player.ended || resolve();
        player.onerror = () => reject(new Error("This browser cannot play the sound."));
        player.src = address;
        player.play().catch(reject);
    }).finally(() => URL.revokeObjectURL(address));
}

function stop() {
    if (playing) playing.textContent = "Listen";
    playing = null;
    player.pause();
}

// Expired clips are skipped: of an interrupted turn the first clips are often left.
async function listen(button) {
    stop();
    playing = button;
    button.textContent = "Stop";
    say(button, "");
    let problem = "";
    for (const address of button.dataset.clips.trim().split(" ")) {
        try {
            const blob = await fetched(address);
            if (playing !== button) return;
            await heard(blob);
        } catch (error) {
            problem = error.message;
        }
        if (playing !== button) return;
    }
    stop();
    say(button, problem);
}

for (const button of document.querySelectorAll("[data-clips]")) {
    button.hidden = false;
    button.addEventListener("click", () => (playing === button ? stop() : listen(button)));
}

for (const link of document.querySelectorAll("[data-print]")) {
    link.hidden = false;
    link.addEventListener("click", (event) => {
        event.preventDefault();
        window.print();
    });
}
