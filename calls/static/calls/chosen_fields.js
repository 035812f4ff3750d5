// Alerts and budgets: shows only the fields that the chosen event, kind or action has.

const field = (name) => document.getElementById(`id_${name}`);

// By the field that is chosen: for each of the others, the choices that have it.
const needed = {
  event: {
    bot: ["call-failed", "transfer-missed", "asked-for-person", "outcome", "slow-answers", "errors", "budget"],
    outcome: ["outcome"],
    max_seconds: ["slow-answers"],
    max_percent: ["errors"],
    window_minutes: ["slow-answers", "errors"],
  },
  action: { message: ["message", "transfer"], transfer_number: ["transfer"], other_bot: ["bot"] },
  delivery: { daily_hour: ["daily"] },
  kind: {
    mail: ["mail"],
    url: ["slack", "teams", "discord"],
    phone: ["sms"],
    sender: ["sms"],
  },
};

function show() {
  for (const [chosen, others] of Object.entries(needed)) {
    if (!field(chosen)) continue;
    for (const [name, choices] of Object.entries(others)) {
      const row = field(name)?.closest(".form-row");
      if (row) row.hidden = !choices.includes(field(chosen).value);
    }
  }
  const bound = document.querySelector(".alert-bound");
  if (bound) bound.hidden = [...bound.querySelectorAll(".form-row")].every((row) => row.hidden);
}

for (const name of Object.keys(needed)) field(name)?.addEventListener("change", show);
show();
