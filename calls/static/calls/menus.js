// Menus that are <details>: Escape and a click elsewhere close them.

const menus = [...document.querySelectorAll("details[data-menu]")];

function close(menu) {
    const had = menu.contains(document.activeElement);
    menu.open = false;
    if (had) menu.querySelector("summary").focus();
}

document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of menus) if (menu.open) close(menu);
});

document.addEventListener("click", (event) => {
    for (const menu of menus) if (menu.open && !menu.contains(event.target)) menu.open = false;
});
