// Shows pictures in a dialog: arrow keys or a swipe for the next one, + or a click for full size, Escape to close.

import { el, find, icon } from "./dom.js";
import { t } from "./i18n.js";

// The shortest movement that counts as a swipe.
const SWIPE_PX = 50;

export class Lightbox {
  constructor() {
    this.dialog = find("lightbox");
    this.dialog.addEventListener("keydown", (event) => this.key(event));
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    this.dialog.addEventListener("pointerdown", (event) => { this.from = event.clientX; });
    this.dialog.addEventListener("pointerup", (event) => this.swipe(event));
  }

  // Opens the dialog at `index`. `pictures` is a list of {url, name, alt}.
  show(pictures, index) {
    Object.assign(this, { pictures, index });
    this.render();
    if (!this.dialog.open) this.dialog.showModal();
    this.dialog.querySelector(".close").focus();
  }

  render() {
    const { url, name, alt } = this.pictures[this.index];
    const several = this.pictures.length > 1;
    this.picture = el("img", { src: url, alt, draggable: "false", onclick: () => this.dialog.classList.toggle("full") });
    this.dialog.classList.remove("full");
    this.dialog.replaceChildren(
      el("div", { class: "stage" }, this.picture),
      el("div", { class: "bar" },
        several ? el("span", { class: "count", role: "status" }, `${this.index + 1} / ${this.pictures.length}`) : null,
        el("a", { class: "icon", href: url, download: name, "aria-label": t("Download") }, icon("download")),
        el("button", { class: "icon close", type: "button", "aria-label": t("Close"), onclick: () => this.dialog.close() }, icon("close"))),
      several ? this.turnButton("left", t("Previous"), -1) : null,
      several ? this.turnButton("right", t("Next"), 1) : null);
  }

  turnButton(side, label, step) {
    return el("button", { class: `icon turn ${side}`, type: "button", "aria-label": label, onclick: () => this.turn(step) }, icon(side));
  }

  turn(step) {
    if (this.pictures.length < 2) return;
    const side = document.activeElement?.classList.contains("turn") ? document.activeElement.classList[2] : "close";
    this.index = (this.index + step + this.pictures.length) % this.pictures.length;
    this.render();
    this.dialog.querySelector(`.${side}`).focus();
  }

  key({ key }) {
    if (key === "ArrowLeft") this.turn(-1);
    else if (key === "ArrowRight") this.turn(1);
    else if (key === "+" || key === "-") this.dialog.classList.toggle("full", key === "+");
  }

  swipe(event) {
    const moved = event.clientX - this.from;
    if (event.pointerType !== "mouse" && Math.abs(moved) > SWIPE_PX && !this.dialog.classList.contains("full")) this.turn(moved < 0 ? 1 : -1);
  }
}
