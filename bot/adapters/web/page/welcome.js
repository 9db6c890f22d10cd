// The text and the ideas that an empty conversation shows.

import { el, find } from "./dom.js";

const IDEAS = ["/imagine a red apple", "/imagine a fox in the snow --count 2", "/imagine a castle at night --shape wide", "/help"];

// A click on an idea calls `choose(line)`.
export function addIdeas(choose) {
  find("ideas").replaceChildren(...IDEAS.map((idea) =>
    el("li", {}, el("button", { type: "button", class: "idea", onclick: () => choose(idea) }, idea))));
}

// Shows the welcome while the conversation is empty, and the button that clears it otherwise.
export function updateWelcome() {
  const empty = !find("turns").children.length;
  find("welcome").hidden = !empty;
  find("clear").hidden = empty;
}
