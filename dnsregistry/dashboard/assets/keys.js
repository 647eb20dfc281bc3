// The keyboard.
export function listen(app) {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || app.dialog) return;
    const typing = event.target.closest("input, select, textarea");
    if (event.key === "Escape") {
      if (typing) typing.blur();
      else app.back();
      return;
    }
    if (typing) return;
    const act = {
      "/": () => document.querySelector("#explain-name")?.focus(),
      f: () => document.querySelector(".filter input")?.focus(),
      j: () => app.step(1),
      k: () => app.step(-1),
      t: () => app.set({ dialog: "token" }),
      "?": () => app.set({ dialog: "keys" }),
    }[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });
}
