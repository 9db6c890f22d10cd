// What changed, for those who hear the page: the state, each quarter of the work, the end. Not every step.

import { ENDED } from "./card.js";
import { find } from "./dom.js";
import { t } from "./words.js";

const spoken = new Map();

export function announce(state) {
  const words = said(state);
  if (spoken.get(state.id) === words.key) return;
  spoken.set(state.id, words.key);
  if (ENDED.has(state.state)) spoken.delete(state.id);
  find("announcer").textContent = words.text;
}

function said(state) {
  if (state.error) return { key: "error", text: state.error.message };
  if (state.state === "done") return { key: "done", text: [t("Made"), state.text].join(". ") };
  if (state.fraction === null) return { key: `${state.state} ${state.place}`, text: state.text };
  const percent = Math.floor(state.fraction * 4) * 25;
  return { key: `at ${percent}`, text: [state.stage, t("{percent} percent", { percent })].join(", ") };
}
