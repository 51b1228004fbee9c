// Light and dark: the system's preference until the reader says otherwise.

import { h, fill } from "./dom.js";
import { icon } from "./icons.js";
import { recall, remember } from "./remember.js";

// The switch; it sets data-theme on the root, and app.view.theme for those that draw.
export function themeSwitch(app, root) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const button = h("button", { type: "button", class: "ghost icon-only", on: { click: toggle } });
  let chosen = recall("theme");

  const present = () => chosen ?? (system.matches ? "dark" : "light");

  function apply() {
    root.dataset.theme = present();
    const other = present() === "dark" ? "light" : "dark";
    fill(button, icon(other === "dark" ? "moon" : "sun"));
    button.setAttribute("aria-label", `Switch to ${other}`);
    button.title = `Switch to ${other}`;
    app.show({ theme: present() });
  }

  function toggle() {
    chosen = present() === "dark" ? "light" : "dark";
    remember("theme", chosen);
    apply();
  }

  system.addEventListener("change", apply);
  apply();
  return button;
}
