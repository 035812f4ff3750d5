/* An outage: the fields that its action and its end need. */

const field = (name) => document.getElementById(`id_${name}`);
const row = (name) => field(name).closest(".form-row");

function show() {
    row("transfer_number").hidden = field("action").value !== "transfer";
    row("until").hidden = field("ends").value !== "at";
}

document.getElementById("outage-form").addEventListener("change", show);
show();
